package reference

import "reflect"

// mayRefer reports whether values of a type may hold references. known takes
// what was found out.
func mayRefer(t reflect.Type, known map[reflect.Type]bool) bool {
	may, ok := known[t]
	if !ok {
		for _, part := range Types(t) {
			may = may || part.Kind() == reflect.Interface || refers(part)
		}
		known[t] = may
	}
	return may
}

// Target returns what references of type t refer to, and false when t is no
// Ref.
func Target(t reflect.Type) (Referred, bool) {
	if !refers(t) {
		return Referred{}, false
	}
	to, _ := reflect.New(t).Interface().(reference).target() // refers has seen to it
	return to, true
}

func refers(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && reflect.PointerTo(t).Implements(reflect.TypeFor[reference]())
}

// Types returns t and every type that values of it are made of: of fields, of
// elements and of what pointers lead to, but not what references refer to.
func Types(t reflect.Type) []reflect.Type {
	var all []reflect.Type
	seen := map[reflect.Type]bool{}
	var visit func(t reflect.Type)
	visit = func(t reflect.Type) {
		if seen[t] {
			return
		}
		seen[t] = true
		all = append(all, t)
		switch {
		case t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Array || t.Kind() == reflect.Map:
			visit(t.Elem())
		case t.Kind() == reflect.Struct && !refers(t):
			for i := range t.NumField() {
				visit(t.Field(i).Type)
			}
		}
	}
	visit(t)
	return all
}
