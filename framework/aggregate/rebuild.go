package aggregate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/minos-framework/minos-go/framework/unit"
)

// Rewriter replaces states by those that events lead to.
type Rewriter interface {
	// Rewrite stores states without events: where the stored state of the
	// aggregate has the same version, it is replaced; where there is none, it is
	// added. It returns the ids of those that were left alone, since another
	// writer has moved them on.
	Rewrite(ctx context.Context, states ...unit.Snapshot) (left []UUID, err error)
}

// rebuilt is how many states are written at once.
const rebuilt = 100

// Rebuild replays all aggregates of the root and replaces their states, those
// that are missing included: after Schema was raised, once no program of an
// older one writes any more, or after the states were lost. It may run while
// others write: what they move on is left to them. It returns how many states it
// wrote, and an error that joins a *PoisonError for each aggregate that has an
// event that cannot be replayed, whose state is left as it is; the others are
// rebuilt nevertheless. It reads page by page, and can be run again.
func (r *Repository[T]) Rebuild(ctx context.Context) (int, error) {
	var states []unit.Snapshot
	var poison error
	n := 0
	flush := func() error {
		left, err := r.store.Rewrite(ctx, states...)
		if err != nil {
			return fmt.Errorf("rebuild %s: %w", r.shape.Name, err)
		}
		n += len(states) - len(left)
		states = states[:0]
		return nil
	}
	for e, err := range r.store.Events(ctx, EventQuery{Name: r.shape.Name, UpToVersion: 1}) {
		if err != nil {
			return n, errors.Join(fmt.Errorf("rebuild %s: %w", r.shape.Name, err), poison)
		}
		state, err := r.rebuild(ctx, e.Aggregate)
		if _, ok := errors.AsType[*PoisonError](err); ok {
			poison = errors.Join(poison, err)
			continue
		}
		if err != nil {
			return n, errors.Join(err, poison)
		}
		if states = append(states, state); len(states) < rebuilt {
			continue
		}
		if err := flush(); err != nil {
			return n, errors.Join(err, poison)
		}
	}
	return n, errors.Join(flush(), poison)
}

// rebuild returns the state that the events of an aggregate lead to, as it is
// stored.
func (r *Repository[T]) rebuild(ctx context.Context, id UUID) (unit.Snapshot, error) {
	state, err := r.replay(ctx, id, 0, all)
	if err != nil {
		return unit.Snapshot{}, err
	}
	s := unit.Snapshot{
		Aggregate: id, Name: r.shape.Name, Version: state.Version, Schema: r.definition.schema.Version,
		CreatedAt: state.CreatedAt, UpdatedAt: state.UpdatedAt,
	}
	if state.Deleted {
		return s, nil
	}
	entity, err := r.historic(ctx, id, state)
	if err != nil {
		return unit.Snapshot{}, err
	}
	values, err := r.shape.Encode(entity)
	if err != nil {
		return unit.Snapshot{}, err
	}
	if values, err = r.definition.sensitive.Seal(ctx, id, values, false); err != nil {
		return unit.Snapshot{}, err
	}
	s.Data = r.shape.Object(values)
	return s, nil
}

// today returns the plain data of a state of an older schema as it is in this
// one.
func (r *Repository[T]) today(ctx context.Context, s unit.Snapshot) (json.RawMessage, error) {
	entity, err := r.upcast(ctx, s)
	if err != nil {
		return nil, err
	}
	values, err := r.shape.Encode(entity)
	if err != nil {
		return nil, err
	}
	return r.shape.Object(values), nil
}
