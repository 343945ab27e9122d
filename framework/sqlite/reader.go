package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/unit"
)

// page is how many rows a sequence reads at a time.
const page = 500

// inPages yields what read returns page by page: the items after last, which
// is nil at first, when n were yielded before. No connection is held while they
// are yielded, so that the loop's body may call the store.
func inPages[T any](read func(last *T, n int) ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var last *T
		for n := 0; ; {
			items, err := read(last, n)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if len(items) < page {
				return
			}
			last = &items[len(items)-1]
			n += len(items)
		}
	}
}

// The columns that scanSnapshot reads, and where they are.
const selectSnapshot = "SELECT aggregate, name, version, data, created_at, updated_at FROM minos_snapshot WHERE "

// row is satisfied by *sql.Row and *sql.Rows.
type row interface{ Scan(dest ...any) error }

func scanSnapshot(r row) (s unit.Snapshot, err error) {
	var created, updated int64
	err = r.Scan((*id)(&s.Aggregate), &s.Name, &s.Version, (*[]byte)(&s.Data), &created, &updated)
	s.CreatedAt, s.UpdatedAt = moment(created), moment(updated)
	return s, err
}

// id scans the bytes of a UUID.
type id uuid.UUID

// Scan implements sql.Scanner.
func (u *id) Scan(src any) error {
	data, ok := src.([]byte)
	if !ok || len(data) != len(u) {
		return fmt.Errorf("%v is not a UUID", src)
	}
	copy(u[:], data)
	return nil
}

// queryer is satisfied by *sql.DB and *sql.Tx.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// collect reads all rows of a query.
func collect[T any](ctx context.Context, q queryer, scan func(r row) (T, error), sql string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err tells
	var all []T
	for rows.Next() {
		item, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, rows.Err()
}

// Snapshot implements aggregate.Reader.
func (s *Store) Snapshot(ctx context.Context, name string, id uuid.UUID) (unit.Snapshot, error) {
	snapshot, err := scanSnapshot(s.reads.QueryRowContext(ctx, selectSnapshot+"name = ? AND aggregate = ?", name, id[:]))
	if errors.Is(err, sql.ErrNoRows) {
		return unit.Snapshot{}, aggregate.ErrNotFound
	}
	if err != nil {
		return unit.Snapshot{}, fmt.Errorf("read state of %s %s: %w", name, id, err)
	}
	return snapshot, nil
}

// Snapshots implements aggregate.Reader. It reads in pages, each of them as of
// its own time.
func (s *Store) Snapshots(ctx context.Context, query aggregate.Query) iter.Seq2[unit.Snapshot, error] {
	all := inPages(func(last *unit.Snapshot, _ int) ([]unit.Snapshot, error) {
		after := uuid.Nil
		if last != nil {
			after = last.Aggregate
		}
		text, args := selection(query, after)
		snapshots, err := collect(ctx, s.reads, scanSnapshot, text, args...)
		if err != nil {
			return nil, fmt.Errorf("read states of %s: %w", query.Name, err)
		}
		return snapshots, nil
	})
	return func(yield func(unit.Snapshot, error) bool) {
		n := 0
		for snapshot, err := range all {
			if err == nil && !aggregate.Match(snapshot, query.Where) {
				continue
			}
			if n++; !yield(snapshot, err) || n == query.Limit {
				return
			}
		}
	}
}

// selection returns the SQL of one page. Conditions are left to aggregate.Match,
// since SQLite's own JSON loses digits.
func selection(query aggregate.Query, after uuid.UUID) (text string, args []any) {
	text = selectSnapshot + "name = ? AND data IS NOT NULL AND aggregate > ?"
	args = []any{query.Name, after[:]}
	if query.IDs != nil {
		text += " AND aggregate IN (" + strings.TrimPrefix(strings.Repeat(", ?", len(query.IDs)), ", ") + ")"
		for i := range query.IDs {
			args = append(args, query.IDs[i][:])
		}
	}
	return fmt.Sprintf("%s ORDER BY aggregate LIMIT %d", text, page), args
}

// The columns that scanEvent reads, and where they are.
const selectEvent = `SELECT seq, aggregate, version, name, action, schema, data, headers, created_at
	FROM minos_event WHERE `

func scanEvent(r row) (e unit.Event, err error) {
	var headers []byte
	var created int64
	err = r.Scan(&e.Seq, (*id)(&e.Aggregate), &e.Version, &e.Name, &e.Action, &e.Schema, (*[]byte)(&e.Data),
		&headers, &created)
	if err != nil {
		return e, err
	}
	e.CreatedAt = moment(created)
	e.Headers, err = decodeHeaders(headers)
	return e, err
}

// History implements aggregate.Reader.
func (s *Store) History(ctx context.Context, id uuid.UUID, after int) iter.Seq2[unit.Event, error] {
	const text = selectEvent + "aggregate = ? AND version > ? ORDER BY version LIMIT ?"
	return inPages(func(last *unit.Event, _ int) ([]unit.Event, error) {
		from := after
		if last != nil {
			from = last.Version
		}
		events, err := collect(ctx, s.reads, scanEvent, text, id[:], from, page)
		if err != nil {
			return nil, fmt.Errorf("read history of %s: %w", id, err)
		}
		return events, nil
	})
}
