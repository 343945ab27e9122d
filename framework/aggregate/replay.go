package aggregate

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/minos-framework/minos-go/framework/aggregate/history"
	"github.com/minos-framework/minos-go/framework/unit"
)

// PoisonError says that an event cannot be replayed: it was written by another
// program, or by one whose schema has no upcaster here. It is the trouble of its
// own aggregate; others are read and rebuilt as ever.
type PoisonError = history.PoisonError

// At returns the entity as it was at a version, from its committed events. It
// cannot be saved. It returns a *NotFoundError for an entity that did not exist
// or was deleted then, and a *PoisonError for one that has an event up to then
// that cannot be replayed.
func (r *Repository[T]) At(ctx context.Context, id UUID, version int) (*T, error) {
	if version < 1 {
		return nil, &NotFoundError{Name: r.shape.Name, ID: id}
	}
	state, err := r.replay(ctx, id, version, all)
	if err != nil {
		return nil, err
	}
	if state.Version > 0 && state.Version < version {
		return nil, fmt.Errorf("replay %s %s: its last version is %d, not %d", r.shape.Name, id, state.Version, version)
	}
	return r.historic(ctx, id, state)
}

// AsOf returns the entity as it was at a time, by the times of its events. Else
// it is as At.
func (r *Repository[T]) AsOf(ctx context.Context, id UUID, at time.Time) (*T, error) {
	state, err := r.replay(ctx, id, 0, func(e unit.Event) bool { return !e.CreatedAt.After(at) })
	if err != nil {
		return nil, err
	}
	return r.historic(ctx, id, state)
}

// replay applies the events of an aggregate while they are within what is
// wanted, up to a version; 0 means all.
func (r *Repository[T]) replay(
	ctx context.Context, id UUID, upTo int, within func(unit.Event) bool,
) (*history.State, error) {
	return r.replayer.Replay(ctx, id, r.events(ctx, id, upTo), within)
}

func all(unit.Event) bool { return true }

func (r *Repository[T]) events(ctx context.Context, id UUID, upTo int) iter.Seq2[unit.Event, error] {
	return r.store.Events(ctx, EventQuery{Aggregate: id, Name: r.shape.Name, UpToVersion: upTo})
}

// historic builds an entity that no save takes.
func (r *Repository[T]) historic(ctx context.Context, id UUID, state *history.State) (*T, error) {
	if state.Version == 0 || state.Deleted {
		return nil, &NotFoundError{Name: r.shape.Name, ID: id, Deleted: state.Deleted}
	}
	entity, err := r.replayer.Entity(ctx, state, r.events(ctx, id, state.Version))
	if err != nil {
		return nil, err
	}
	return entity.(*T), nil
}

// upcast returns the entity of a state that is of another schema. A schema newer
// than this program's is a *PoisonError: others are read as ever.
func (r *Repository[T]) upcast(ctx context.Context, s unit.Snapshot) (*T, error) {
	if known := r.definition.schema.Version; s.Schema > known {
		return nil, &PoisonError{Name: s.Name, ID: s.Aggregate, Version: s.Version, Err: fmt.Errorf(
			"its schema is %d, which this program, of schema %d, does not know", s.Schema, known)}
	}
	state, err := r.replay(ctx, s.Aggregate, s.Version, all)
	if err != nil {
		return nil, err
	}
	return r.historic(ctx, s.Aggregate, state)
}
