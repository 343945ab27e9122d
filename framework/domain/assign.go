package domain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/minos-framework/minos-go/framework/domain/internal/scan"
	"github.com/minos-framework/minos-go/framework/query"
)

// Assign makes the struct that v points to what a JSON object says: each field
// is parsed by its ParseX, if it has one, read as its type and checked by the
// rules that Validate describes. A field that is absent takes its default, or
// is empty when it is optional, a set, a list or a map, or else is Missing;
// members that the struct does not have are left alone. All that is wrong is
// returned at once, as FieldErrors; v is as it was then.
func (s *Shape) Assign(v any, object json.RawMessage) error {
	return s.assign(v, object, walker{}, false)
}

// Merge is Assign of those fields alone that the object has: the others stay
// as they are. A nested model that is there is replaced whole.
func (s *Shape) Merge(v any, object json.RawMessage) error {
	return s.assign(v, object, walker{}, true)
}

// Bind is Assign for the content of a request, where at any depth a field that
// is absent or null takes its default or is empty, and is Missing only if its
// tag says `required:"true"`; names may differ in their case. Since fields may be set from elsewhere yet, what a
// field that is absent may be is for Validate to say.
func (s *Shape) Bind(v any, object json.RawMessage) error {
	return s.assign(v, object, walker{lenient: true}, false)
}

func (s *Shape) assign(v any, object json.RawMessage, w walker, partial bool) error {
	if !json.Valid(object) {
		return FieldErrors{{Reason: Unparsable, Err: errors.New("it is not JSON")}}
	}
	w.Cursor, w.strict = scan.New(object), true
	if w.Peek() != '{' {
		return FieldErrors{{Reason: Mistyped, Err: errors.New("an object is wanted")}}
	}
	target := reflect.ValueOf(v).Elem()
	fresh := reflect.New(target.Type()).Elem()
	fresh.Set(target)
	w.members(s.object, nil, fresh, partial)
	if len(w.faults) == 0 && !w.lenient {
		w.checker.own(s.whole, nil, fresh)
	}
	if len(w.faults) > 0 {
		return w.faults
	}
	target.Set(fresh)
	return nil
}

// walker builds values from JSON that is known to be valid.
type walker struct {
	scan.Cursor
	checker
	// strict is for what users send: hooks run, rules hold, and nothing may be
	// missing. What is stored was checked when it was written, by the rules of
	// its time.
	strict bool
	// lenient is for requests, of which only what is required must be there.
	lenient bool
	// secret is within a sensitive field, of which errors quote nothing that was
	// read.
	secret bool
}

// value reads the next value into a zero one, and reports whether it is sound.
func (w *walker) value(n *plan, at *place, into reflect.Value) bool {
	first := w.Peek()
	if first == 'n' && n.form != formAny {
		return w.null(n, at, into)
	}
	if len(n.json) > 0 && bytes.IndexByte(n.json, first) < 0 {
		w.mistyped(n, at, w.Raw())
		return false
	}
	ok := w.content(n, at, into)
	return ok && (!w.strict || w.own(n, at, into))
}

func (w *walker) null(n *plan, at *place, into reflect.Value) bool {
	raw := w.Raw()
	switch {
	case n.form == formPointer || n.form == formList || n.form == formMap || n.form == formSet:
		return true
	case w.lenient || !w.strict:
		return true
	case n.form == formLeaf && len(n.json) == 0: // it knows its own JSON
		return w.leaf(n, at, into, raw)
	}
	w.fault(at, Missing, errMissing)
	return false
}

func (w *walker) content(n *plan, at *place, into reflect.Value) bool {
	switch n.form {
	case formPointer:
		pointed := reflect.New(n.elem.typ)
		if !w.value(n.elem, at, pointed.Elem()) {
			return false
		}
		into.Set(pointed)
		return true
	case formObject:
		return w.members(n.object, at, into, false)
	case formList, formArray, formSet:
		return w.list(n, at, into)
	case formMap:
		return w.table(n, at, into)
	case formAny:
		decoder := json.NewDecoder(bytes.NewReader(w.Raw()))
		decoder.UseNumber() // a float64 would lose digits
		return decoder.Decode(into.Addr().Interface()) == nil
	}
	return w.leaf(n, at, into, w.Raw())
}

func (w *walker) leaf(n *plan, at *place, into reflect.Value, raw json.RawMessage) bool {
	var err error
	if n.kind == query.Decimal {
		if err = bounded(string(raw)); err != nil {
			err = w.discreet(n, err)
			w.fault(at, Invalid, err)
			return false
		}
	}
	err = json.Unmarshal(raw, into.Addr().Interface())
	if _, mistyped := errors.AsType[*json.UnmarshalTypeError](err); mistyped {
		w.mistyped(n, at, raw)
	} else if err != nil {
		w.fault(at, Unparsable, w.discreet(n, err))
	}
	return err == nil
}

// discreet returns an error that quotes what was read only if that is no secret.
func (w *walker) discreet(n *plan, err error) error {
	if w.secret {
		return fmt.Errorf("it does not fit %s", n.typ)
	}
	return err
}

func (w *walker) list(n *plan, at *place, into reflect.Value) bool {
	ok, elements := true, []reflect.Value(nil)
	elem := n.elem
	for i := range w.Elements() {
		value := reflect.New(elem.typ).Elem()
		ok = w.value(elem, &place{up: at, index: i}, value) && ok
		elements = append(elements, value)
	}
	switch {
	case !ok:
		return false
	case n.form == formSet:
		into.Addr().Interface().(set).fill(elements)
		return true
	case n.form == formArray && len(elements) != into.Len():
		w.fault(at, Mistyped, fmt.Errorf("%d elements are wanted, not %d", into.Len(), len(elements)))
		return false
	case n.form == formList:
		into.Set(reflect.MakeSlice(n.typ, len(elements), len(elements)))
	}
	for i, value := range elements {
		into.Index(i).Set(value)
	}
	return true
}

func (w *walker) table(n *plan, at *place, into reflect.Value) bool {
	ok := true
	into.Set(reflect.MakeMap(n.typ))
	for key := range w.Members() {
		value := reflect.New(n.elem.typ).Elem()
		ok = w.value(n.elem, &place{up: at, name: key}, value) && ok
		into.SetMapIndex(reflect.ValueOf(key).Convert(n.typ.Key()), value)
	}
	return ok
}

// members reads an object's members into a struct's fields. A partial one
// leaves the others as they are.
func (w *walker) members(o *object, at *place, into reflect.Value, partial bool) bool {
	ok, seen := true, make([]bool, len(o.members))
	for key := range w.Members() {
		m := o.byName[key]
		if m == nil && w.lenient {
			m = o.like(key)
		}
		if m == nil {
			w.Raw()
			continue
		}
		seen[m.at] = true
		ok = w.member(o, m, &place{up: at, name: m.name}, into) && ok
	}
	if partial {
		return ok
	}
	for i, m := range o.members {
		if !seen[i] {
			ok = w.absent(o, m, &place{up: at, name: m.name}, into) && ok
		}
	}
	return ok
}

func (w *walker) member(o *object, m *member, at *place, into reflect.Value) bool {
	secret := w.secret
	w.secret = secret || m.sensitive
	defer func() { w.secret = secret }()
	switch null := w.Peek() == 'n'; {
	case null && w.lenient && m.parse < 0:
		w.Raw()
		return w.absent(o, m, at, into)
	case null && m.optional:
		w.Raw()
		into.FieldByIndex(m.index).SetZero()
		return true
	}
	value := reflect.New(m.plan.typ).Elem()
	switch {
	case !w.strict || m.parse < 0:
		if !w.value(m.plan, at, value) {
			return false
		}
	default:
		out := into.Addr().Method(m.parse).Call([]reflect.Value{reflect.ValueOf(w.Raw())})
		if err, _ := out[1].Interface().(error); err != nil {
			w.fault(at, Unparsable, err)
			return false
		}
		value.Set(out[0])
		if !w.checker.value(m.plan, at, value) {
			return false
		}
	}
	if w.strict && !w.hook(m, at, into, value) {
		return false
	}
	into.FieldByIndex(m.index).Set(value)
	return true
}

// absent gives a field that the object does not have what is in its place.
func (w *walker) absent(o *object, m *member, at *place, into reflect.Value) bool {
	field := into.FieldByIndex(m.index)
	if m.initial != nil {
		value := reflect.New(m.plan.typ).Elem()
		inner := walker{Cursor: scan.New(m.initial)}
		inner.value(m.plan, at, value) // it was read at registration
		field.Set(value)
		return true
	}
	if w.strict && (m.must || !w.lenient && m.required(o)) {
		w.fault(at, Missing, errMissing)
		return false
	}
	if o.entity && m.field == "UUID" {
		field.Set(reflect.ValueOf(newID()))
		return true
	}
	field.SetZero()
	return true
}

func (w *walker) mistyped(n *plan, at *place, raw json.RawMessage) {
	w.fault(at, Mistyped, w.discreet(n, fmt.Errorf("%.40s does not fit %s", raw, n.typ)))
}
