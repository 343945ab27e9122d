package aggregate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/minos-framework/minos-go/framework/aggregate/reference"
	"github.com/minos-framework/minos-go/framework/domain"
)

// CheckReferences has Create and Save refuse references to entities that do not
// exist or were deleted: domain.FieldErrors with the path of each, caused by a
// *MissingReferenceError. Only the fields that changed are checked. Entities of
// this service are read from its store, and those that the unit of work has
// staged exist; others are asked for, so that a write needs the other service to
// answer, or its answer to be cached: without one it fails with a *RefError.
//
// It says what was there when it was looked for: an entity that is deleted just
// then, or later, leaves the reference behind.
func CheckReferences() Option {
	return func(d *definition) error {
		d.checked = true
		return nil
	}
}

// MissingReferenceError says that an entity refers to one that does not exist.
type MissingReferenceError struct {
	Name    string // of the root entity referred to
	UUID    UUID
	Deleted bool // it existed once
}

// Error names the entity that is missing.
func (e *MissingReferenceError) Error() string {
	if e.Deleted {
		return fmt.Sprintf("it refers to %s %s, which was deleted", e.Name, e.UUID)
	}
	return fmt.Sprintf("it refers to %s %s, which does not exist", e.Name, e.UUID)
}

// checkReferences looks for what the fields of an entity refer to that differ
// from base.
func (r *Repository[T]) checkReferences(ctx context.Context, entity *T, base, values []json.RawMessage) error {
	if !r.definition.checked || values == nil {
		return nil
	}
	changed := map[string]reflect.Value{}
	v := reflect.ValueOf(entity).Elem()
	for i, f := range r.shape.Fields {
		if base == nil || !bytes.Equal(base[i], values[i]) {
			changed[f.Name] = v.Field(f.Index)
		}
	}
	var faults domain.FieldErrors
	var unknown []error
	for _, m := range reference.Look(changed, func(to Referred, ids []UUID) map[UUID]Resolved {
		return r.definition.registry.look(ctx, to, ids)
	}) {
		if missing, ok := errors.AsType[*NotFoundError](m.Result.Err); ok {
			fault := &MissingReferenceError{Name: m.To.Name, UUID: m.UUID, Deleted: missing.Deleted}
			faults = append(faults, &domain.FieldError{Path: m.Path, Reason: domain.Invalid, Err: fault})
		} else if m.Result.Err != nil {
			unknown = append(unknown, &RefError{Name: m.To.Name, UUID: m.UUID, Err: m.Result.Err})
		}
	}
	if len(faults) > 0 {
		return faults
	}
	return errors.Join(unknown...)
}

// look finds entities of this registry, or asks the context's resolver.
func (r *Registry) look(ctx context.Context, to Referred, ids []UUID) map[UUID]Resolved {
	if _, local := r.Local(to); local {
		return r.Resolve(ctx, to, ids)
	}
	return reference.Ask(ctx, to, ids)
}
