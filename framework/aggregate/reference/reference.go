// Package reference is how root entities refer to each other: by uuid, through a
// Ref, which is resolved to the entity when somebody wants it. It knows neither
// stores nor brokers: a Resolver finds the entities.
//
// Package aggregate has all of it under the names that services use.
package reference

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/google/uuid"
)

// Ref refers to a root entity of this or another service. It is stored and
// sent as the entity's uuid, and compared by it. A field that may be empty is a
// *Ref; one whose uuid is zero refers to nothing too.
//
// What a reference was resolved to is remembered by it and by all its copies. A
// reference is not safe for concurrent use.
type Ref[T any] struct {
	UUID uuid.UUID

	memory *memory[T]
}

// memory is shared by the copies of a reference, so that what is found for one
// of them, wherever it was copied from, is found for all.
type memory[T any] struct{ value *T }

// To refers to the T with an id.
func To[T any](id uuid.UUID) *Ref[T] { return &Ref[T]{UUID: id, memory: &memory[T]{}} }

// ID returns the uuid; the zero one of a nil r.
func (r *Ref[T]) ID() uuid.UUID {
	if r == nil {
		return uuid.Nil
	}
	return r.UUID
}

// Is reports whether r refers to the entity with an id; a nil r refers to none.
func (r *Ref[T]) Is(id uuid.UUID) bool { return r != nil && r.UUID == id }

// Value returns the entity, if r was resolved by Get or Resolve, or nil.
func (r *Ref[T]) Value() *T {
	if r == nil || r.memory == nil {
		return nil
	}
	return r.memory.value
}

// Get returns the entity that r refers to, and remembers it. It asks the
// Resolver that the context carries, which a service's handlers have. The error
// is a *Error. A reference to nothing gives nil. For more than one reference,
// Resolve asks once.
func (r *Ref[T]) Get(ctx context.Context) (*T, error) {
	if value := r.Value(); r == nil || r.UUID == uuid.Nil || value != nil {
		return value, nil
	}
	if err := Resolve(ctx, r); err != nil {
		return nil, err
	}
	return r.Value(), nil
}

// MarshalText returns the uuid.
func (r Ref[T]) MarshalText() ([]byte, error) { return r.UUID.MarshalText() }

// UnmarshalText reads a uuid.
func (r *Ref[T]) UnmarshalText(text []byte) error {
	r.memory = &memory[T]{}
	return r.UUID.UnmarshalText(text)
}

// String returns the uuid.
func (r Ref[T]) String() string { return r.UUID.String() }

// reference is a Ref of any type.
type reference interface {
	// target says what is referred to.
	target() (Referred, uuid.UUID)
	// resolved reports whether that is known.
	resolved() bool
	// shared reports whether its copies remember what it does.
	shared() bool
	// keep remembers an entity, which decode has made.
	keep(entity any)
	// decode makes the entity of its JSON object.
	decode(object json.RawMessage) (any, error)
}

func (r *Ref[T]) target() (Referred, uuid.UUID) { return referredBy(reflect.TypeFor[T]()), r.UUID }
func (r *Ref[T]) resolved() bool                { return r.Value() != nil }

func (r *Ref[T]) shared() bool { return r.memory != nil }

func (r *Ref[T]) keep(entity any) {
	if r.memory == nil {
		r.memory = &memory[T]{}
	}
	r.memory.value, _ = entity.(*T)
}

func (r *Ref[T]) decode(object json.RawMessage) (any, error) {
	value := new(T)
	err := json.Unmarshal(object, value)
	return value, err
}

// External is embedded by what a service declares of another service's root
// entity: the fields it needs, and no more.
type External struct {
	UUID    uuid.UUID `json:"uuid"`
	Version int       `json:"version"`
}

// Referred is the kind of entity that a reference refers to.
type Referred struct {
	// Name is the root entity's stable name, as far as the type tells it: what
	// the tag `root:"Foo"` of its embedded External says, or else the type's own.
	Name string
	// Type is the Go type: of a root entity of this service, or one that embeds
	// External.
	Type reflect.Type
}

func referredBy(t reflect.Type) Referred {
	name := t.Name()
	if t.Kind() == reflect.Struct {
		if f, ok := t.FieldByName("External"); ok && f.Anonymous && f.Type == reflect.TypeFor[External]() {
			if tag := f.Tag.Get("root"); tag != "" {
				name = tag
			}
		}
	}
	return Referred{Name: name, Type: t}
}

// Resolver finds the entities that references name. It is safe for concurrent
// use.
type Resolver interface {
	// Resolve returns what became of each of ids.
	Resolve(ctx context.Context, to Referred, ids []uuid.UUID) map[uuid.UUID]Resolved
}

// Resolved is an entity that was looked for.
type Resolved struct {
	// Object is its JSON object: its fields beside uuid, version, created_at and
	// updated_at.
	Object json.RawMessage
	// Err says why there is none: a *NotFoundError, or that the other service
	// did not answer.
	Err error
}

var errNoResolver = errors.New("the context carries no resolver: use the context that the handler was given")

type resolverKey struct{}

// WithResolver returns a context in which references are resolved by r.
func WithResolver(ctx context.Context, r Resolver) context.Context {
	return context.WithValue(ctx, resolverKey{}, r)
}

// Error says that a reference was not resolved, and why: the cause is a
// *NotFoundError, a deadline, or the error of the service that has the entity.
type Error struct {
	Name string // of the root entity
	UUID uuid.UUID
	Err  error
}

// Error names the reference.
func (e *Error) Error() string { return fmt.Sprintf("resolve %s %s: %s", e.Name, e.UUID, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Ask has the Resolver that the context carries find entities.
func Ask(ctx context.Context, to Referred, ids []uuid.UUID) map[uuid.UUID]Resolved {
	if resolver, ok := ctx.Value(resolverKey{}).(Resolver); ok {
		return resolver.Resolve(ctx, to, ids)
	}
	return Failed(ids, errNoResolver)
}

// Failed is the answer that all of ids have the same error.
func Failed(ids []uuid.UUID, err error) map[uuid.UUID]Resolved {
	all := make(map[uuid.UUID]Resolved, len(ids))
	for _, id := range ids {
		all[id] = Resolved{Err: err}
	}
	return all
}
