package saga

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/unit"
)

const (
	batch = 100 // deadlines that are handled at a time
	lanes = 8   // of them at once
)

// Watch handles the deadlines of executions until ctx ends, and returns nil
// then. Every replica of a service may run it: one of them gets to make each
// transition. A store that cannot be reached is logged and waited for.
func (m *Manager) Watch(ctx context.Context) error {
	faults := 0
	for {
		more, err := m.expire(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // what was cut off is due in the next Watch too
		}
		wait := m.config.Tick
		switch {
		case err != nil:
			wait = min(later(wait, faults), 10*time.Second)
			faults++
			m.config.Logger.ErrorContext(ctx, "deadlines of sagas wait", "error", err, "pause", wait)
		case more:
			continue
		default:
			faults = 0
		}
		// Spread, so that replicas do not find the same deadlines at once.
		if pause(ctx, wait-time.Duration(rand.Int64N(int64(wait)/4+1))) != nil {
			return nil //nolint:nilerr // ctx ended
		}
	}
}

// expire handles the deadlines that have passed, and reports whether there may
// be more of them.
//
// Only the store knows the time, and a row that it named may have been moved on
// before it is read. So the rows are read first and the store is asked again: a
// row that is due then, and is still of the revision that was read when it is
// committed, was due as it was read.
func (m *Manager) expire(ctx context.Context) (bool, error) {
	ids, err := m.store.DueSagas(ctx, batch)
	if err != nil || len(ids) == 0 {
		return false, wrapDue(err)
	}
	rows := map[uuid.UUID]unit.Saga{}
	for _, id := range ids {
		row, err := m.store.Saga(ctx, id)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return false, wrapDue(err)
		}
		rows[id] = row
	}
	due, err := m.store.DueSagas(ctx, batch)
	if err != nil {
		return false, wrapDue(err)
	}
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		fault error
		lane  = make(chan struct{}, lanes)
	)
	for _, id := range due {
		row, ok := rows[id]
		if !ok {
			continue
		}
		lane <- struct{}{}
		wg.Go(func() {
			defer func() { <-lane }()
			if err := m.expireOne(ctx, row); err != nil {
				mu.Lock()
				defer mu.Unlock()
				fault = errors.Join(fault, err)
			}
		})
	}
	wg.Wait()
	return len(ids) == batch, fault
}

func wrapDue(err error) error {
	if err != nil {
		return fmt.Errorf("read the sagas that are due: %w", err)
	}
	return nil
}

// expireOne handles the deadline of a row that was due when it was read. A
// conflict says that it may not be any more; if it is, it will be found again.
func (m *Manager) expireOne(ctx context.Context, row unit.Saga) error {
	s, err := parseState(row)
	if err != nil {
		return m.postpone(ctx, row, err)
	}
	x, err := m.resume(row, s)
	if err != nil {
		return m.postpone(ctx, row, err)
	}
	switch {
	case x.status == Waiting:
		err = x.unanswered(ctx)
	case x.status == Compensating && x.state.Request != uuid.Nil:
		err = x.undoUnanswered(ctx)
	case x.status == Compensating:
		err = x.backward(ctx)
	default:
		return m.postpone(ctx, row, fmt.Errorf("status %s has no deadline", x.status))
	}
	if err == nil {
		err = m.commit(ctx, x)
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	if conflict, ok := errors.AsType[*unit.ConflictError](err); ok {
		m.count.conflicts.Add(1)
		if conflict.ID == row.ID {
			return nil
		}
	}
	return m.stall(ctx, row, err)
}

// stall counts a compensation that could not be stored as one that failed: what
// a local step has staged is refused by the store, or was decided on what
// another writer has changed. Where the store is out of reach, this fails too.
func (m *Manager) stall(ctx context.Context, row unit.Saga, cause error) error {
	s, err := parseState(row) // anew: the transition that failed has changed it
	if err != nil {
		return err
	}
	x, err := m.resume(row, s)
	if err != nil {
		return err
	}
	if x.status == Waiting {
		x.giveUp()
	}
	x.tryAgain(cause)
	if err := m.commit(ctx, x); err != nil {
		return fmt.Errorf("handle the deadline of saga %s: %w", row.ID, errors.Join(cause, err))
	}
	return nil
}

// postpone puts off the deadline of a row that cannot be gone on with, so that
// it holds up no others: its definition is not registered, or not as it was.
func (m *Manager) postpone(ctx context.Context, row unit.Saga, cause error) error {
	m.config.Logger.ErrorContext(ctx, "a saga cannot go on", "saga", row.Definition, "id", row.ID, "error", cause)
	row.Revision++
	row.Timeout = time.Minute
	w := unit.New(nil)
	w.SaveSaga(row)
	err := m.store.Commit(ctx, w)
	if _, ok := errors.AsType[*unit.ConflictError](err); err == nil || ok {
		return nil
	}
	return fmt.Errorf("put off the deadline of saga %s: %w", row.ID, err)
}
