package memory

import (
	"context"
	"iter"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/unit"
)

// History implements aggregate.Reader.
func (s *Store) History(ctx context.Context, id uuid.UUID, after int) iter.Seq2[unit.Event, error] {
	return func(yield func(unit.Event, error) bool) {
		s.mu.Lock()
		events := s.history[id] // appended to, never changed
		s.mu.Unlock()
		for _, e := range events[min(max(after, 0), len(events)):] {
			if err := ctx.Err(); err != nil {
				yield(unit.Event{}, err)
				return
			}
			if !yield(cloneEvent(e), nil) {
				return
			}
		}
	}
}
