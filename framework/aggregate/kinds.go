package aggregate

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/model"
	"github.com/minos-framework/minos-go/framework/query"
)

// kinds returns the kind of each path of a root's own.
func kinds(s *model.Shape) func(path string) (query.Kind, error) {
	return func(path string) (query.Kind, error) {
		first, rest, deep := strings.Cut(path, ".")
		i := slices.IndexFunc(s.Fields, func(f model.Field) bool { return f.Name == first })
		if i < 0 {
			return 0, fmt.Errorf("there is no field %q", path)
		}
		if s.Fields[i].Sensitive {
			return 0, fmt.Errorf("field %q is sensitive: its values are sealed where they are stored", first)
		}
		if deep && rest != "" {
			return query.JSON, nil
		}
		return kindOf(s.Fields[i].Type), nil
	}
}

func kindOf(t reflect.Type) query.Kind {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[time.Time]():
		return query.Time
	case t == reflect.TypeFor[uuid.UUID]():
		return query.UUID
	case t.Kind() == reflect.String:
		return query.Text
	case t.Kind() == reflect.Bool:
		return query.Bool
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Float64:
		return query.Number
	}
	return query.JSON
}
