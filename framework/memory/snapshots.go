package memory

import (
	"context"
	"iter"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/query"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Snapshot implements aggregate.Reader.
func (s *Store) Snapshot(_ context.Context, name string, id uuid.UUID) (unit.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	snapshot, ok := s.states[id]
	if !ok || snapshot.Name != name {
		return unit.Snapshot{}, aggregate.ErrNotFound
	}
	return cloneSnapshot(snapshot), nil
}

// Snapshots implements aggregate.Reader. What it yields is the state at the
// start of the iteration.
func (s *Store) Snapshots(ctx context.Context, selection query.Selection) iter.Seq2[unit.Snapshot, error] {
	return func(yield func(unit.Snapshot, error) bool) {
		for _, snapshot := range query.Select(selection, s.named(selection.Name)) {
			if err := ctx.Err(); err != nil {
				yield(unit.Snapshot{}, err)
				return
			}
			if !yield(cloneSnapshot(snapshot), nil) {
				return
			}
		}
	}
}

// named lists the states of the aggregates called name, so that nothing is
// locked while they are selected. A state is replaced, never changed.
func (s *Store) named(name string) []unit.Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []unit.Snapshot
	for _, snapshot := range s.states {
		if snapshot.Name == name {
			found = append(found, snapshot)
		}
	}
	return found
}
