package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/minos-framework/minos-go/framework/saga"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Saga implements saga.Store.
func (s *Store) Saga(ctx context.Context, id uuid.UUID) (unit.Saga, error) {
	row := unit.Saga{ID: id}
	err := s.pool.QueryRow(ctx, "SELECT definition, revision, status, data FROM minos.saga WHERE id = $1", id).
		Scan(&row.Definition, &row.Revision, &row.Status, (*[]byte)(&row.Data))
	if errors.Is(err, pgx.ErrNoRows) {
		return unit.Saga{}, saga.ErrNotFound
	}
	if err != nil {
		return unit.Saga{}, fmt.Errorf("read saga %s: %w", id, err)
	}
	return row, nil
}

// DueSagas implements saga.Store. The clock is the database's.
func (s *Store) DueSagas(ctx context.Context, limit int) ([]uuid.UUID, error) {
	rows, _ := s.pool.Query(ctx, `SELECT id FROM minos.saga WHERE deadline <= clock_timestamp()
		ORDER BY deadline, id LIMIT $1`, limit) // rows tell the error
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("read due sagas: %w", err)
	}
	return ids, nil
}

// SagaLog implements saga.Store.
func (s *Store) SagaLog(ctx context.Context, id uuid.UUID) ([]saga.LogEntry, error) {
	rows, _ := s.pool.Query(ctx, "SELECT at, data FROM minos.saga_log WHERE saga = $1 ORDER BY revision, place", id)
	log, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e saga.LogEntry, err error) {
		err = row.Scan(&e.At, &e.Data)
		e.At = e.At.UTC()
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("read log of saga %s: %w", id, err)
	}
	return log, nil
}
