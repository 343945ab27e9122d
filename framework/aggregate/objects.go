package aggregate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate/reference"
	"github.com/minos-framework/minos-go/framework/aggregate/sensitive"
	"github.com/minos-framework/minos-go/framework/query"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Local returns the name under which this registry has the root entity that is
// referred to, and false when another service has it.
func (r *Registry) Local(to Referred) (name string, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if name, ok := r.types[to.Type]; ok {
		return name, true
	}
	_, ok = r.roots[to.Name]
	return to.Name, ok
}

// External returns the names of the root entities of other services that the
// roots of this one refer to, sorted.
func (r *Registry) External() []string {
	r.mu.RLock()
	var all []Referred
	for _, d := range r.roots {
		for _, f := range d.shape.Fields {
			for _, t := range reference.Types(f.Type) {
				if to, ok := reference.Target(t); ok {
					all = append(all, to)
				}
			}
		}
	}
	r.mu.RUnlock()
	names := []string{}
	for _, to := range all {
		if _, local := r.Local(to); !local {
			names = append(names, to.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

var _ Resolver = (*Registry)(nil)

// Resolve implements Resolver for the roots of the registry, which are read from
// its store, or from what the context's unit of work has staged.
func (r *Registry) Resolve(ctx context.Context, to Referred, ids []uuid.UUID) map[uuid.UUID]Resolved {
	name, ok := r.Local(to)
	if !ok {
		return reference.Failed(ids, fmt.Errorf("there is no root entity %s here", to.Name))
	}
	found, err := r.objects(ctx, name, ids, func(f *sensitive.Fields, s unit.Snapshot) (json.RawMessage, error) {
		plain, _, err := f.OpenState(ctx, s.Aggregate, s.Data)
		return plain, err
	})
	if err != nil {
		return reference.Failed(ids, err)
	}
	return found
}

// Objects returns the aggregates called name that are asked for by id, as other
// services may see them: without what is sensitive. Those that are missing or
// deleted have a *NotFoundError. They are read in one query.
func (r *Registry) Objects(ctx context.Context, name string, ids []uuid.UUID) (map[uuid.UUID]Resolved, error) {
	return r.objects(ctx, name, ids, func(f *sensitive.Fields, s unit.Snapshot) (json.RawMessage, error) {
		return f.Public(s.Data)
	})
}

// objects reads aggregates; form makes of their stored states what is wanted.
func (r *Registry) objects(
	ctx context.Context, name string, ids []uuid.UUID,
	form func(*sensitive.Fields, unit.Snapshot) (json.RawMessage, error),
) (map[uuid.UUID]Resolved, error) {
	r.mu.RLock()
	d := r.roots[name]
	r.mu.RUnlock()
	if d == nil {
		return nil, fmt.Errorf("there is no root entity %s here", name)
	}
	found := make(map[uuid.UUID]Resolved, len(ids))
	work := unit.From(ctx)
	var stored []uuid.UUID
	asked := make(map[uuid.UUID]bool, len(ids))
	for _, id := range ids {
		if staged, ok := work.Staged(id); ok {
			found[id] = d.object(ctx, staged, form)
		} else if !asked[id] {
			asked[id] = true
			stored = append(stored, id)
		}
	}
	for some := range slices.Chunk(stored, atOnce) {
		for snapshot, err := range r.store.Snapshots(ctx, query.Selection{Name: name, IDs: some}) {
			if err != nil {
				return nil, fmt.Errorf("load %d of %s: %w", len(some), name, err)
			}
			found[snapshot.Aggregate] = d.object(ctx, snapshot, form)
		}
	}
	return found, r.absent(ctx, name, stored, found)
}

// atOnce bounds how many aggregates are read in one query.
const atOnce = 1000

// object is what there is to tell of an aggregate's state.
func (d *definition) object(
	ctx context.Context, s unit.Snapshot, form func(*sensitive.Fields, unit.Snapshot) (json.RawMessage, error),
) Resolved {
	if s.Name != d.shape.Name || s.Deleted() {
		return Resolved{Err: &NotFoundError{Name: d.shape.Name, ID: s.Aggregate, Deleted: s.Name == d.shape.Name}}
	}
	var err error
	if s.Schema != d.schema.Version {
		s.Data, err = d.upcast(ctx, s)
	}
	if err == nil {
		s.Data, err = form(d.sensitive, s)
	}
	if err != nil {
		return Resolved{Err: fmt.Errorf("read %s %s: %w", s.Name, s.Aggregate, err)}
	}
	return Resolved{Object: object(s)}
}

// absent tells those that were deleted from those that never were. Few are
// neither, so they are read one by one.
func (r *Registry) absent(
	ctx context.Context, name string, ids []uuid.UUID, found map[uuid.UUID]Resolved,
) error {
	for _, id := range ids {
		if _, ok := found[id]; ok {
			continue
		}
		_, err := latest(ctx, r.store, name, id)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if err == nil { // it was created after the query
			err = &NotFoundError{Name: name, ID: id}
		}
		found[id] = Resolved{Err: err}
	}
	return nil
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
