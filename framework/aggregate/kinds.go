package aggregate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/minos-framework/minos-go/framework/model"
	"github.com/minos-framework/minos-go/framework/query"
)

// kinds returns how the values at each path of a root's own are compared.
func kinds(s *model.Shape) func(path string) (query.Kind, error) {
	return func(path string) (query.Kind, error) {
		first, _, _ := strings.Cut(path, ".")
		i := slices.IndexFunc(s.Fields, func(f model.Field) bool { return f.Name == first })
		if i >= 0 && s.Fields[i].Sensitive {
			return 0, fmt.Errorf("field %q is sensitive: its values are sealed where they are stored", first)
		}
		return s.Kind(path)
	}
}

// Index declares an index that serves conditions and orders by the first of
// paths, or by the first few of them. Registry.CreateIndexes creates it.
//
// PostgreSQL has no room for texts of more than 2,600 bytes in an index, and
// refuses the save of a root that has one there.
func Index(paths ...string) Option {
	return func(d *definition) error {
		index, err := query.BindIndex(kinds(d.shape), paths...)
		if err != nil {
			return fmt.Errorf("index %s: %w", strings.Join(paths, ", "), err)
		}
		d.indexes = append(d.indexes, index)
		return nil
	}
}
