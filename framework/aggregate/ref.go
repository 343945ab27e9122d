package aggregate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/google/uuid"
)

// Ref refers to a root entity of this or another service. It is stored and
// sent as the entity's uuid; a field that may be empty is a *Ref.
type Ref[T any] struct {
	UUID  UUID
	value *T
}

// RefTo refers to the T with an id.
func RefTo[T any](id UUID) *Ref[T] { return &Ref[T]{UUID: id} }

// Get returns the entity that r refers to, and remembers it. It asks the
// Resolver that the context carries, which a service's handlers have; the
// error is the resolver's: a *NotFoundError, or that the other service did not
// answer. A nil r gives nil.
func (r *Ref[T]) Get(ctx context.Context) (*T, error) {
	if r == nil {
		return nil, nil
	}
	if r.value != nil {
		return r.value, nil
	}
	name := reflect.TypeFor[T]().Name()
	resolver, ok := ctx.Value(resolverKey{}).(Resolver)
	if !ok {
		return nil, fmt.Errorf("resolve %s %s: %w", name, r.UUID, errNoResolver)
	}
	found, err := resolver.Resolve(ctx, name, []uuid.UUID{r.UUID})
	if err != nil {
		return nil, fmt.Errorf("resolve %s %s: %w", name, r.UUID, err)
	}
	raw, ok := found[r.UUID]
	if !ok {
		return nil, &NotFoundError{Name: name, ID: r.UUID}
	}
	value := new(T)
	if err := json.Unmarshal(raw, value); err != nil {
		return nil, fmt.Errorf("decode %s %s: %w", name, r.UUID, err)
	}
	r.value = value
	return value, nil
}

// MarshalText returns the uuid.
func (r Ref[T]) MarshalText() ([]byte, error) { return r.UUID.MarshalText() }

// UnmarshalText reads a uuid.
func (r *Ref[T]) UnmarshalText(text []byte) error {
	r.value = nil
	return r.UUID.UnmarshalText(text)
}

// String returns the uuid.
func (r Ref[T]) String() string { return r.UUID.String() }

// Resolver finds the entities that references name.
type Resolver interface {
	// Resolve returns the JSON objects of the entities called name that exist
	// among ids, by id: their fields beside uuid, version, created_at and
	// updated_at.
	Resolve(ctx context.Context, name string, ids []uuid.UUID) (map[uuid.UUID]json.RawMessage, error)
}

var errNoResolver = errors.New("the context carries no resolver: use the context that the handler was given")

type resolverKey struct{}

// WithResolver returns a context in which references are resolved by r.
func WithResolver(ctx context.Context, r Resolver) context.Context {
	return context.WithValue(ctx, resolverKey{}, r)
}
