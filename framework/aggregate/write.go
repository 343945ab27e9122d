package aggregate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/model"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Create stores a new entity and sets its uuid, its version (1) and its times.
// It refuses an entity that has any of them; what the rules of its fields
// refuse is told by model.FieldErrors.
func (r *Repository[T]) Create(ctx context.Context, entity *T) error {
	root := r.root(entity)
	if root.UUID != uuid.Nil || root.Version != 0 || !root.CreatedAt.IsZero() || !root.UpdatedAt.IsZero() {
		return fmt.Errorf("create %s: %w", r.shape.Name, errNotNew)
	}
	return r.append(ctx, "create", entity)
}

// Save stores what changed in an entity since it was loaded or saved last;
// nothing changed, nothing happens. An entity that is new is created. What the
// rules of its fields refuse is told by model.FieldErrors. It returns a
// *ConflictError when another writer was first; inside a handler that
// is found at the commit, and the handler is run again.
func (r *Repository[T]) Save(ctx context.Context, entity *T) error {
	root := r.root(entity)
	switch {
	case root.Version == 0 && root.UUID == uuid.Nil:
		return r.Create(ctx, entity)
	case root.Version == 0 || root.UUID == uuid.Nil || root.base == nil:
		return fmt.Errorf("save %s %s: %w", r.shape.Name, root.UUID, errNotLoaded)
	}
	return r.append(ctx, "save", entity)
}

// Delete stores that an entity is no more. Its events stay; reads of it return
// a *NotFoundError that says so.
func (r *Repository[T]) Delete(ctx context.Context, entity *T) error {
	root := r.root(entity)
	if root.base == nil {
		return fmt.Errorf("delete %s %s: %w", r.shape.Name, root.UUID, errNotLoaded)
	}
	next := *root
	err := unit.Do(ctx, r.store, func(_ context.Context, w *unit.Work) error {
		next.Version, next.UpdatedAt = root.Version+1, w.Now()
		w.Append(r.event(next, unit.Delete, json.RawMessage("[]")), r.snapshot(next, nil))
		return nil
	})
	if err != nil {
		return fmt.Errorf("delete %s %s: %w", r.shape.Name, root.UUID, err)
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
	if err := r.shape.Validate(entity); err != nil {
		return fmt.Errorf("%s %s: %w", verb, r.shape.Name, err)
	}
	values, err := r.shape.Encode(entity)
	if err != nil {
		return fmt.Errorf("%s %s: %w", verb, r.shape.Name, err)
	}
	changes, changed := diff(r.shape, root.base, values)
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
		w.Append(r.event(next, action, changes), r.snapshot(next, r.shape.Object(values)))
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s %s %s: %w", verb, r.shape.Name, next.UUID, err)
	}
	*root = next
	return nil
}

// diff returns the fields whose values differ from base as a JSON array, and
// whether there are any. A nil base differs in all.
func diff(s *model.Shape, base, values []json.RawMessage) (json.RawMessage, bool) {
	diff, changed := []byte{'['}, false
	for i, f := range s.Fields {
		if base != nil && bytes.Equal(base[i], values[i]) {
			continue
		}
		if changed {
			diff = append(diff, ',')
		}
		changed = true
		diff = append(diff, `{"name":`...)
		diff = appendString(diff, f.Name)
		diff = append(diff, `,"value":`...)
		diff = append(diff, values[i]...)
		diff = append(diff, '}')
	}
	return append(diff, ']'), changed
}

func (r *Repository[T]) event(root Root, action unit.Action, diff json.RawMessage) unit.Event {
	return unit.Event{
		Aggregate: root.UUID, Version: root.Version, Name: r.shape.Name, Action: action,
		Schema: 1, Data: diff, CreatedAt: root.UpdatedAt,
	}
}

func (r *Repository[T]) snapshot(root Root, data json.RawMessage) unit.Snapshot {
	return unit.Snapshot{
		Aggregate: root.UUID, Name: r.shape.Name, Version: root.Version, Data: data,
		CreatedAt: root.CreatedAt, UpdatedAt: root.UpdatedAt,
	}
}
