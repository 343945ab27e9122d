package domain

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/query"
)

// form says how the JSON of a type is read and its values are walked.
type form int

const (
	formLeaf    form = iota // as encoding/json has it
	formText                // a string
	formFloat               // a float32 or float64
	formAny                 // what JSON it is, is known at run time only
	formPointer             // null is nil
	formList                // a slice
	formArray
	formMap
	formObject // a struct whose fields are walked
	formSet    // an EntitySet or ValueSet
)

// plan is what is known of a type at any depth of a root's fields.
type plan struct {
	typ    reflect.Type
	form   form
	kind   query.Kind
	elem   *plan   // of a pointer, list, array, map or set
	object *object // of a struct
	json   []byte  // the first bytes that its JSON may have; empty is any
	enum   func(reflect.Value) error
	whole  bool // it has a method Validate() error
}

// planner makes the plans of one root's types. A type that holds itself finds
// its own plan.
type planner struct {
	plans map[reflect.Type]*plan
	skip  []reflect.Type
}

// plan returns the plan of a type that was found at a place of the root.
func (p *planner) plan(t reflect.Type, at string) (*plan, error) {
	if known, ok := p.plans[t]; ok {
		return known, nil
	}
	n := &plan{typ: t}
	p.plans[t] = n
	if err := p.fill(n, at); err != nil {
		return nil, err
	}
	var err error
	if n.enum, err = enumOf(t); err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	n.whole = n.form != formPointer && n.form != formAny && implements[interface{ Validate() error }](t)
	return n, nil
}

func (p *planner) fill(n *plan, at string) error {
	t := n.typ
	switch {
	case t.Kind() == reflect.Pointer:
		if implements[set](t.Elem()) {
			return fmt.Errorf("%s: a set is no pointer: its zero value is empty", at)
		}
		n.form = formPointer
		return p.fillElem(n, at)
	case t.Kind() == reflect.Interface && t.NumMethod() == 0:
		n.form, n.kind = formAny, query.JSON
		return nil
	case implements[set](t):
		n.form, n.kind, n.json = formSet, query.JSON, []byte("[")
		elem, err := p.plan(reflect.New(t).Interface().(set).element(), at+"[]")
		n.elem = elem
		return err
	}
	if known, err := n.fillLeaf(); known || err != nil {
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		return nil
	}
	return p.fillKind(n, at)
}

const digits = "-0123456789"

// fillLeaf makes a plan of a type that knows its own JSON.
func (n *plan) fillLeaf() (known bool, err error) {
	t := n.typ
	writes, reads := implements[json.Marshaler](t), implements[json.Unmarshaler](t)
	text, parses := implements[encoding.TextMarshaler](t), implements[encoding.TextUnmarshaler](t)
	switch {
	case t == reflect.TypeFor[time.Time]():
		n.kind, n.json = query.Time, []byte(`"`)
	case t == reflect.TypeFor[json.Number]() || t == reflect.TypeFor[big.Int]():
		n.kind, n.json = query.Number, []byte(digits)
	case implements[interface{ Rat() *big.Rat }](t) && (writes || text):
		n.kind, n.json = query.Decimal, []byte(`"`+digits)
	case writes:
		n.kind = query.JSON
	case text:
		n.kind, n.json = query.Text, []byte(`"`)
		if identifies(t) {
			n.kind = query.UUID
		}
	case parses && t.Kind() == reflect.String:
		n.kind, n.json = query.Text, []byte(`"`)
		return true, nil
	case reads || parses:
		return false, fmt.Errorf("%s reads its own JSON but does not write it", t)
	default:
		return false, nil
	}
	if !reads && !parses && t.Kind() != reflect.String {
		return false, fmt.Errorf("%s writes its own JSON but does not read it", t)
	}
	return true, nil
}

// identifies holds for uuids, and for what is stored as the uuid that it holds:
// a reference.
func identifies(t reflect.Type) bool {
	if t == reflect.TypeFor[uuid.UUID]() {
		return true
	}
	if t.Kind() != reflect.Struct {
		return false
	}
	f, ok := t.FieldByName("UUID")
	return ok && f.Type == reflect.TypeFor[uuid.UUID]()
}

func (p *planner) fillKind(n *plan, at string) error {
	t := n.typ
	switch t.Kind() {
	case reflect.String:
		n.form, n.kind, n.json = formText, query.Text, []byte(`"`)
	case reflect.Bool:
		n.kind, n.json = query.Bool, []byte("tf")
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n.kind, n.json = query.Number, []byte(digits)
	case reflect.Float32, reflect.Float64:
		n.form, n.kind, n.json = formFloat, query.Number, []byte(digits)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			n.kind, n.json = query.Text, []byte(`"`)
			return nil
		}
		n.form, n.kind, n.json = formList, query.JSON, []byte("[")
		return p.fillElem(n, at+"[]")
	case reflect.Array:
		n.form, n.kind, n.json = formArray, query.JSON, []byte("[")
		return p.fillElem(n, at+"[]")
	case reflect.Map:
		if t.Key().Kind() != reflect.String || implements[encoding.TextUnmarshaler](t.Key()) {
			return fmt.Errorf("%s: the keys of a map are strings, but those of %s are not", at, t)
		}
		n.form, n.kind, n.json = formMap, query.JSON, []byte("{")
		return p.fillElem(n, at+".*")
	case reflect.Struct:
		n.form, n.kind, n.json = formObject, query.JSON, []byte("{")
		o, err := p.object(t, at)
		n.object = o
		return err
	case reflect.Interface:
		return fmt.Errorf("%s: which type %s holds is not stored: use a struct that embeds domain.OneOf", at, t)
	default:
		return fmt.Errorf("%s: %s cannot be stored", at, t)
	}
	return nil
}

func (p *planner) fillElem(n *plan, at string) error {
	elem, err := p.plan(n.typ.Elem(), at)
	if err != nil {
		return err
	}
	n.elem = elem
	return nil
}

// enumOf returns the check of a type that lists its values by a method
// Values() []T, or reads them by UnmarshalText; nil for any other.
func enumOf(t reflect.Type) (func(reflect.Value) error, error) {
	basic := t.Kind() == reflect.String || t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64
	if !basic {
		return nil, nil
	}
	if m, ok := t.MethodByName("Values"); ok {
		if m.Type.NumIn() != 1 || m.Type.NumOut() != 1 || m.Type.Out(0) != reflect.SliceOf(t) {
			return nil, fmt.Errorf("%s.Values lists the values of an enum, so it must be func() []%s", t, t.Name())
		}
		allowed := map[any]bool{}
		values := reflect.Zero(t).Method(m.Index).Call(nil)[0]
		for i := range values.Len() {
			allowed[values.Index(i).Interface()] = true
		}
		return func(v reflect.Value) error {
			if allowed[v.Interface()] {
				return nil
			}
			return errNotEnum
		}, nil
	}
	if !implements[encoding.TextUnmarshaler](t) {
		return nil, nil
	}
	return readable, nil
}

// readable reports why a value could not be read again.
func readable(v reflect.Value) error {
	text := []byte(v.String())
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		var err error
		if text, err = m.MarshalText(); err != nil {
			return err
		}
	} else if v.Kind() != reflect.String {
		return errors.New("it has no text")
	}
	return reflect.New(v.Type()).Interface().(encoding.TextUnmarshaler).UnmarshalText(text)
}

// implements reports whether an addressable T has I's methods.
func implements[I any](t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[I]())
}
