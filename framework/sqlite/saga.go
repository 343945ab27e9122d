package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/saga"
	"github.com/minos-framework/minos-go/framework/sqlite/internal/row"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Saga implements saga.Store.
func (s *Store) Saga(ctx context.Context, id uuid.UUID) (unit.Saga, error) {
	found := unit.Saga{ID: id}
	err := s.reads.QueryRowContext(ctx, "SELECT definition, revision, status, data FROM minos_saga WHERE id = ?", id[:]).
		Scan(&found.Definition, &found.Revision, &found.Status, (*[]byte)(&found.Data))
	if errors.Is(err, sql.ErrNoRows) {
		return unit.Saga{}, saga.ErrNotFound
	}
	if err != nil {
		return unit.Saga{}, fmt.Errorf("read saga %s: %w", id, err)
	}
	return found, nil
}

// DueSagas implements saga.Store. The clock is the machine's.
func (s *Store) DueSagas(ctx context.Context, limit int) ([]uuid.UUID, error) {
	ids, err := collect(ctx, s.reads, func(r row.Scanner) (found uuid.UUID, err error) {
		err = r.Scan((*row.ID)(&found))
		return found, err
	}, "SELECT id FROM minos_saga WHERE deadline <= ? ORDER BY deadline, id LIMIT ?", time.Now().UnixMicro(), limit)
	if err != nil {
		return nil, fmt.Errorf("read due sagas: %w", err)
	}
	return ids, nil
}

// SagaLog implements saga.Store.
func (s *Store) SagaLog(ctx context.Context, id uuid.UUID) ([]saga.LogEntry, error) {
	log, err := collect(ctx, s.reads, func(r row.Scanner) (e saga.LogEntry, err error) {
		var at int64
		err = r.Scan(&at, &e.Data)
		e.At = row.Time(at)
		return e, err
	}, "SELECT at, data FROM minos_saga_log WHERE saga = ? ORDER BY revision, place", id[:])
	if err != nil {
		return nil, fmt.Errorf("read log of saga %s: %w", id, err)
	}
	return log, nil
}
