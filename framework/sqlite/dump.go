package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"time"

	"github.com/minos-framework/minos-go/framework/dump"
)

// Export implements dump.Store. Others write meanwhile.
func (s *Store) Export(ctx context.Context, w io.Writer) error {
	// All reads are of one snapshot of the file.
	tx, err := s.reads.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("export the store: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // it has only read
	if err := export(ctx, tx, w); err != nil {
		return fmt.Errorf("export the store: %w", err)
	}
	return nil
}

func export(ctx context.Context, tx *sql.Tx, w io.Writer) error {
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
	scan func(r row) (dump.Record, error)
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
		{selectEvent + "true ORDER BY seq", func(r row) (dump.Record, error) {
			e, err := scanEvent(r)
			return dump.Record{Event: &e}, err
		}},
		{selectMessage + "true ORDER BY seq", func(r row) (dump.Record, error) {
			e, err := scanMessageEntry(r)
			if err != nil {
				return dump.Record{}, err
			}
			return dump.Record{Message: &dump.Message{Seq: e.Seq, Message: *e.Message}}, nil
		}},
		{selectSnapshot + "true ORDER BY aggregate", func(r row) (dump.Record, error) {
			snapshot, err := scanSnapshot(r)
			return dump.Record{Snapshot: &snapshot}, err
		}},
		{"SELECT message, topic, settled_at FROM minos_receipt ORDER BY message, topic", scanReceiptRecord},
		{"SELECT id, definition, revision, status, deadline, data FROM minos_saga ORDER BY id", scanSagaRecord},
		{"SELECT saga, at, data FROM minos_saga_log ORDER BY saga, revision, place", func(r row) (dump.Record, error) {
			var e dump.Entry
			var at int64
			err := r.Scan((*id)(&e.Saga), &at, (*[]byte)(&e.Data))
			e.At = moment(at)
			return dump.Record{Entry: &e}, err
		}},
		{"SELECT name, position FROM minos_cursor ORDER BY name", func(r row) (dump.Record, error) {
			var c dump.Cursor
			err := r.Scan(&c.Name, &c.Position)
			return dump.Record{Cursor: &c}, err
		}},
		{"SELECT subject, wrapped FROM minos_subject_key ORDER BY subject", func(r row) (dump.Record, error) {
			var k dump.Key
			err := r.Scan(&k.Subject, &k.Wrapped)
			k.Forgotten = k.Wrapped == nil
			return dump.Record{Key: &k}, err
		}},
	}
}

func scanReceiptRecord(r row) (dump.Record, error) {
	var receipt dump.Receipt
	var settled int64
	err := r.Scan((*id)(&receipt.Message), &receipt.Topic, &settled)
	receipt.SettledAt = moment(settled)
	return dump.Record{Receipt: &receipt}, err
}

func scanSagaRecord(r row) (dump.Record, error) {
	var saga dump.Saga
	var deadline sql.NullInt64
	err := r.Scan((*id)(&saga.ID), &saga.Definition, &saga.Revision, &saga.Status, &deadline, (*[]byte)(&saga.Data))
	if deadline.Valid {
		saga.Deadline = moment(deadline.Int64)
	}
	return dump.Record{Saga: &saga}, err
}

// Import implements dump.Store. Whoever writes meanwhile waits for its end.
func (s *Store) Import(ctx context.Context, r io.Reader) error {
	d, err := dump.Read(r)
	if err == nil {
		err = s.write(ctx, func(t *transaction) error { return t.fill(ctx, d) })
	}
	if err != nil {
		return fmt.Errorf("import into the store: %w", err)
	}
	return nil
}

// fill stores a dump, unless something is stored.
func (t *transaction) fill(ctx context.Context, d *dump.Reader) error {
	used, err := t.used()
	if err != nil {
		return fmt.Errorf("look for rows: %w", err)
	}
	if used {
		return dump.ErrNotEmpty
	}
	n := 0
	for record, err := range d.Records() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		n++
		if err := t.take(record, n); err != nil {
			return fmt.Errorf("store record %d: %w", n, err)
		}
	}
	t.last = max(t.last, d.Position())
	return nil
}

// used reports whether something is stored.
func (t *transaction) used() (used bool, err error) {
	err = t.conn.QueryRowContext(t.ctx, `SELECT EXISTS (SELECT 1 FROM minos_event) OR EXISTS (SELECT 1 FROM minos_message)
		OR EXISTS (SELECT 1 FROM minos_snapshot) OR EXISTS (SELECT 1 FROM minos_receipt)
		OR EXISTS (SELECT 1 FROM minos_saga) OR EXISTS (SELECT 1 FROM minos_cursor)
		OR EXISTS (SELECT 1 FROM minos_subject_key)`).Scan(&used)
	return used, err
}

// take stores the n-th record.
func (t *transaction) take(r dump.Record, n int) (err error) {
	switch {
	case r.Event != nil:
		e := r.Event
		_, err = t.exec(`INSERT INTO minos_event (seq, aggregate, version, name, action, schema, data, headers, created_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, e.Seq, e.Aggregate[:], e.Version, e.Name, string(e.Action), e.Schema,
			text(e.Data), encodeHeaders(e.Headers), e.CreatedAt.UnixMicro())
	case r.Message != nil:
		m := r.Message
		_, err = t.exec(`INSERT INTO minos_message (seq, id, topic, key, reply_to, status, content, headers)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, m.Seq, m.ID[:], m.Topic, m.Key, m.ReplyTo, m.Status, text(m.Content),
			encodeHeaders(m.Headers))
	case r.Snapshot != nil:
		s := r.Snapshot
		_, err = t.exec(`INSERT INTO minos_snapshot (name, aggregate, version, schema, data, created_at, updated_at)
			VALUES (?, ?, ?, ?, ?, ?, ?)`, s.Name, s.Aggregate[:], s.Version, s.Schema, text(s.Data),
			s.CreatedAt.UnixMicro(), s.UpdatedAt.UnixMicro())
	case r.Receipt != nil:
		_, err = t.exec("INSERT INTO minos_receipt (message, topic, settled_at) VALUES (?, ?, ?)",
			r.Receipt.Message[:], r.Receipt.Topic, r.Receipt.SettledAt.UnixMicro())
	case r.Saga != nil:
		err = t.takeSaga(*r.Saga)
	case r.Entry != nil: // of revision 0, which is before what the saga will add
		_, err = t.exec("INSERT INTO minos_saga_log (saga, revision, place, at, data) VALUES (?, 0, ?, ?, ?)",
			r.Entry.Saga[:], n, r.Entry.At.UnixMicro(), text(r.Entry.Data))
	case r.Cursor != nil:
		_, err = t.exec("INSERT INTO minos_cursor (name, epoch, position) VALUES (?, 0, ?)", r.Cursor.Name, r.Cursor.Position)
	case r.Key != nil:
		_, err = t.exec("INSERT INTO minos_subject_key (subject, wrapped) VALUES (?, ?)", r.Key.Subject, r.Key.Wrapped)
	}
	return err
}

func (t *transaction) takeSaga(s dump.Saga) error {
	var deadline any
	if !s.Deadline.IsZero() {
		deadline = s.Deadline.Round(time.Microsecond).UnixMicro()
	}
	_, err := t.exec("INSERT INTO minos_saga (id, definition, revision, status, deadline, data) VALUES (?, ?, ?, ?, ?, ?)",
		s.ID[:], s.Definition, s.Revision, s.Status, deadline, text(s.Data))
	return err
}
