package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/query"
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

// Snapshots implements aggregate.Reader.
func (s *Store) Snapshots(ctx context.Context, selection query.Selection) iter.Seq2[unit.Snapshot, error] {
	return func(yield func(unit.Snapshot, error) bool) {
		rows, _ := s.pool.Query(ctx, selectSnapshot+"name = $1", selection.Name) // rows tell the error
		all, err := pgx.CollectRows(rows, scanSnapshot)
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
