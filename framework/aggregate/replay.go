package aggregate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/minos-framework/minos-go/framework/aggregate/history"
	"github.com/minos-framework/minos-go/framework/model"
	"github.com/minos-framework/minos-go/framework/unit"
)

// PoisonError says that an event cannot be replayed: it was written by another
// program, or by one whose schema has no upcaster here. It is the trouble of its
// own aggregate; others are read and rebuilt as ever.
type PoisonError struct {
	Name    string // of the aggregate
	ID      UUID
	Version int // of the event
	Err     error
}

// Error names the event and what is wrong with it.
func (e *PoisonError) Error() string {
	return fmt.Sprintf("event %d of %s %s cannot be replayed: %s", e.Version, e.Name, e.ID, e.Err)
}

// Unwrap returns what is wrong with the event.
func (e *PoisonError) Unwrap() error { return e.Err }

// At returns the entity as it was at a version, from its committed events. It
// cannot be saved. It returns a *NotFoundError for an entity that did not exist
// or was deleted then, and a *PoisonError for one that has an event up to then
// that cannot be replayed.
func (r *Repository[T]) At(ctx context.Context, id UUID, version int) (*T, error) {
	if version < 1 {
		return nil, &NotFoundError{Name: r.shape.Name, ID: id}
	}
	state, err := r.replay(ctx, id, version, func(unit.Event) bool { return true })
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

// historic builds an entity that no save takes.
func (r *Repository[T]) historic(ctx context.Context, id UUID, state *history.State) (*T, error) {
	if state.Version == 0 || state.Deleted {
		return nil, &NotFoundError{Name: r.shape.Name, ID: id, Deleted: state.Deleted}
	}
	return r.entityOf(ctx, state)
}

// replay applies the events of an aggregate while they are to be applied, up to
// a version; 0 means all.
func (r *Repository[T]) replay(
	ctx context.Context, id UUID, upTo int, within func(unit.Event) bool,
) (*history.State, error) {
	var root Root // what Apply of a recorded event may read
	state := history.NewState(r.shape, func(values []json.RawMessage, event FieldDiff) ([]json.RawMessage, error) {
		return r.replayedSealed(ctx, root, values, event)
	})
	query := EventQuery{Aggregate: id, Name: r.shape.Name, UpToVersion: upTo}
	for e, err := range r.store.Events(ctx, query) {
		if err != nil {
			return nil, fmt.Errorf("replay %s %s: %w", r.shape.Name, id, err)
		}
		if !within(e) {
			break
		}
		root = Root{UUID: id, Version: state.Version, CreatedAt: state.CreatedAt, UpdatedAt: state.UpdatedAt}
		if e, err = r.definition.schema.Upcast(e); err == nil {
			err = state.Apply(e)
		}
		if err != nil {
			return nil, &PoisonError{Name: r.shape.Name, ID: id, Version: e.Version, Err: err}
		}
	}
	return state, nil
}

// entityOf builds the entity that a state is of. A state that does not fit the
// fields' types is the fault of an event, which is looked for then.
func (r *Repository[T]) entityOf(ctx context.Context, state *history.State) (*T, error) {
	root := Root{
		UUID: state.Aggregate, Version: state.Version, CreatedAt: state.CreatedAt, UpdatedAt: state.UpdatedAt,
	}
	values, err := r.openAll(ctx, &root, state.Values())
	if err == nil {
		var entity *T
		if entity, err = r.decode(root, values); err == nil {
			return entity, nil
		}
	}
	return nil, &PoisonError{Name: r.shape.Name, ID: root.UUID, Version: r.culprit(ctx, root), Err: err}
}

// culprit returns the version of the first event whose fields do not fit the
// root's, or else the last.
func (r *Repository[T]) culprit(ctx context.Context, root Root) int {
	query := EventQuery{Aggregate: root.UUID, Name: r.shape.Name, UpToVersion: root.Version}
	for e, err := range r.store.Events(ctx, query) {
		if err == nil {
			e, err = r.definition.schema.Upcast(e)
		}
		if err == nil {
			err = history.Check(r.shape, e, func(f model.Field, value json.RawMessage) (json.RawMessage, error) {
				if !f.Sensitive {
					return value, nil
				}
				return r.open(ctx, &root, f, value)
			})
		}
		if err != nil {
			return e.Version
		}
	}
	return root.Version
}

// decode builds an entity from plain values, of which a nil is a field that no
// event has told of.
func (r *Repository[T]) decode(root Root, values []json.RawMessage) (*T, error) {
	entity := new(T)
	if err := r.shape.Decode(history.Object(r.shape, values), entity); err != nil {
		return nil, err
	}
	*r.root(entity) = root
	return entity, nil
}

var errUnknownEvent = errors.New("the root records no event of this name: give NewRepository the option aggregate.Records of it")

// replayed returns the plain values that a recorded event leads to.
func (r *Repository[T]) replayed(root Root, values []json.RawMessage, event FieldDiff) ([]json.RawMessage, error) {
	t, ok := r.definition.record(event.Name)
	if !ok {
		return nil, fmt.Errorf("event %s: %w", event.Name, errUnknownEvent)
	}
	entity, err := r.decode(root, values)
	if err != nil {
		return nil, err
	}
	if err := t.apply(entity, event.Value); err != nil {
		return nil, fmt.Errorf("event %s: %w", event.Name, err)
	}
	return r.shape.Encode(entity)
}

// replayedSealed is replayed for values as they are stored.
func (r *Repository[T]) replayedSealed(
	ctx context.Context, root Root, stored []json.RawMessage, event FieldDiff,
) ([]json.RawMessage, error) {
	values, err := r.openAll(ctx, &root, stored)
	if err != nil {
		return nil, err
	}
	if values, err = r.replayed(root, values, event); err != nil {
		return nil, err
	}
	return r.sealAll(ctx, &root, values)
}
