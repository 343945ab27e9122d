package aggregate

import (
	"context"

	"github.com/minos-framework/minos-go/framework/aggregate/reference"
)

// Ref refers to a root entity of this or another service. It is stored and
// sent as the entity's uuid, and compared by it. A field that may be empty is a
// *Ref; one whose uuid is zero refers to nothing too. Its Get resolves it, and
// Resolve many at once.
type Ref[T any] = reference.Ref[T]

// RefTo refers to the T with an id.
func RefTo[T any](id UUID) *Ref[T] { return reference.To[T](id) }

// External is embedded by what a service declares of another service's root
// entity: the fields it needs, and no more. The root is called what the Go type
// is, or what a tag says: `root:"Foo"`.
type External = reference.External

// Resolve resolves the references that values hold, however deep: in structs,
// pointers, lists, maps, sets and interfaces. Each entity is asked for once, all
// of one type together, and all types at the same time; what is found is
// remembered by the references, as Ref.Value returns it. References that were
// resolved before stay as they are, and those of the entities that were found
// are not followed.
//
// Each reference that is not resolved is a *RefError among the errors joined;
// all others are resolved nevertheless. A deadline of ctx holds; a service's
// resolver waits 5 seconds at most.
func Resolve(ctx context.Context, values ...any) error { return reference.Resolve(ctx, values...) }

// RefError says that a reference was not resolved, and why: the cause is a
// *NotFoundError, a deadline, or the error of the service that has the entity.
type RefError = reference.Error

// Resolver finds the entities that references name.
type Resolver = reference.Resolver

// Referred is the kind of entity that a reference refers to.
type Referred = reference.Referred

// Resolved is an entity that was looked for.
type Resolved = reference.Resolved

// WithResolver returns a context in which references are resolved by r.
func WithResolver(ctx context.Context, r Resolver) context.Context {
	return reference.WithResolver(ctx, r)
}
