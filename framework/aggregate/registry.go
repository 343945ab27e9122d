package aggregate

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate/history"
	"github.com/minos-framework/minos-go/framework/privacy"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Registry knows the root entities of a service and the store they are kept
// in. Make one by NewRegistry. It is safe for concurrent use.
type Registry struct {
	store Store
	vault *privacy.Vault // nil: no root has sensitive fields

	mu    sync.RWMutex
	roots map[string]*definition
	types map[reflect.Type]string // the names of roots
}

// NewRegistry returns a registry without roots.
func NewRegistry(store Store) *Registry {
	return &Registry{store: store, roots: map[string]*definition{}, types: map[reflect.Type]string{}}
}

func (r *Registry) add(t reflect.Type, options []Option) (*definition, error) {
	d, err := define(t, options)
	if err != nil {
		return nil, err
	}
	d.registry = r
	if err := d.protect(r.vault); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	name := d.shape.Name
	if _, ok := r.roots[name]; ok {
		return nil, fmt.Errorf("root entity %s has a repository already", name)
	}
	if taken, ok := r.types[t]; ok {
		return nil, fmt.Errorf("root entity %s: %s has a repository already, by the name %s", name, t, taken)
	}
	topics := history.Topics(d.shape, d.records)
	for _, other := range r.roots {
		for _, topic := range history.Topics(other.shape, other.records) {
			if slices.Contains(topics, topic) {
				return nil, fmt.Errorf("root entity %s: an event of %s is published on %q already", name, other.shape.Name, topic)
			}
		}
	}
	r.roots[name], r.types[t] = d, name
	return d, nil
}

// Names lists the roots, sorted.
func (r *Registry) Names() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	names := make([]string, 0, len(r.roots))
	for name := range r.roots {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Topics lists the topics that changes of the roots are published on, sorted.
func (r *Registry) Topics() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var all []string
	for _, d := range r.roots {
		all = append(all, history.Topics(d.shape, d.records)...)
	}
	slices.Sort(all)
	return all
}

// latest returns what the context's work has staged for an aggregate, or else
// what is stored.
func latest(ctx context.Context, reader Reader, name string, id uuid.UUID) (unit.Snapshot, error) {
	snapshot, ok := unit.From(ctx).Staged(id)
	if !ok {
		var err error
		snapshot, err = reader.Snapshot(ctx, name, id)
		if errors.Is(err, ErrNotFound) {
			return unit.Snapshot{}, &NotFoundError{Name: name, ID: id}
		}
		if err != nil {
			return unit.Snapshot{}, fmt.Errorf("load %s %s: %w", name, id, err)
		}
	}
	if snapshot.Name != name {
		return unit.Snapshot{}, &NotFoundError{Name: name, ID: id}
	}
	if snapshot.Deleted() {
		return unit.Snapshot{}, &NotFoundError{Name: name, ID: id, Deleted: true}
	}
	return snapshot, nil
}

// History yields the events of an aggregate with versions above after, oldest
// first. An error is yielded once and last.
func (r *Registry) History(ctx context.Context, id uuid.UUID, after int) iter.Seq2[unit.Event, error] {
	return r.store.Events(ctx, EventQuery{Aggregate: id, AfterVersion: after})
}
