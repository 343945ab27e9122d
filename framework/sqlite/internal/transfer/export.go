// Package transfer puts the rows of a store into the records of a dump, and the
// records into rows. When that may be, and in which transaction, is the store's
// matter.
package transfer

import (
	"context"
	"database/sql"
	"fmt"
	"io"

	"github.com/minos-framework/minos-go/framework/dump"
	"github.com/minos-framework/minos-go/framework/sqlite/internal/row"
)

// Export writes what a transaction sees as a dump.
func Export(ctx context.Context, tx *sql.Tx, w io.Writer) error {
	var position int64
	if err := tx.QueryRowContext(ctx, "SELECT last FROM minos_sequence").Scan(&position); err != nil {
		return fmt.Errorf("read the sequence: %w", err)
	}
	d, err := dump.NewWriter(w, position)
	if err != nil {
		return err
	}
	for _, part := range exports() {
		if err := part.write(ctx, tx, d); err != nil {
			return err
		}
	}
	return d.Close()
}

// exported is how the records of one kind are read.
type exported struct {
	text string
	scan func(r row.Scanner) (dump.Record, error)
}

func (part exported) write(ctx context.Context, tx *sql.Tx, d *dump.Writer) error {
	rows, err := tx.QueryContext(ctx, part.text)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // Err tells
	for rows.Next() {
		record, err := part.scan(rows)
		if err == nil {
			err = d.Write(record)
		}
		if err != nil {
			return err
		}
	}
	return rows.Err()
}

func exports() []exported {
	return []exported{
		{row.SelectEvents + "true ORDER BY seq", func(r row.Scanner) (dump.Record, error) {
			e, err := row.Event(r)
			return dump.Record{Event: &e}, err
		}},
		{row.SelectMessages + "true ORDER BY seq", func(r row.Scanner) (dump.Record, error) {
			seq, m, err := row.Message(r)
			return dump.Record{Message: &dump.Message{Seq: seq, Message: m}}, err
		}},
		{row.SelectSnapshots + "true ORDER BY aggregate", func(r row.Scanner) (dump.Record, error) {
			snapshot, err := row.Snapshot(r)
			return dump.Record{Snapshot: &snapshot}, err
		}},
		{"SELECT message, topic, settled_at FROM minos_receipt ORDER BY message, topic", scanReceiptRecord},
		{"SELECT id, definition, revision, status, deadline, data FROM minos_saga ORDER BY id", scanSagaRecord},
		{"SELECT saga, at, data FROM minos_saga_log ORDER BY saga, revision, place", func(r row.Scanner) (dump.Record, error) {
			var e dump.Entry
			var at int64
			err := r.Scan((*row.ID)(&e.Saga), &at, (*[]byte)(&e.Data))
			e.At = row.Time(at)
			return dump.Record{Entry: &e}, err
		}},
		{"SELECT name, position FROM minos_cursor ORDER BY name", func(r row.Scanner) (dump.Record, error) {
			var c dump.Cursor
			err := r.Scan(&c.Name, &c.Position)
			return dump.Record{Cursor: &c}, err
		}},
		{"SELECT subject, wrapped FROM minos_subject_key ORDER BY subject", func(r row.Scanner) (dump.Record, error) {
			var k dump.Key
			err := r.Scan(&k.Subject, &k.Wrapped)
			k.Forgotten = k.Wrapped == nil
			return dump.Record{Key: &k}, err
		}},
	}
}

func scanReceiptRecord(r row.Scanner) (dump.Record, error) {
	var receipt dump.Receipt
	var settled int64
	err := r.Scan((*row.ID)(&receipt.Message), &receipt.Topic, &settled)
	receipt.SettledAt = row.Time(settled)
	return dump.Record{Receipt: &receipt}, err
}

func scanSagaRecord(r row.Scanner) (dump.Record, error) {
	var saga dump.Saga
	var deadline sql.NullInt64
	err := r.Scan((*row.ID)(&saga.ID), &saga.Definition, &saga.Revision, &saga.Status, &deadline, (*[]byte)(&saga.Data))
	if deadline.Valid {
		saga.Deadline = row.Time(deadline.Int64)
	}
	return dump.Record{Saga: &saga}, err
}
