package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/postgres/internal/dialect"
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
	err = row.Scan((*[16]byte)(&s.Aggregate), &s.Name, &s.Version, &s.Schema, (*[]byte)(&s.Data), &s.CreatedAt, &s.UpdatedAt)
	s.CreatedAt, s.UpdatedAt = s.CreatedAt.UTC(), s.UpdatedAt.UTC()
	return s, err
}

// Snapshots implements aggregate.Reader. It reads in pages, each of them as of
// its own time.
func (s *Store) Snapshots(ctx context.Context, selection query.Selection) iter.Seq2[unit.Snapshot, error] {
	return inPages(ctx, func(ctx context.Context, last *unit.Snapshot, n int) ([]unit.Snapshot, error) {
		limit, after := page, selection.After
		if selection.Limit > 0 {
			limit = min(page, selection.Limit-n)
		}
		if last != nil {
			position := selection.Position(*last)
			after = &position
		}
		snapshots, err := s.snapshots(ctx, selection, after, limit)
		if err != nil {
			return nil, fmt.Errorf("read states of %s: %w", selection.Name, err)
		}
		return snapshots, nil
	})
}

// snapshots reads the first states after a position.
func (s *Store) snapshots(
	ctx context.Context, selection query.Selection, after *query.Position, limit int,
) (all []unit.Snapshot, err error) {
	for conditions, args := range dialect.Pages(selection, after, limit) {
		if len(all) >= limit {
			break
		}
		rows, _ := s.pool.Query(ctx, selectSnapshot+conditions, args...) // rows tell the error
		if all, err = pgx.AppendRows(all, rows, scanSnapshot); err != nil {
			return nil, err
		}
	}
	return all[:min(len(all), limit)], nil
}
