package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Snapshot implements aggregate.Reader.
func (s *Store) Snapshot(ctx context.Context, name string, id uuid.UUID) (unit.Snapshot, error) {
	rows, _ := s.pool.Query(ctx, selectSnapshot+"name = $1 AND aggregate = $2", name, id) // rows tell the error
	snapshot, err := pgx.CollectExactlyOneRow(rows, scanSnapshot)
	if errors.Is(err, pgx.ErrNoRows) {
		return unit.Snapshot{}, aggregate.ErrNotFound
	}
	if err != nil {
		return unit.Snapshot{}, fmt.Errorf("read state of %s %s: %w", name, id, err)
	}
	return snapshot, nil
}

// The columns that scanSnapshot reads, and where they are.
const selectSnapshot = "SELECT aggregate, name, version, schema, data, created_at, updated_at FROM minos.snapshot WHERE "

func scanSnapshot(row pgx.CollectableRow) (s unit.Snapshot, err error) {
	err = row.Scan(&s.Aggregate, &s.Name, &s.Version, &s.Schema, (*[]byte)(&s.Data), &s.CreatedAt, &s.UpdatedAt)
	s.CreatedAt, s.UpdatedAt = s.CreatedAt.UTC(), s.UpdatedAt.UTC()
	return s, err
}

// Snapshots implements aggregate.Reader. It reads in pages, each of them as of
// its own time.
func (s *Store) Snapshots(ctx context.Context, query aggregate.Query) iter.Seq2[unit.Snapshot, error] {
	sql, args := selection(query)
	return inPages(func(last *unit.Snapshot, n int) ([]unit.Snapshot, error) {
		limit, after := page, uuid.Nil
		if query.Limit > 0 {
			limit = min(page, query.Limit-n)
		}
		if last != nil {
			after = last.Aggregate
		}
		rows, _ := s.pool.Query(ctx, sql, append(args, after, limit)...) // rows tell the error
		snapshots, err := pgx.CollectRows(rows, scanSnapshot)
		if err != nil {
			return nil, fmt.Errorf("read states of %s: %w", query.Name, err)
		}
		return snapshots, nil
	})
}

// selection returns the SQL for one page of a query. Its last two arguments,
// the id to go on after and the limit, are the caller's.
func selection(query aggregate.Query) (sql string, args []any) {
	var text strings.Builder
	text.WriteString(selectSnapshot + "name = $1 AND data IS NOT NULL")
	args = append(args, query.Name)
	where := func(format string, values ...any) {
		places := make([]any, len(values))
		for i := range values {
			places[i] = len(args) + i + 1
		}
		args = append(args, values...)
		fmt.Fprintf(&text, format, places...)
	}
	if query.IDs != nil {
		where(" AND aggregate = ANY($%d)", query.IDs)
	}
	for _, c := range query.Where {
		where(" AND data -> $%d::text = $%d::jsonb", c.Field, c.Value)
	}
	fmt.Fprintf(&text, " AND aggregate > $%d ORDER BY aggregate LIMIT $%d", len(args)+1, len(args)+2)
	return text.String(), slices.Clip(args) // which callers append to, each on its own
}
