package aggregate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"reflect"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/unit"
)

// Repository loads and saves the root entities of one type. Make one by
// NewRepository. It is safe for concurrent use; an entity is not.
//
// Inside a handler its writes are staged and committed with all else that the
// handler decides, and its reads see what was staged. Outside it commits at
// once.
type Repository[T any] struct {
	store Store
	shape *shape
	root  func(*T) *Root
}

// NewRepository registers the root entity T, which embeds Root, and returns its
// repository. It returns an error when T is registered already or its fields
// cannot be stored, at start-up.
func NewRepository[T any, P rootOf[T]](r *Registry) (*Repository[T], error) {
	s, err := r.add(reflect.TypeFor[T]())
	if err != nil {
		return nil, fmt.Errorf("repository: %w", err)
	}
	return &Repository[T]{store: r.store, shape: s, root: func(t *T) *Root { return P(t).root() }}, nil
}

// Create stores a new entity and sets its uuid, its version (1) and its times.
// It refuses an entity that has any of them.
func (r *Repository[T]) Create(ctx context.Context, entity *T) error {
	root := r.root(entity)
	if root.UUID != uuid.Nil || root.Version != 0 || !root.CreatedAt.IsZero() || !root.UpdatedAt.IsZero() {
		return fmt.Errorf("create %s: %w", r.shape.name, errNotNew)
	}
	return r.append(ctx, "create", entity)
}

// Save stores what changed in an entity since it was loaded or saved last;
// nothing changed, nothing happens. An entity that is new is created. It
// returns a *ConflictError when another writer was first; inside a handler that
// is found at the commit, and the handler is run again.
func (r *Repository[T]) Save(ctx context.Context, entity *T) error {
	root := r.root(entity)
	switch {
	case root.Version == 0 && root.UUID == uuid.Nil:
		return r.Create(ctx, entity)
	case root.Version == 0 || root.UUID == uuid.Nil || root.base == nil:
		return fmt.Errorf("save %s %s: %w", r.shape.name, root.UUID, errNotLoaded)
	}
	return r.append(ctx, "save", entity)
}

// Delete stores that an entity is no more. Its events stay; reads of it return
// a *NotFoundError that says so.
func (r *Repository[T]) Delete(ctx context.Context, entity *T) error {
	root := r.root(entity)
	if root.base == nil {
		return fmt.Errorf("delete %s %s: %w", r.shape.name, root.UUID, errNotLoaded)
	}
	next := *root
	err := unit.Do(ctx, r.store, func(_ context.Context, w *unit.Work) error {
		next.Version, next.UpdatedAt = root.Version+1, w.Now()
		w.Append(r.event(next, unit.Delete, json.RawMessage("[]")), r.snapshot(next, nil))
		return nil
	})
	if err != nil {
		return fmt.Errorf("delete %s %s: %w", r.shape.name, root.UUID, err)
	}
	next.base = nil
	*root = next
	return nil
}

var (
	errNotNew    = errors.New("uuid, version and times are set by the repository, but one of them is set already")
	errNotLoaded = errors.New("it was not loaded or created by a repository")
)

// append appends the difference between entity and what it was, and moves the
// entity on only when that went well.
func (r *Repository[T]) append(ctx context.Context, verb string, entity *T) error {
	root := r.root(entity)
	next := *root
	values, err := r.shape.encode(reflect.ValueOf(entity).Elem())
	if err != nil {
		return fmt.Errorf("%s %s: %w", verb, r.shape.name, err)
	}
	diff, changed := r.shape.diff(root.base, values)
	if !changed && root.base != nil {
		return nil
	}
	err = unit.Do(ctx, r.store, func(_ context.Context, w *unit.Work) error {
		action := unit.Update
		if root.base == nil {
			action = unit.Create
			next.UUID, next.CreatedAt = unit.NewID(), w.Now()
		}
		next.Version, next.UpdatedAt, next.base = root.Version+1, w.Now(), values
		w.Append(r.event(next, action, diff), r.snapshot(next, r.shape.object(values)))
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s %s %s: %w", verb, r.shape.name, next.UUID, err)
	}
	*root = next
	return nil
}

// diff returns the fields whose values differ from base as a JSON array, and
// whether there are any. A nil base differs in all.
func (s *shape) diff(base, values []json.RawMessage) (json.RawMessage, bool) {
	diff, changed := []byte{'['}, false
	for i, f := range s.fields {
		if base != nil && bytes.Equal(base[i], values[i]) {
			continue
		}
		if changed {
			diff = append(diff, ',')
		}
		changed = true
		diff = append(diff, `{"name":`...)
		diff = appendString(diff, f.name)
		diff = append(diff, `,"value":`...)
		diff = append(diff, values[i]...)
		diff = append(diff, '}')
	}
	return append(diff, ']'), changed
}

func (r *Repository[T]) event(root Root, action unit.Action, diff json.RawMessage) unit.Event {
	return unit.Event{
		Aggregate: root.UUID, Version: root.Version, Name: r.shape.name, Action: action,
		Schema: 1, Data: diff, CreatedAt: root.UpdatedAt,
	}
}

func (r *Repository[T]) snapshot(root Root, data json.RawMessage) unit.Snapshot {
	return unit.Snapshot{
		Aggregate: root.UUID, Name: r.shape.name, Version: root.Version, Data: data,
		CreatedAt: root.CreatedAt, UpdatedAt: root.UpdatedAt,
	}
}

// Get returns the entity with an id, as it is after all that was committed
// before the call. It returns a *NotFoundError, which matches ErrNotFound, for
// one that does not exist or was deleted.
func (r *Repository[T]) Get(ctx context.Context, id UUID) (*T, error) {
	snapshot, err := latest(ctx, r.store, r.shape.name, id)
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
				yield(nil, fmt.Errorf("find %s: %w", r.shape.name, err))
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
		if err := r.shape.check(where); err != nil {
			yield(unit.Snapshot{}, err)
			return
		}
		work := unit.From(ctx)
		for snapshot, err := range r.store.Snapshots(ctx, Query{Name: r.shape.name, Where: where}) {
			if _, staged := work.Staged(snapshot.Aggregate); staged {
				continue
			}
			if !yield(snapshot, err) || err != nil {
				return
			}
		}
		for _, snapshot := range work.StagedAll(r.shape.name) {
			if Match(snapshot, where) && !yield(snapshot, nil) {
				return
			}
		}
	}
}

// restore builds an entity from its snapshot.
func (r *Repository[T]) restore(s unit.Snapshot) (*T, error) {
	entity := new(T)
	value := reflect.ValueOf(entity).Elem()
	if err := r.shape.decode(s.Data, value); err != nil {
		return nil, fmt.Errorf("restore %s %s: %w", s.Name, s.Aggregate, err)
	}
	// What was read is encoded again, since stores may write the same JSON in
	// another form.
	base, err := r.shape.encode(value)
	if err != nil {
		return nil, fmt.Errorf("restore %s %s: %w", s.Name, s.Aggregate, err)
	}
	*r.root(entity) = Root{
		UUID: s.Aggregate, Version: s.Version, CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt, base: base,
	}
	return entity, nil
}
