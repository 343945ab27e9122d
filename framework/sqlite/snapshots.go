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

// Snapshots implements aggregate.Reader.
func (s *Store) Snapshots(ctx context.Context, selection query.Selection) iter.Seq2[unit.Snapshot, error] {
	return func(yield func(unit.Snapshot, error) bool) {
		all, err := collect(ctx, s.reads, scanSnapshot, selectSnapshot+"name = ?", selection.Name)
		if err != nil {
			yield(unit.Snapshot{}, fmt.Errorf("read states of %s: %w", selection.Name, err))
			return
		}
		for _, snapshot := range query.Select(selection, all) {
			if !yield(snapshot, nil) {
				return
			}
		}
	}
}
