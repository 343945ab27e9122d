package aggregate

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// shape is what is known of a root's type: its fields apart from Root's own.
type shape struct {
	name   string
	fields []field
}

type field struct {
	name  string // in JSON
	index int
}

// shapeOf reads the fields of a root entity's type once, at registration.
func shapeOf(t reflect.Type) (*shape, error) {
	s := &shape{name: t.Name()}
	seen := map[string]bool{"uuid": true, "version": true, "created_at": true, "updated_at": true}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous && f.Type == reflect.TypeFor[Root]() {
			continue
		}
		if f.Anonymous {
			return nil, fmt.Errorf("%s embeds %s: a root entity embeds aggregate.Root only", t, f.Type)
		}
		name := fieldName(f)
		if name == "" {
			continue
		}
		if seen[name] {
			return nil, fmt.Errorf("%s.%s: the name %q is taken by another field", t, f.Name, name)
		}
		seen[name] = true
		s.fields = append(s.fields, field{name: name, index: i})
	}
	return s, nil
}

// fieldName is the JSON name of a field, or "" for one that is not stored.
func fieldName(f reflect.StructField) string {
	if !f.IsExported() {
		return ""
	}
	tag := f.Tag.Get("json")
	if tag == "-" {
		return ""
	}
	for i := range len(tag) {
		if tag[i] == ',' {
			tag = tag[:i]
			break
		}
	}
	if tag == "" {
		return f.Name
	}
	return tag
}

// encode returns the JSON of each field of the struct that v is.
func (s *shape) encode(v reflect.Value) ([]json.RawMessage, error) {
	values := make([]json.RawMessage, len(s.fields))
	for i, f := range s.fields {
		raw, err := json.Marshal(v.Field(f.index).Interface())
		if err != nil {
			return nil, fmt.Errorf("encode %s.%s: %w", s.name, f.name, err)
		}
		values[i] = raw
	}
	return values, nil
}

// decode sets the fields of the struct that v is. Names that the struct does
// not have are left alone: they were fields once.
func (s *shape) decode(data []byte, v reflect.Value) error {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(data, &values); err != nil {
		return fmt.Errorf("decode the state of %s: %w", s.name, err)
	}
	for _, f := range s.fields {
		raw, ok := values[f.name]
		if !ok {
			continue
		}
		if err := json.Unmarshal(raw, v.Field(f.index).Addr().Interface()); err != nil {
			return fmt.Errorf("decode %s.%s: %w", s.name, f.name, err)
		}
	}
	return nil
}

// object joins the fields' values to one JSON object.
func (s *shape) object(values []json.RawMessage) json.RawMessage {
	size := 2
	for i, f := range s.fields {
		size += len(f.name) + len(values[i]) + 4
	}
	data := make([]byte, 0, size)
	data = append(data, '{')
	for i, f := range s.fields {
		if i > 0 {
			data = append(data, ',')
		}
		data = appendString(data, f.name)
		data = append(data, ':')
		data = append(data, values[i]...)
	}
	return append(data, '}')
}

func appendString(data []byte, s string) []byte {
	quoted, _ := json.Marshal(s) // a string always encodes
	return append(data, quoted...)
}
