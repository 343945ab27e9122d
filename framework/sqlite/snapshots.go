package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/query"
	"github.com/minos-framework/minos-go/framework/sqlite/internal/dialect"
	"github.com/minos-framework/minos-go/framework/sqlite/internal/row"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Snapshot implements aggregate.Reader.
func (s *Store) Snapshot(ctx context.Context, name string, id uuid.UUID) (unit.Snapshot, error) {
	snapshot, err := row.Snapshot(
		s.reads.QueryRowContext(ctx, row.SelectSnapshots+"name = ? AND aggregate = ?", name, id[:]))
	if errors.Is(err, sql.ErrNoRows) {
		return unit.Snapshot{}, aggregate.ErrNotFound
	}
	if err != nil {
		return unit.Snapshot{}, fmt.Errorf("read state of %s %s: %w", name, id, err)
	}
	return snapshot, nil
}

// Snapshots implements aggregate.Reader. It reads in pages, each of them as of
// its own time; an order that no index gives is sorted anew for each, by SQLite,
// which holds no more than the page.
func (s *Store) Snapshots(ctx context.Context, selection query.Selection) iter.Seq2[unit.Snapshot, error] {
	return inPages(func(last *unit.Snapshot, n int) ([]unit.Snapshot, error) {
		limit, after := page, selection.After
		if selection.Limit > 0 {
			limit = min(page, selection.Limit-n)
		}
		if limit == 0 {
			return nil, nil
		}
		if last != nil {
			position := selection.Position(*last)
			after = &position
		}
		text, args := dialect.Page(selection, after, limit)
		snapshots, err := collect(ctx, s.reads, row.Snapshot, row.SelectSnapshots+text, args...)
		if err != nil {
			return nil, fmt.Errorf("read states of %s: %w", selection.Name, err)
		}
		return snapshots, nil
	})
}
