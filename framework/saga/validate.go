package saga

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// validate returns every fault of the definition, joined.
func (p *plan) validate() error {
	checked := &plan{name: p.name, faults: slices.Clone(p.faults)}
	if strings.TrimSpace(p.name) == "" {
		checked.fault(p.place, nil, "has no name")
	}
	if p.version < 1 {
		checked.fault(p.place, nil, "version %d is not positive", p.version)
	}
	if len(p.steps) == 0 {
		checked.fault(p.place, nil, "has no steps")
	}
	seen := map[string]string{}
	for _, s := range p.steps {
		if strings.TrimSpace(s.name) == "" {
			checked.fault(s.place, s, "has no name")
		} else if first, ok := seen[s.name]; ok {
			checked.fault(s.place, s, "has the name of the step at %s", first)
		}
		seen[s.name] = s.place
		if s.execute == nil {
			checked.fault(s.place, s, "has no function to execute")
		}
	}
	for _, lost := range unstorable(p.context, p.context.String(), nil) {
		checked.fault(p.place, nil, "context cannot be kept as JSON: %s", lost)
	}
	return errors.Join(checked.faults...)
}

// unstorable names what of a type, found at path, JSON would refuse or lose.
func unstorable(t reflect.Type, path string, within []reflect.Type) []string {
	if slices.Contains(within, t) || ownJSON(t) {
		return nil
	}
	within = append(slices.Clip(within), t)
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return unstorable(t.Elem(), path, within)
	case reflect.Map:
		return append(unkeyable(t.Key(), path), unstorable(t.Elem(), path+"[]", within)...)
	case reflect.Struct:
		return unstorableFields(t, path, within)
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return []string{path + " is an interface with methods, " + t.String()}
		}
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		return []string{fmt.Sprintf("%s is a %s", path, t.Kind())}
	}
	return nil
}

func unstorableFields(t reflect.Type, path string, within []reflect.Type) []string {
	var faults []string
	for f := range t.Fields() {
		name := path + "." + f.Name
		switch {
		case f.Type.Size() == 0 && f.Type.Kind() == reflect.Struct:
		case f.Tag.Get("json") == "-":
			faults = append(faults, name+` is left out by its tag json:"-"`)
		case !f.IsExported() && !embedsStruct(f):
			faults = append(faults, name+" is not exported")
		default:
			faults = append(faults, unstorable(f.Type, name, within)...)
		}
	}
	return faults
}

// embedsStruct reports whether JSON takes the fields of an embedded struct as
// those of the outer one, whether or not its type's name is exported.
func embedsStruct(f reflect.StructField) bool {
	return f.Anonymous && f.Type.Kind() == reflect.Struct
}

func unkeyable(key reflect.Type, path string) []string {
	switch key.Kind() {
	case reflect.String, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return nil
	}
	if key.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return nil
	}
	return []string{fmt.Sprintf("%s has keys of type %s", path, key)}
}

// ownJSON reports whether a type encodes itself.
func ownJSON(t reflect.Type) bool {
	for _, t := range []reflect.Type{t, reflect.PointerTo(t)} {
		if t.Implements(reflect.TypeFor[json.Marshaler]()) || t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
			return true
		}
	}
	return false
}
