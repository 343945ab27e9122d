package memory

import (
	"context"
	"iter"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Events implements aggregate.Reader.
func (s *Store) Events(ctx context.Context, query aggregate.EventQuery) iter.Seq2[unit.Event, error] {
	return func(yield func(unit.Event, error) bool) {
		n := 0
		for e := range s.stored(query) {
			if err := ctx.Err(); err != nil {
				yield(unit.Event{}, err)
				return
			}
			if !selects(query, e) {
				continue
			}
			if n++; !yield(cloneEvent(e), nil) || n == query.Limit {
				return
			}
		}
	}
}

// Offset implements aggregate.Reader.
func (s *Store) Offset(context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last, nil
}

// stored yields the events of one aggregate or of all.
func (s *Store) stored(query aggregate.EventQuery) iter.Seq[unit.Event] {
	return func(yield func(unit.Event) bool) {
		if query.Aggregate != uuid.Nil {
			s.mu.Lock()
			events := s.history[query.Aggregate] // appended to, never changed
			s.mu.Unlock()
			for _, e := range events {
				if !yield(e) {
					return
				}
			}
			return
		}
		s.mu.Lock()
		end := s.last
		s.mu.Unlock()
		for after := query.After; after < end; {
			var events []unit.Event
			events, after = s.page(after, end)
			for _, e := range events {
				if !yield(e) {
					return
				}
			}
		}
	}
}

// page is how many entries are looked at while the store is locked.
const page = 500

// page returns events after a position, and the position to go on from, which
// is the end when no entry is left.
func (s *Store) page(after, end int64) (events []unit.Event, next int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from := s.firstAfter(after)
	next = end
	for _, e := range s.entries[from:min(from+page, len(s.entries))] {
		if e.Seq > end {
			return events, end
		}
		if next = e.Seq; e.Event != nil {
			events = append(events, *e.Event)
		}
	}
	return events, next
}

func selects(query aggregate.EventQuery, e unit.Event) bool {
	return (query.Name == "" || query.Name == e.Name) &&
		e.Version > query.AfterVersion && (query.UpToVersion == 0 || e.Version <= query.UpToVersion) &&
		e.Seq > query.After && (query.UpTo == 0 || e.Seq <= query.UpTo)
}

// Rewrite implements aggregate.Rewriter.
func (s *Store) Rewrite(ctx context.Context, states ...unit.Snapshot) (left []uuid.UUID, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, state := range states {
		there, ok := s.states[state.Aggregate]
		if ok && (there.Version != state.Version || there.Name != state.Name) {
			left = append(left, state.Aggregate)
			continue
		}
		s.states[state.Aggregate] = cloneSnapshot(state)
	}
	return left, nil
}
