package aggregate

import (
	"context"
	"fmt"
	"iter"

	"github.com/minos-framework/minos-go/framework/unit"
)

// Get returns the entity with an id, as it is after all that was committed
// before the call. It returns a *NotFoundError, which matches ErrNotFound, for
// one that does not exist or was deleted.
func (r *Repository[T]) Get(ctx context.Context, id UUID) (*T, error) {
	snapshot, err := latest(ctx, r.store, r.shape.Name, id)
	if err != nil {
		return nil, err
	}
	return r.restore(snapshot)
}

// Refresh reads an entity again: changes that were not saved are lost.
func (r *Repository[T]) Refresh(ctx context.Context, entity *T) error {
	fresh, err := r.Get(ctx, r.root(entity).UUID)
	if err != nil {
		return err
	}
	*entity = *fresh
	return nil
}

// Find yields the entities of which all conditions hold, or all entities
// without any, in order of creation. Those that the handler itself has staged
// come last. An error is yielded once and last, with a nil entity.
func (r *Repository[T]) Find(ctx context.Context, where ...Condition) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for snapshot, err := range r.snapshots(ctx, where) {
			if err != nil {
				yield(nil, fmt.Errorf("find %s: %w", r.shape.Name, err))
				return
			}
			if entity, err := r.restore(snapshot); !yield(entity, err) || err != nil {
				return
			}
		}
	}
}

// snapshots yields what Find selects: what is stored but for what the work has
// staged a change of, and then that.
func (r *Repository[T]) snapshots(ctx context.Context, where []Condition) iter.Seq2[unit.Snapshot, error] {
	return func(yield func(unit.Snapshot, error) bool) {
		if err := check(r.shape, where); err != nil {
			yield(unit.Snapshot{}, err)
			return
		}
		work := unit.From(ctx)
		for snapshot, err := range r.store.Snapshots(ctx, Query{Name: r.shape.Name, Where: where}) {
			if _, staged := work.Staged(snapshot.Aggregate); staged {
				continue
			}
			if !yield(snapshot, err) || err != nil {
				return
			}
		}
		for _, snapshot := range work.StagedAll(r.shape.Name) {
			if Match(snapshot, where) && !yield(snapshot, nil) {
				return
			}
		}
	}
}

// restore builds an entity from its snapshot.
func (r *Repository[T]) restore(s unit.Snapshot) (*T, error) {
	entity := new(T)
	if err := r.shape.Decode(s.Data, entity); err != nil {
		return nil, fmt.Errorf("restore %s %s: %w", s.Name, s.Aggregate, err)
	}
	// What was read is encoded again, since stores may write the same JSON in
	// another form.
	base, err := r.shape.Encode(entity)
	if err != nil {
		return nil, fmt.Errorf("restore %s %s: %w", s.Name, s.Aggregate, err)
	}
	*r.root(entity) = Root{
		UUID: s.Aggregate, Version: s.Version, CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt, base: base,
	}
	return entity, nil
}
