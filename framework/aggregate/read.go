package aggregate

import (
	"context"
	"fmt"

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
	return r.restore(ctx, snapshot)
}

// Refresh reads an entity again: changes that were not saved are lost.
func (r *Repository[T]) Refresh(ctx context.Context, entity *T) error {
	fresh, err := r.Get(ctx, r.root(entity).UUID)
	if err != nil {
		return err
	}
	*entity = *fresh
	r.keep(entity)
	return nil
}

// restore builds an entity from its snapshot.
func (r *Repository[T]) restore(ctx context.Context, s unit.Snapshot) (*T, error) {
	entity, err := r.fromState(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("restore %s %s: %w", s.Name, s.Aggregate, err)
	}
	root := r.root(entity)
	if root.loaded == nil { // it is not as it was read
		if root.base, err = r.shape.Encode(entity); err != nil {
			return nil, fmt.Errorf("restore %s %s: %w", s.Name, s.Aggregate, err)
		}
	}
	r.keep(entity)
	return entity, nil
}

// recall makes the base of an entity that was loaded. What was read is encoded
// again, since stores may write the same JSON in another form.
func (r *Repository[T]) recall(root *Root) error {
	if root.loaded == nil {
		return nil
	}
	read := new(T)
	if err := r.shape.Decode(root.loaded, read); err != nil {
		return err
	}
	base, err := r.shape.Encode(read)
	if err != nil {
		return err
	}
	root.base, root.loaded = base, nil
	return nil
}

// fromState builds an entity from its state or, if that is of an older schema,
// from its events.
func (r *Repository[T]) fromState(ctx context.Context, s unit.Snapshot) (*T, error) {
	if s.Schema != r.definition.schema.Version {
		return r.upcast(ctx, s)
	}
	data, forgotten, err := r.definition.sensitive.OpenState(ctx, s.Aggregate, s.Data)
	if err != nil {
		return nil, err
	}
	entity := new(T)
	if err := r.shape.Decode(data, entity); err != nil {
		return nil, err
	}
	*r.root(entity) = Root{
		UUID: s.Aggregate, Version: s.Version, CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt, forgotten: forgotten,
		loaded: data,
	}
	return entity, nil
}
