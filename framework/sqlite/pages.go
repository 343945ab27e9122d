package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"iter"

	"github.com/google/uuid"

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
const selectSnapshot = "SELECT aggregate, name, version, schema, data, created_at, updated_at FROM minos_snapshot WHERE "

// row is satisfied by *sql.Row and *sql.Rows.
type row interface{ Scan(dest ...any) error }

func scanSnapshot(r row) (s unit.Snapshot, err error) {
	var created, updated int64
	err = r.Scan((*id)(&s.Aggregate), &s.Name, &s.Version, &s.Schema, (*[]byte)(&s.Data), &created, &updated)
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
