package aggregate

import (
	"fmt"
	"reflect"

	"github.com/minos-framework/minos-go/framework/aggregate/history"
	"github.com/minos-framework/minos-go/framework/domain"
)

// Repository loads and saves the root entities of one type. Make one by
// NewRepository. It is safe for concurrent use; an entity is not.
//
// Inside a handler its writes are staged and committed with all else that the
// handler decides, and its reads see what was staged. Outside it commits at
// once.
type Repository[T any] struct {
	store      Store
	shape      *domain.Shape
	definition *definition
	replayer   *history.Replayer
	root       func(*T) *Root
}

// NewRepository registers the root entity T, which embeds Root, and returns its
// repository. It returns an error when T is registered already, its fields
// cannot be stored, or an option does not fit, at start-up.
func NewRepository[T any, P rootOf[T]](r *Registry, options ...Option) (*Repository[T], error) {
	d, err := r.add(reflect.TypeFor[T](), options)
	if err != nil {
		return nil, fmt.Errorf("repository: %w", err)
	}
	repository := &Repository[T]{
		store: r.store, shape: d.shape, definition: d, root: func(t *T) *Root { return P(t).root() },
		replayer: &history.Replayer{
			Shape: d.shape, Schema: d.schema, Records: d.records, Sealer: d.sensitive,
			New: func(s *history.State, forgotten []string) any {
				entity := new(T)
				*P(entity).root() = Root{
					UUID: s.Aggregate, Version: s.Version, CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt, forgotten: forgotten,
				}
				return entity
			},
		},
	}
	d.upcast = repository.today
	return repository, nil
}
