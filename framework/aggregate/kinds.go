package aggregate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/minos-framework/minos-go/framework/domain"
	"github.com/minos-framework/minos-go/framework/query"
)

// kinds returns how the values at each path of a root's own are compared.
func kinds(s *domain.Shape) func(path string) (query.Kind, error) {
	return func(path string) (query.Kind, error) {
		first, _, _ := strings.Cut(path, ".")
		i := slices.IndexFunc(s.Fields, func(f domain.Field) bool { return f.Name == first })
		if i >= 0 && s.Fields[i].Sensitive {
			return 0, fmt.Errorf("field %q is sensitive: its values are sealed where they are stored", first)
		}
		return s.Kind(path)
	}
}
