package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/sqlite/internal/row"
)

// Pending implements broker.Outbox. There is one writer at a time, so that
// numbers become visible in their order.
func (s *Store) Pending(ctx context.Context, after int64, limit int) ([]broker.Entry, int64, error) {
	entries, position, err := s.pending(ctx, after, max(limit, 1))
	if err != nil {
		return nil, 0, fmt.Errorf("read the outbox: %w", err)
	}
	return entries, position, nil
}

// pending returns entries after a position and the position to go on from: the
// last entry's when there may be more, and else the end of the sequence, where
// trimmed messages may have been.
func (s *Store) pending(ctx context.Context, after int64, limit int) ([]broker.Entry, int64, error) {
	// All reads are of one snapshot of the file.
	tx, err := s.reads.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = tx.Rollback() }() // it has only read
	var last int64
	if err := tx.QueryRowContext(ctx, "SELECT last FROM minos_sequence").Scan(&last); err != nil {
		return nil, 0, err
	}
	if last <= after {
		return nil, after, nil
	}
	events, err := collect(ctx, tx, scanEventEntry, row.SelectEvents+"seq > ? ORDER BY seq LIMIT ?", after, limit)
	if err != nil {
		return nil, 0, err
	}
	messages, err := collect(ctx, tx, scanMessageEntry, row.SelectMessages+"seq > ? ORDER BY seq LIMIT ?", after, limit)
	if err != nil {
		return nil, 0, err
	}
	entries := merge(events, messages, limit)
	if len(entries) == limit {
		last = entries[limit-1].Seq
	}
	return entries, last, nil
}

func scanEventEntry(r row.Scanner) (broker.Entry, error) {
	e, err := row.Event(r)
	return broker.Entry{Seq: e.Seq, Event: &e}, err
}

func scanMessageEntry(r row.Scanner) (broker.Entry, error) {
	seq, m, err := row.Message(r)
	return broker.Entry{Seq: seq, Message: &m}, err
}

// merge puts both in one order and returns the first limit of them.
func merge(a, b []broker.Entry, limit int) []broker.Entry {
	merged := make([]broker.Entry, 0, min(limit, len(a)+len(b)))
	for len(merged) < cap(merged) {
		if len(b) == 0 || len(a) > 0 && a[0].Seq < b[0].Seq {
			merged, a = append(merged, a[0]), a[1:]
		} else {
			merged, b = append(merged, b[0]), b[1:]
		}
	}
	return merged
}

// Trim implements broker.Outbox.
func (s *Store) Trim(ctx context.Context, upTo int64, settledBefore time.Time) error {
	err := s.write(ctx, func(t *transaction) error {
		_, err := t.exec("DELETE FROM minos_message WHERE seq <= ?", upTo)
		return err
	})
	if err != nil {
		return fmt.Errorf("trim the outbox: %w", err)
	}
	for n := int64(trimmed); err == nil && n == trimmed; { // a part at a time, for commits wait meanwhile
		err = s.write(ctx, func(t *transaction) error {
			n, err = t.exec(`DELETE FROM minos_receipt WHERE (message, topic) IN
				(SELECT message, topic FROM minos_receipt WHERE settled_at < ? LIMIT ?)`, settledBefore.UnixMicro(), trimmed)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("trim the receipts: %w", err)
	}
	return nil
}

// trimmed is how many receipts go at once.
const trimmed = 10_000
