package aggregate

import (
	"fmt"
	"reflect"

	"github.com/minos-framework/minos-go/framework/model"
)

// Repository loads and saves the root entities of one type. Make one by
// NewRepository. It is safe for concurrent use; an entity is not.
//
// Inside a handler its writes are staged and committed with all else that the
// handler decides, and its reads see what was staged. Outside it commits at
// once.
type Repository[T any] struct {
	store Store
	shape *model.Shape
	root  func(*T) *Root
}

// NewRepository registers the root entity T, which embeds Root, and returns its
// repository. It returns an error when T is registered already or its fields
// cannot be stored, at start-up.
func NewRepository[T any, P rootOf[T]](r *Registry) (*Repository[T], error) {
	s, err := r.add(reflect.TypeFor[T]())
	if err != nil {
		return nil, fmt.Errorf("repository: %w", err)
	}
	return &Repository[T]{store: r.store, shape: s, root: func(t *T) *Root { return P(t).root() }}, nil
}
