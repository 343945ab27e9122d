package domain

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/minos-framework/minos-go/framework/domain/internal/scan"
	"github.com/minos-framework/minos-go/framework/query"
)

// Shape is what is known of the type of a root entity, or of a request: how its
// fields are named, stored and checked. It is read once, at registration, and is
// safe for concurrent use.
type Shape struct {
	// Name is the type's.
	Name string
	// Fields are those that are stored, in the order of the type.
	Fields []Field

	whole  *plan
	object *object
}

// Field is a field of a root entity.
type Field struct {
	Name      string // in JSON
	Index     int    // in the struct, or of what it embeds
	Type      reflect.Type
	Set       SetKind
	Sensitive bool // by the tag `sensitive:"true"`, or with the field that says whom it is about
	Optional  bool // a pointer, or omitempty or omitzero in its JSON tag

	member *member
	plain  bool // encoding/json reads it as it is stored
}

// SetKind says whether a field is a set, whose changes are told by element.
type SetKind int

// The kinds of sets.
const (
	NoSet SetKind = iota
	SetOfEntities
	SetOfValues
)

// ShapeOf reads the fields of a struct type. What a root entity embeds of the
// types in skip is left alone, and it embeds nothing else; what a request
// embeds, skip being empty, is part of it. A field that could not be stored
// and read again, a default that its field cannot have and a hook that has no
// field or the wrong signature are errors that name the place.
func ShapeOf(t reflect.Type, skip ...reflect.Type) (*Shape, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("%s is no struct", t)
	}
	p := &planner{plans: map[reflect.Type]*plan{}, skip: skip}
	whole, err := p.plan(t, t.Name())
	if err != nil {
		return nil, err
	}
	if whole.form != formObject {
		return nil, fmt.Errorf("%s has JSON of its own: a root entity's fields are stored one by one", t)
	}
	s := &Shape{Name: t.Name(), whole: whole, object: whole.object}
	for _, m := range s.object.members {
		if len(skip) > 0 && slices.Contains(fixed(), m.name) {
			return nil, fmt.Errorf("%s.%s: the name %q is taken by another field", t, m.field, m.name)
		}
		f := Field{
			Name: m.name, Index: m.index[0], Type: m.plan.typ, Sensitive: m.sensitive, Optional: m.optional,
			member: m, plain: m.plan.plain(map[*plan]bool{}),
		}
		if m.plan.form == formSet {
			f.Set = reflect.New(f.Type).Interface().(set).setKind()
		}
		s.Fields = append(s.Fields, f)
	}
	return s, nil
}

// fixed lists the names of what every root entity has.
func fixed() []string { return []string{"uuid", "version", "created_at", "updated_at"} }

// plain reports whether encoding/json reads values as they are stored: without
// defaults, and without numbers of no known type, which it would round.
func (n *plan) plain(seen map[*plan]bool) bool {
	if n == nil || seen[n] {
		return true
	}
	seen[n] = true
	if n.form == formAny || !n.elem.plain(seen) {
		return false
	}
	if n.object != nil {
		for _, m := range n.object.members {
			if m.initial != nil || !m.plan.plain(seen) {
				return false
			}
		}
	}
	return true
}

// Encode returns the JSON of each field of the struct that v points to, in the
// order of Fields. An optional enum that is empty, which is none of its values,
// is null. A value that has no JSON is told by FieldErrors.
func (s *Shape) Encode(v any) ([]json.RawMessage, error) {
	value := reflect.ValueOf(v).Elem()
	values := make([]json.RawMessage, len(s.Fields))
	for i := range s.Fields {
		f := &s.Fields[i]
		field := value.FieldByIndex(f.member.index)
		if f.Optional && f.member.plan.enum != nil && field.IsZero() {
			values[i] = json.RawMessage("null")
			continue
		}
		raw, err := json.Marshal(field.Addr().Interface())
		if err != nil {
			return nil, FieldErrors{{Path: f.Name, Reason: Invalid, Err: err}}
		}
		values[i] = raw
	}
	return values, nil
}

// Decode sets the fields of the struct that v points to from its whole stored
// state. A field that the state does not have takes its default, or stays as it
// is; names that the struct does not have are left alone: they were fields
// once. No hook runs: what is stored was checked when it was stored, by the
// rules of its time. An error quotes nothing of a sensitive field.
func (s *Shape) Decode(data []byte, v any) error {
	if !json.Valid(data) {
		return fmt.Errorf("decode the state of %s: it is not JSON", s.Name)
	}
	w := walker{Cursor: scan.New(data)}
	if w.Peek() != '{' {
		return fmt.Errorf("decode the state of %s: it is not an object", s.Name)
	}
	value := reflect.ValueOf(v).Elem()
	seen := make([]bool, len(s.Fields))
	for name := range w.Members() {
		m := s.object.byName[name]
		if m == nil {
			w.Raw()
			continue
		}
		seen[m.at] = true
		if err := s.decodeField(&w, &s.Fields[m.at], value); err != nil {
			return err
		}
	}
	for i := range s.Fields {
		if m := s.Fields[i].member; !seen[i] && m.initial != nil {
			w.absent(s.object, m, nil, value)
		}
	}
	return nil
}

func (s *Shape) decodeField(w *walker, f *Field, value reflect.Value) error {
	err := s.decodePlain(w, f, value)
	if err != nil && f.Sensitive {
		return fmt.Errorf("decode %s.%s, which is sensitive: what is stored does not fit %s", s.Name, f.Name, f.Type)
	}
	return err
}

func (s *Shape) decodePlain(w *walker, f *Field, value reflect.Value) error {
	if f.plain {
		if err := json.Unmarshal(w.Raw(), value.FieldByIndex(f.member.index).Addr().Interface()); err != nil {
			return fmt.Errorf("decode %s.%s: %w", s.Name, f.Name, err)
		}
		return nil
	}
	if !w.member(s.object, f.member, &place{name: f.Name}, value) {
		fault := w.faults[0]
		return fmt.Errorf("decode %s.%s: %w", s.Name, fault.Path, fault.Err)
	}
	return nil
}

// Kind returns how the values at a path are compared: a field's name, or
// several with dots between them that lead through structs and maps, never
// through lists or sets. Every root entity has uuid, version, created_at and
// updated_at beside its fields.
func (s *Shape) Kind(path string) (query.Kind, error) {
	switch path {
	case "uuid":
		return query.UUID, nil
	case "version":
		return query.Number, nil
	case "created_at", "updated_at":
		return query.Time, nil
	}
	n, walked := s.whole, s.Name
	for name := range strings.SplitSeq(path, ".") {
		for n.form == formPointer {
			n = n.elem
		}
		switch {
		case n.form == formObject && n.object.byName[name] != nil:
			n = n.object.byName[name].plan
		case n.form == formMap && name != "":
			n = n.elem
		case n.form == formAny && name != "":
		case n.form == formObject:
			return 0, fmt.Errorf("%s has no field %q", walked, name)
		default:
			return 0, fmt.Errorf("%s is %s: no path leads into it", walked, n.typ)
		}
		walked += "." + name
	}
	for n.form == formPointer {
		n = n.elem
	}
	return n.kind, nil
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
