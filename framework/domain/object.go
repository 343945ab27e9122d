package domain

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/minos-framework/minos-go/framework/domain/internal/scan"
)

// object is what is known of a struct.
type object struct {
	typ     reflect.Type
	members []*member
	byName  map[string]*member
	entity  bool // it embeds Entity
	oneOf   bool // it embeds OneOf
}

// member is a field of a struct that is stored.
type member struct {
	name      string // in JSON
	field     string // in Go
	index     []int
	at        int // among the members
	plan      *plan
	optional  bool
	sensitive bool
	must      bool            // by its tag required
	initial   json.RawMessage // by its tag default, or nil
	parse     int             // index of the method ParseX of a pointer to the struct, or -1
	validate  int             // of ValidateX
}

// required reports whether the member cannot be left out of a request. What
// holds elements is empty then, and an entity gets a uuid.
func (m *member) required(o *object) bool {
	switch m.plan.form {
	case formSet, formList, formMap:
		return false
	}
	made := o.entity && m.field == "UUID"
	return !m.optional && m.initial == nil && !made
}

// OneOf is embedded by a struct of which exactly one field is set: a union. Its
// other fields are pointers, one for each alternative, and the name of the one
// that is set says which it is:
//
//	type Payment struct {
//		domain.OneOf
//		Card     *Card     `json:"card,omitempty"`
//		Transfer *Transfer `json:"transfer,omitempty"`
//	}
//
// It is stored as {"card":{...}}. Both, and neither, are Invalid.
type OneOf struct{}

// object reads the fields of a struct, those of what it embeds among them.
func (p *planner) object(t reflect.Type, at string) (*object, error) {
	o := &object{typ: t, byName: map[string]*member{}}
	if err := p.members(o, t, nil, at); err != nil {
		return nil, err
	}
	if len(o.members) == 0 && t.NumField() > 0 && at != t.Name() {
		return nil, fmt.Errorf("%s: %s has no exported field, so nothing of it would be stored", at, t)
	}
	if o.oneOf {
		for _, m := range o.members {
			if m.plan.form != formPointer {
				return nil, fmt.Errorf("%s.%s: an alternative of what embeds domain.OneOf is a pointer", at, m.name)
			}
		}
	}
	return o, o.bindHooks()
}

func (p *planner) members(o *object, t reflect.Type, index []int, at string) error {
	top := at == o.typ.Name() // the root itself may keep to itself what is not stored
	for i := range t.NumField() {
		f := t.Field(i)
		where := append(slices.Clone(index), i)
		var err error
		switch {
		case f.Tag.Get("json") == "-" || f.Name == "_":
		case f.Anonymous && f.Tag.Get("json") == "":
			err = p.embedded(o, f, where, at, top)
		case f.IsExported():
			err = p.member(o, f, where, at)
		case !top:
			err = fmt.Errorf("%s.%s is not exported and would be lost: export it, or tag it `json:\"-\"`", at, f.Name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *planner) embedded(o *object, f reflect.StructField, index []int, at string, top bool) error {
	switch {
	case slices.Contains(p.skip, f.Type):
		return nil
	case f.Type == reflect.TypeFor[OneOf]():
		o.oneOf = true
		return nil
	case top && len(p.skip) > 0:
		return fmt.Errorf("%s embeds %s: a root entity embeds aggregate.Root only", o.typ, f.Type)
	case f.Type.Kind() != reflect.Struct:
		return fmt.Errorf("%s embeds %s, which is no struct: give it a name", at, f.Type)
	}
	o.entity = o.entity || f.Type == reflect.TypeFor[Entity]()
	return p.members(o, f.Type, index, at)
}

func (p *planner) member(o *object, f reflect.StructField, index []int, at string) error {
	m := &member{field: f.Name, index: index, at: len(o.members), parse: -1, validate: -1}
	options := strings.Split(f.Tag.Get("json"), ",")
	if m.name = options[0]; m.name == "" {
		m.name = f.Name
	}
	if slices.Contains(options[1:], "string") {
		return fmt.Errorf("%s.%s: the option string of a JSON tag is not supported", at, f.Name)
	}
	m.optional = f.Type.Kind() == reflect.Pointer ||
		slices.Contains(options[1:], "omitempty") || slices.Contains(options[1:], "omitzero")
	if o.byName[m.name] != nil {
		return fmt.Errorf("%s.%s: the name %q is taken by another field", at, f.Name, m.name)
	}
	m.must = f.Tag.Get("required") == "true"
	m.sensitive = f.Tag.Get("sensitive") != "" // whose it is, the tag may say too
	var err error
	if m.plan, err = p.plan(f.Type, at+"."+m.name); err != nil {
		return err
	}
	if text, ok := f.Tag.Lookup("default"); ok {
		if m.initial, err = initial(text, m.plan); err != nil {
			return fmt.Errorf("%s.%s: its default %q: %w", at, f.Name, text, err)
		}
	}
	o.members, o.byName[m.name] = append(o.members, m), m
	return nil
}

// initial returns the JSON of a default, which is written as JSON or, for what
// is stored as text, as that text.
func initial(text string, n *plan) (json.RawMessage, error) {
	quoted, _ := json.Marshal(text) // a string always encodes
	candidates := []json.RawMessage{json.RawMessage(text), quoted}
	if n.kindOfText() {
		candidates = []json.RawMessage{quoted}
	}
	var first error
	for _, raw := range candidates {
		if !json.Valid(raw) {
			first = errors.Join(first, errors.New("it is not JSON"))
			continue
		}
		w := walker{Cursor: scan.New(raw), strict: true}
		if w.value(n, nil, reflect.New(n.typ).Elem()); len(w.faults) == 0 {
			return raw, nil
		}
		if first == nil {
			first = w.faults[0].Err
		}
	}
	return nil, first
}

func (n *plan) kindOfText() bool {
	for n.form == formPointer {
		n = n.elem
	}
	return n.form == formText
}

// like returns the member whose name differs in its case alone, or nil.
func (o *object) like(name string) *member {
	for _, m := range o.members {
		if strings.EqualFold(m.name, name) {
			return m
		}
	}
	return nil
}

// bindHooks finds the methods that parse and validate fields. Every method
// whose name is Parse or Validate and something more is one.
func (o *object) bindHooks() error {
	t := reflect.PointerTo(o.typ)
	for i := range t.NumMethod() {
		method := t.Method(i)
		for _, verb := range []string{"Parse", "Validate"} {
			field, ok := strings.CutPrefix(method.Name, verb)
			if r, _ := utf8.DecodeRuneInString(field); !ok || !unicode.IsUpper(r) {
				continue
			}
			if err := o.bindHook(method, verb, field); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o *object) bindHook(method reflect.Method, verb, field string) error {
	at := slices.IndexFunc(o.members, func(m *member) bool { return m.field == field })
	if at < 0 {
		return fmt.Errorf("%s.%s: %s has no stored field %s, which the method's name says it is for",
			o.typ, method.Name, o.typ, field)
	}
	m := o.members[at]
	in, out := []reflect.Type{m.plan.typ}, []reflect.Type{reflect.TypeFor[error]()}
	if verb == "Parse" {
		in, out = []reflect.Type{reflect.TypeFor[json.RawMessage]()}, []reflect.Type{m.plan.typ, out[0]}
	}
	// The method's type has its receiver first.
	want := reflect.FuncOf(append([]reflect.Type{reflect.PointerTo(o.typ)}, in...), out, false)
	if method.Type != want {
		return fmt.Errorf("%s.%s: for the field %s it must be %s, but it is %s", o.typ, method.Name, field,
			reflect.FuncOf(in, out, false), signature(method.Type))
	}
	if verb == "Parse" {
		m.parse = method.Index
	} else {
		m.validate = method.Index
	}
	return nil
}

// signature returns a method's type without its receiver.
func signature(t reflect.Type) reflect.Type {
	var in, out []reflect.Type
	for i := 1; i < t.NumIn(); i++ {
		in = append(in, t.In(i))
	}
	for i := range t.NumOut() {
		out = append(out, t.Out(i))
	}
	return reflect.FuncOf(in, out, t.IsVariadic())
}
