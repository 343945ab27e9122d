package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/postgres/internal/write"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Pending implements broker.Outbox. It must ask the primary server: the locks
// of the fence are not seen on a standby.
func (s *Store) Pending(ctx context.Context, after int64, limit int) ([]broker.Entry, int64, error) {
	limit = max(limit, 1)
	safe, err := s.safe(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("read the outbox: %w", err)
	}
	if safe <= after {
		return nil, after, nil
	}
	events, messages, err := s.between(ctx, after, safe, limit)
	if err != nil {
		return nil, 0, fmt.Errorf("read the outbox: %w", err)
	}
	entries := merge(events, messages, limit)
	if len(entries) == limit {
		safe = entries[limit-1].Seq
	}
	return entries, safe, nil
}

// safe returns a position at or before which nothing will be committed any
// more: the last number that was drawn or, if it is lower, the lowest fence
// that a transaction holds.
//
// Who drew a number up to last did so before it was read, so took the fence
// before. If the fence is not there when it is looked for, the transaction has
// ended, and what it committed is seen by statements after that, since a commit
// becomes visible before its locks are released. So the three statements, these
// two and the one in between, must stay apart and in this order.
func (s *Store) safe(ctx context.Context) (int64, error) {
	var batch pgx.Batch
	batch.Queue("SELECT " + write.LastNumber)
	batch.Queue(`SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND classid = $1::bigint::oid AND objsubid = 2
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`, write.FenceClass)
	results := s.pool.SendBatch(ctx, &batch)
	defer func() { _ = results.Close() }() // both results are read below
	var last int64
	if err := results.QueryRow().Scan(&last); err != nil {
		return 0, fmt.Errorf("read the sequence: %w", err)
	}
	rows, _ := results.Query() // rows tell the error
	keys, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return 0, fmt.Errorf("read the fence: %w", err)
	}
	lowest := last
	for _, key := range keys {
		// The key is the low 31 bits of a number near last. One that is ahead was
		// taken after last was read.
		if behind := (last - key) & (1<<31 - 1); behind < 1<<30 {
			lowest = min(lowest, last-behind)
		}
	}
	return lowest, nil
}

// between reads events and messages after one position and up to another. The
// upper bound is not in the SQL: a planner that has never analysed the table
// takes a range for a few rows, and would read all that wait and sort them,
// again for each page.
func (s *Store) between(ctx context.Context, after, upTo int64, limit int) ([]unit.Event, []numbered, error) {
	var batch pgx.Batch
	batch.Queue(selectEvent+"seq > $1 ORDER BY seq LIMIT $2", after, limit)
	batch.Queue(selectMessage+"seq > $1 ORDER BY seq LIMIT $2", after, limit)
	results := s.pool.SendBatch(ctx, &batch)
	defer func() { _ = results.Close() }() // both results are read below
	rows, _ := results.Query()             // rows tell the error
	events, err := pgx.CollectRows(rows, scanEvent)
	if err != nil {
		return nil, nil, fmt.Errorf("read events: %w", err)
	}
	rows, _ = results.Query()
	messages, err := pgx.CollectRows(rows, scanMessage)
	if err != nil {
		return nil, nil, fmt.Errorf("read messages: %w", err)
	}
	messages = upToSeq(messages, upTo, func(n numbered) int64 { return n.seq })
	return upToSeq(events, upTo, func(e unit.Event) int64 { return e.Seq }), messages, nil
}

// upToSeq returns the first items, those whose numbers are not above last.
func upToSeq[T any](items []T, last int64, seq func(T) int64) []T {
	if i := slices.IndexFunc(items, func(item T) bool { return seq(item) > last }); i >= 0 {
		return items[:i]
	}
	return items
}

// numbered is a message with its place in the global order.
type numbered struct {
	seq     int64
	message unit.Message
}

// The columns that scanMessage reads, and where they are.
const selectMessage = "SELECT seq, id, topic, key, reply_to, status, content, headers FROM minos.message WHERE "

func scanMessage(row pgx.CollectableRow) (n numbered, err error) {
	var headers []byte
	m := &n.message
	err = row.Scan(&n.seq, &m.ID, &m.Topic, &m.Key, &m.ReplyTo, &m.Status, (*[]byte)(&m.Content), &headers)
	if err != nil {
		return n, err
	}
	m.Headers, err = decodeHeaders(headers)
	return n, err
}

// merge puts both in one order and returns the first limit of them.
func merge(events []unit.Event, messages []numbered, limit int) []broker.Entry {
	entries := make([]broker.Entry, 0, min(limit, len(events)+len(messages)))
	for len(entries) < cap(entries) {
		if len(messages) == 0 || len(events) > 0 && events[0].Seq < messages[0].seq {
			entries = append(entries, broker.Entry{Seq: events[0].Seq, Event: &events[0]})
			events = events[1:]
			continue
		}
		entries = append(entries, broker.Entry{Seq: messages[0].seq, Message: &messages[0].message})
		messages = messages[1:]
	}
	return entries
}

// Trim implements broker.Outbox.
func (s *Store) Trim(ctx context.Context, upTo int64, settledBefore time.Time) error {
	if _, err := s.pool.Exec(ctx, "DELETE FROM minos.message WHERE seq <= $1", upTo); err != nil {
		return fmt.Errorf("trim the outbox: %w", err)
	}
	for n := int64(trimmed); n == trimmed; { // a part at a time, so that no commit is a long one
		tag, err := s.pool.Exec(ctx, `DELETE FROM minos.receipt WHERE ctid = ANY (ARRAY (
			SELECT ctid FROM minos.receipt WHERE settled_at < $1 ORDER BY settled_at LIMIT $2))`, settledBefore, trimmed)
		if err != nil {
			return fmt.Errorf("trim the receipts: %w", err)
		}
		n = tag.RowsAffected()
	}
	return nil
}

// trimmed is how many receipts go at once.
const trimmed = 10_000
