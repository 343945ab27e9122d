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
