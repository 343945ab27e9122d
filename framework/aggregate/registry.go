package aggregate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/model"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Registry knows the root entities of a service and the store they are kept
// in. Make one by NewRegistry. It is safe for concurrent use.
type Registry struct {
	store Store

	mu    sync.RWMutex
	roots map[string]*model.Shape
}

// NewRegistry returns a registry without roots.
func NewRegistry(store Store) *Registry {
	return &Registry{store: store, roots: map[string]*model.Shape{}}
}

func (r *Registry) add(t reflect.Type) (*model.Shape, error) {
	s, err := model.ShapeOf(t, reflect.TypeFor[Root]())
	if err != nil {
		return nil, err
	}
	for _, topic := range topics(s) {
		if !unit.ValidTopic(topic) {
			return nil, fmt.Errorf("%s: a change of it would be published on %q, which is not the name of a topic", t, topic)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.roots[s.Name]; ok {
		return nil, fmt.Errorf("root entity %s has a repository already", s.Name)
	}
	r.roots[s.Name] = s
	return s, nil
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
	for _, s := range r.roots {
		all = append(all, topics(s)...)
	}
	slices.Sort(all)
	return all
}

// Objects returns the JSON objects of the aggregates called name, in the order
// of ids: their fields beside uuid, version, created_at and updated_at. One
// that is missing or deleted is a *NotFoundError.
func (r *Registry) Objects(ctx context.Context, name string, ids []uuid.UUID) ([]json.RawMessage, error) {
	objects := make([]json.RawMessage, 0, len(ids))
	for _, id := range ids {
		snapshot, err := latest(ctx, r.store, name, id)
		if err != nil {
			return nil, err
		}
		objects = append(objects, object(snapshot))
	}
	return objects, nil
}

// object puts the automatic fields before the aggregate's own.
func object(s unit.Snapshot) json.RawMessage {
	data := fmt.Appendf(nil, `{"uuid":"%s","version":%d,"created_at":"%s","updated_at":"%s"`,
		s.Aggregate, s.Version, s.CreatedAt.UTC().Format(time.RFC3339Nano), s.UpdatedAt.UTC().Format(time.RFC3339Nano))
	own := s.Data[1:]
	if len(own) > 1 {
		data = append(data, ',')
	}
	return append(data, own...)
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
