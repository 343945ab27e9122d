package saga

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// The row of an execution that is waited for is read again and again, since
// another replica may make its last transition. The first time comes late where
// the replies were handled here so far, and soon where they were not.
const (
	soonest = 5 * time.Millisecond
	late    = 80 * time.Millisecond
	latest  = 250 * time.Millisecond
)

// waits are the callers of Run, by execution.
type waits struct {
	mu   sync.Mutex
	ends map[uuid.UUID]chan Execution
	poll atomic.Int64 // when to poll first, in nanoseconds
}

func (w *waits) add(id uuid.UUID) <-chan Execution {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ends == nil {
		w.ends = map[uuid.UUID]chan Execution{}
	}
	end := make(chan Execution, 1)
	w.ends[id] = end
	return end
}

func (w *waits) remove(id uuid.UUID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.ends, id)
}

// tell hands an execution that ended to who waits for it.
func (w *waits) tell(x Execution) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if end, ok := w.ends[x.ID]; ok {
		delete(w.ends, x.ID)
		end <- x
	}
}

// await waits for the end of an execution. An error is that of ctx.
func (m *Manager) await(ctx context.Context, id uuid.UUID, end <-chan Execution) (Execution, error) {
	wait := max(time.Duration(m.waits.poll.Load()), soonest)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case x := <-end:
			m.waits.poll.Store(int64(min(2*max(time.Duration(m.waits.poll.Load()), soonest), late)))
			return x, nil
		case <-ctx.Done():
			return Execution{}, context.Cause(ctx)
		case <-timer.C:
		}
		// A row that cannot be read now is read the next time.
		if x, err := m.Get(ctx, id); err == nil && x.Status.Ended() {
			m.waits.poll.Store(int64(soonest))
			return x, nil
		}
		wait = min(2*wait, latest)
		timer.Reset(wait)
	}
}
