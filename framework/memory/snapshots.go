package memory

import (
	"bytes"
	"context"
	"iter"
	"slices"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
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
func (s *Store) Snapshots(ctx context.Context, query aggregate.Query) iter.Seq2[unit.Snapshot, error] {
	return func(yield func(unit.Snapshot, error) bool) {
		for _, snapshot := range s.selected(query) {
			if err := ctx.Err(); err != nil {
				yield(unit.Snapshot{}, err)
				return
			}
			if !yield(snapshot, nil) {
				return
			}
		}
	}
}

// selected copies what a query selects, so that nothing is locked while it is
// yielded.
func (s *Store) selected(query aggregate.Query) []unit.Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []unit.Snapshot
	for id, snapshot := range s.states {
		if snapshot.Name == query.Name && (query.IDs == nil || slices.Contains(query.IDs, id)) &&
			aggregate.Match(snapshot, query.Where) {
			found = append(found, cloneSnapshot(snapshot))
		}
	}
	slices.SortFunc(found, func(a, b unit.Snapshot) int { return bytes.Compare(a.Aggregate[:], b.Aggregate[:]) })
	if query.Limit > 0 && len(found) > query.Limit {
		found = found[:query.Limit]
	}
	return found
}
