package model

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Shape is what is known of a root entity's type: how its fields are named,
// stored and checked. It is read once, at registration, and is safe for
// concurrent use.
type Shape struct {
	// Name is the type's.
	Name string
	// Fields are those that are stored, in the order of the type.
	Fields []Field
}

// Field is a field of a root entity.
type Field struct {
	Name      string // in JSON
	Index     int    // in the struct
	Type      reflect.Type
	Set       SetKind
	Sensitive bool // by the tag `sensitive:"true"`
	Optional  bool // a pointer, or omitempty or omitzero in its JSON tag
}

// SetKind says whether a field is a set, whose changes are told by element.
type SetKind int

// The kinds of sets.
const (
	NoSet SetKind = iota
	SetOfEntities
	SetOfValues
)

// ShapeOf reads the fields of a struct type. What it embeds of the types in
// skip is left alone; it embeds nothing else.
func ShapeOf(t reflect.Type, skip ...reflect.Type) (*Shape, error) {
	s := &Shape{Name: t.Name()}
	seen := map[string]bool{"uuid": true, "version": true, "created_at": true, "updated_at": true}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous && slices.Contains(skip, f.Type) {
			continue
		}
		if f.Anonymous {
			return nil, fmt.Errorf("%s embeds %s: a root entity embeds aggregate.Root only", t, f.Type)
		}
		name, optional := tagged(f)
		if name == "" {
			continue
		}
		if seen[name] {
			return nil, fmt.Errorf("%s.%s: the name %q is taken by another field", t, f.Name, name)
		}
		seen[name] = true
		s.Fields = append(s.Fields, Field{
			Name: name, Index: i, Type: f.Type, Sensitive: f.Tag.Get("sensitive") == "true", Optional: optional,
		})
	}
	return s, nil
}

// tagged returns the JSON name of a field, or "" for one that is not stored,
// and whether it may be absent.
func tagged(f reflect.StructField) (name string, optional bool) {
	tag := f.Tag.Get("json")
	if !f.IsExported() || tag == "-" {
		return "", false
	}
	name, options, _ := strings.Cut(tag, ",")
	if name == "" {
		name = f.Name
	}
	for option := range strings.SplitSeq(options, ",") {
		optional = optional || option == "omitempty" || option == "omitzero"
	}
	return name, optional || f.Type.Kind() == reflect.Pointer
}

// Encode returns the JSON of each field of the struct that v points to, in the
// order of Fields.
func (s *Shape) Encode(v any) ([]json.RawMessage, error) {
	value := reflect.ValueOf(v).Elem()
	values := make([]json.RawMessage, len(s.Fields))
	for i, f := range s.Fields {
		raw, err := json.Marshal(value.Field(f.Index).Addr().Interface())
		if err != nil {
			return nil, fmt.Errorf("encode %s.%s: %w", s.Name, f.Name, err)
		}
		values[i] = raw
	}
	return values, nil
}

// Decode sets the fields of the struct that v points to from stored data.
// Names that the struct does not have are left alone: they were fields once.
func (s *Shape) Decode(data []byte, v any) error {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(data, &values); err != nil {
		return fmt.Errorf("decode the state of %s: %w", s.Name, err)
	}
	value := reflect.ValueOf(v).Elem()
	for _, f := range s.Fields {
		raw, ok := values[f.Name]
		if !ok {
			continue
		}
		if err := json.Unmarshal(raw, value.Field(f.Index).Addr().Interface()); err != nil {
			return fmt.Errorf("decode %s.%s: %w", s.Name, f.Name, err)
		}
	}
	return nil
}

// Object joins the fields' values, as Encode returns them, to one JSON object.
func (s *Shape) Object(values []json.RawMessage) json.RawMessage {
	size := 2
	for i, f := range s.Fields {
		size += len(f.Name) + len(values[i]) + 4
	}
	data := make([]byte, 0, size)
	data = append(data, '{')
	for i, f := range s.Fields {
		if i > 0 {
			data = append(data, ',')
		}
		data = appendString(data, f.Name)
		data = append(data, ':')
		data = append(data, values[i]...)
	}
	return append(data, '}')
}

func appendString(data []byte, s string) []byte {
	quoted, _ := json.Marshal(s) // a string always encodes
	return append(data, quoted...)
}
