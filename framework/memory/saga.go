package memory

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/saga"
	"github.com/minos-framework/minos-go/framework/unit"
)

// execution is a stored saga. Nil is one that does not exist.
type execution struct {
	row      unit.Saga
	deadline time.Time // zero means none
	log      []saga.LogEntry
}

// revision is 0 for an execution that does not exist.
func (e *execution) revision() int {
	if e == nil {
		return 0
	}
	return e.row.Revision
}

// next returns the execution after a commit of row.
func (e *execution) next(row unit.Saga, now time.Time) *execution {
	next := &execution{row: row}
	if e != nil {
		next.log = e.log
	}
	if row.Timeout > 0 {
		next.deadline = now.Add(row.Timeout)
	}
	for _, data := range row.Log {
		next.log = append(next.log, saga.LogEntry{At: now.UTC().Truncate(time.Microsecond), Data: bytes.Clone(data)})
	}
	next.row.Data, next.row.Timeout, next.row.Log = slices.Clone(row.Data), 0, nil
	return next
}

// Saga implements saga.Store.
func (s *Store) Saga(_ context.Context, id uuid.UUID) (unit.Saga, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.sagas[id]
	if !ok {
		return unit.Saga{}, saga.ErrNotFound
	}
	row := e.row
	row.Data = slices.Clone(row.Data)
	return row, nil
}

// DueSagas implements saga.Store.
func (s *Store) DueSagas(_ context.Context, limit int) ([]uuid.UUID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	var due []*execution
	for _, e := range s.sagas {
		if !e.deadline.IsZero() && !e.deadline.After(now) {
			due = append(due, e)
		}
	}
	slices.SortFunc(due, func(a, b *execution) int {
		return cmp.Or(a.deadline.Compare(b.deadline), bytes.Compare(a.row.ID[:], b.row.ID[:]))
	})
	ids := make([]uuid.UUID, 0, min(limit, len(due)))
	for _, e := range due[:min(limit, len(due))] {
		ids = append(ids, e.row.ID)
	}
	return ids, nil
}

// SagaLog implements saga.Store.
func (s *Store) SagaLog(_ context.Context, id uuid.UUID) ([]saga.LogEntry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.sagas[id]
	if !ok {
		return nil, nil
	}
	log := make([]saga.LogEntry, 0, len(e.log))
	for _, entry := range e.log {
		log = append(log, saga.LogEntry{At: entry.At, Data: bytes.Clone(entry.Data)})
	}
	return log, nil
}
