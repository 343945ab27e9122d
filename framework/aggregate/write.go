package aggregate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate/history"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Create stores a new entity and sets its uuid, its version (1) and its times.
// It refuses an entity that has any of them; what the rules of its fields
// refuse is told by domain.FieldErrors.
func (r *Repository[T]) Create(ctx context.Context, entity *T) error {
	root := r.root(entity)
	if root.UUID != uuid.Nil || root.Version != 0 || !root.CreatedAt.IsZero() || !root.UpdatedAt.IsZero() {
		return fmt.Errorf("create %s: %w", r.shape.Name, errNotNew)
	}
	return r.write(ctx, "create", entity)
}

// Save stores what changed in an entity since it was loaded or saved last, and
// what it recorded; nothing changed, nothing happens. An entity that is new is
// created. What the rules of its fields refuse is told by domain.FieldErrors. It
// returns a *ConflictError when another writer was first; inside a handler that
// is found at the commit, and the handler is run again.
func (r *Repository[T]) Save(ctx context.Context, entity *T) error {
	root := r.root(entity)
	switch {
	case root.Version == 0 && root.UUID == uuid.Nil:
		return r.Create(ctx, entity)
	case root.Version == 0 || root.UUID == uuid.Nil || root.isNew():
		return fmt.Errorf("save %s %s: %w", r.shape.Name, root.UUID, errNotLoaded)
	}
	return r.write(ctx, "save", entity)
}

// Delete stores that an entity is no more, after what it recorded; fields that
// were changed and not saved are lost. Its events stay; reads of it return a
// *NotFoundError that says so. It returns a *ConflictError when another writer
// was first.
func (r *Repository[T]) Delete(ctx context.Context, entity *T) error {
	root := r.root(entity)
	if root.isNew() {
		return fmt.Errorf("delete %s %s: %w", r.shape.Name, root.UUID, errNotLoaded)
	}
	return r.write(ctx, "delete", entity)
}

var (
	errNotNew    = errors.New("uuid, version and times are set by the repository, but one of them is set already")
	errNotLoaded = errors.New("it was not loaded or created by a repository")
)

// change is an event to come.
type change struct {
	action unit.Action
	diffs  []FieldDiff
}

// write stages the events that lead from what the entity was to what it is, and
// moves the entity on only when that went well.
func (r *Repository[T]) write(ctx context.Context, verb string, entity *T) error {
	root := r.root(entity)
	if err := r.recall(root); err != nil {
		return fmt.Errorf("%s %s %s: %w", verb, r.shape.Name, root.UUID, err)
	}
	next := *root
	err := unit.Do(ctx, r.store, func(ctx context.Context, w *unit.Work) error {
		if root.base == nil {
			next.UUID, next.CreatedAt = unit.NewID(), w.Now()
		}
		changes, values, err := r.changes(entity, next, verb == "delete")
		if err != nil || len(changes) == 0 {
			return err
		}
		if err := r.definition.sensitive.Same(root.base, values); err != nil {
			return err
		}
		stored := entity
		if root.base == nil && len(root.pending) > 0 { // what it recorded is not applied to it yet
			if stored, err = r.decode(next, values); err != nil {
				return err
			}
		}
		if err := r.checkReferences(ctx, stored, root.base, values); err != nil {
			return err
		}
		next.UpdatedAt, next.base, next.pending = w.Now(), values, nil
		return r.stage(ctx, w, &next, changes)
	})
	if err != nil {
		return fmt.Errorf("%s %s %s: %w", verb, r.shape.Name, next.UUID, err)
	}
	if root.base == nil {
		err = r.applyPending(entity)
	}
	*root = next
	r.keep(entity)
	return err
}

// changes returns the events that lead to the entity's state, and the state:
// first what was recorded, then an update with whatever differs from what
// replaying that gives, or the deletion. Next is the root as it will be.
func (r *Repository[T]) changes(entity *T, next Root, deleted bool) ([]change, []json.RawMessage, error) {
	root := r.root(entity)
	if root.base == nil {
		return r.creation(entity, next)
	}
	if err := r.applyPending(entity); err != nil {
		return nil, nil, err
	}
	changes, state, err := r.recorded(next, root.base, root.pending)
	if err != nil {
		return nil, nil, err
	}
	if deleted {
		return append(changes, change{action: unit.Delete}), nil, nil
	}
	values, err := r.encode(entity)
	if err != nil {
		return nil, nil, err
	}
	if diffs := history.Compare(r.shape, state, values); len(diffs) > 0 {
		changes = append(changes, change{unit.Update, diffs})
	}
	return changes, values, nil
}

// creation is changes of an entity that is new: it is created as it is, and
// what it recorded follows. The rules are for what that leads to.
func (r *Repository[T]) creation(entity *T, next Root) ([]change, []json.RawMessage, error) {
	err := r.shape.Validate(entity) // which gives nested entities their uuids
	if err != nil && len(r.root(entity).pending) == 0 {
		return nil, nil, err
	}
	values, err := r.shape.Encode(entity)
	if err != nil {
		return nil, nil, err
	}
	first := change{unit.Create, history.Compare(r.shape, nil, values)}
	changes, state, err := r.recorded(next, values, r.root(entity).pending)
	if err != nil || len(changes) == 0 {
		return []change{first}, values, err
	}
	result, err := r.decode(next, state)
	if err == nil {
		err = r.shape.Validate(result)
	}
	return append([]change{first}, changes...), state, err
}

// recorded returns the events that were recorded, and the state that replaying
// them from state gives.
func (r *Repository[T]) recorded(
	next Root, state []json.RawMessage, pending []pending,
) (changes []change, _ []json.RawMessage, err error) {
	for _, p := range pending {
		if p.err != nil {
			return nil, nil, p.err
		}
		event, err := r.definition.records.Tell(p.event)
		if err != nil {
			return nil, nil, err
		}
		before := state
		if state, err = r.replayer.After(next.state(), state, event); err != nil {
			return nil, nil, err
		}
		if err := r.definition.sensitive.Untold(event.Name, before, state); err != nil {
			return nil, nil, err
		}
		changes = append(changes, change{unit.Record, []FieldDiff{event}})
	}
	return changes, state, nil
}

// decode returns the entity that values are those of.
func (r *Repository[T]) decode(next Root, values []json.RawMessage) (*T, error) {
	decoded, err := r.replayer.Decode(next.state(), values, nil)
	if err != nil {
		return nil, err
	}
	return decoded.(*T), nil
}

// encode returns the values of an entity that keeps its rules.
func (r *Repository[T]) encode(entity *T) ([]json.RawMessage, error) {
	if err := r.definition.sensitive.Excuse(entity, r.root(entity).forgotten, r.shape.Validate(entity)); err != nil {
		return nil, err
	}
	return r.shape.Encode(entity)
}

// stage appends the events, with the state that the last of them leads to, and
// counts next on.
func (r *Repository[T]) stage(ctx context.Context, w *unit.Work, next *Root, changes []change) error {
	var state json.RawMessage
	if next.base != nil {
		sealed, err := r.definition.sensitive.Seal(ctx, next.UUID, next.base, true)
		if err != nil {
			return err
		}
		state = r.shape.Object(sealed)
	}
	last := next.Version + len(changes)
	for _, c := range changes { // all of them before any is staged
		if c.action == unit.Record {
			continue
		}
		if err := r.definition.sensitive.SealDiffs(ctx, next.UUID, next.base, c.diffs); err != nil {
			return err
		}
	}
	for _, c := range changes {
		next.Version++
		w.Append(unit.Event{
			Aggregate: next.UUID, Version: next.Version, Name: r.shape.Name, Action: c.action,
			Schema: r.definition.schema.Version, Data: history.Data(c.diffs), CreatedAt: next.UpdatedAt,
		}, unit.Snapshot{
			Aggregate: next.UUID, Name: r.shape.Name, Version: last, Schema: r.definition.schema.Version, Data: state,
			CreatedAt: next.CreatedAt, UpdatedAt: next.UpdatedAt,
		})
	}
	return nil
}
