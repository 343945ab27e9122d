package sqlite

import (
	"context"
	"database/sql"
	"iter"

	"github.com/minos-framework/minos-go/framework/sqlite/internal/row"
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

// queryer is satisfied by *sql.DB and *sql.Tx.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// collect reads all rows of a query.
func collect[T any](
	ctx context.Context, q queryer, scan func(r row.Scanner) (T, error), sql string, args ...any,
) ([]T, error) {
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
