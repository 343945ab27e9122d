package domain

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/minos-framework/minos-go/framework/query"
)

// Validate checks the struct that v points to, before it is stored, and gives
// nested entities that have no uuid one. These rules hold, at any depth:
//
//   - text is UTF-8 without NUL, a number is neither NaN nor infinite, and a time
//     has a text;
//   - an enum, a type of text or whole numbers that has a method Values() []T, is
//     one of its values, and one that has UnmarshalText is what that can read;
//   - of a struct that embeds OneOf exactly one field is set;
//   - a method ValidateX(value T) error of the struct accepts its field X;
//   - a method Validate() error of a type accepts its value, once its parts are
//     sound.
//
// An optional field that is empty is not checked. All that is wrong is returned
// at once, as FieldErrors.
func (s *Shape) Validate(v any) error {
	var c checker
	value := reflect.ValueOf(v).Elem()
	if c.fields(s.object, nil, value) {
		c.own(s.whole, nil, value)
	}
	if len(c.faults) > 0 {
		return c.faults
	}
	return nil
}

// checker gathers what is wrong with values.
type checker struct {
	faults  FieldErrors
	depth   int
	tooDeep bool // which is told once
}

// maxDepth is how deep JSON may be nested to be read again. What holds itself
// is deeper.
const maxDepth = 10_000

func (c *checker) fault(at *place, reason Reason, err error) {
	c.faults = append(c.faults, &FieldError{Path: at.String(), Reason: reason, Err: err})
}

// value reports whether a value and all that it holds are sound.
func (c *checker) value(n *plan, at *place, v reflect.Value) bool {
	c.depth++
	defer func() { c.depth-- }()
	if c.depth > maxDepth {
		if !c.tooDeep {
			c.fault(nil, Invalid, errTooDeep)
		}
		c.tooDeep = true
		return false
	}
	ok := true
	switch n.form {
	case formPointer:
		if v.IsNil() {
			return true
		}
		return c.value(n.elem, at, v.Elem())
	case formList, formArray:
		for i := range v.Len() {
			element := v.Index(i)
			ok = (n.elem.quiet(element) || c.value(n.elem, &place{up: at, index: i}, element)) && ok
		}
	case formSet:
		v.Addr().Interface().(set).each(func(i int, element reflect.Value) {
			ok = (n.elem.quiet(element) || c.value(n.elem, &place{up: at, index: i}, element)) && ok
		})
	case formMap:
		ok = c.table(n, at, v)
	case formObject:
		ok = c.fields(n.object, at, v)
	}
	return ok && c.own(n, at, v)
}

func (c *checker) table(n *plan, at *place, v reflect.Value) bool {
	ok := true
	for entry := v.MapRange(); entry.Next(); {
		here := &place{up: at, name: entry.Key().String()}
		if !sound(here.name) {
			c.fault(at, Invalid, errNotText)
			ok = false
		}
		// What is in a map has no address, which hooks and uuids need.
		value := reflect.New(n.elem.typ).Elem()
		value.Set(entry.Value())
		ok = c.value(n.elem, here, value) && ok
		if n.elem.form == formObject {
			v.SetMapIndex(entry.Key(), value)
		}
	}
	return ok
}

func (c *checker) fields(o *object, at *place, v reflect.Value) bool {
	ok := true
	for _, m := range o.members {
		field := v.FieldByIndex(m.index)
		if o.entity && m.field == "UUID" && field.IsZero() {
			field.Set(reflect.ValueOf(newID()))
		}
		if m.optional && field.IsZero() || m.validate < 0 && m.plan.quiet(field) {
			continue
		}
		here := &place{up: at, name: m.name}
		ok = c.value(m.plan, here, field) && c.hook(m, here, v, field) && ok
	}
	return ok
}

// hook runs the method ValidateX of the struct that owner is.
func (c *checker) hook(m *member, at *place, owner, value reflect.Value) bool {
	if m.validate < 0 || m.optional && value.IsZero() {
		return true
	}
	out := owner.Addr().Method(m.validate).Call([]reflect.Value{value})
	err, _ := out[0].Interface().(error)
	if err != nil {
		c.fault(at, Invalid, err)
	}
	return err == nil
}

// own checks a value by the rules of its own type, its parts being sound.
func (c *checker) own(n *plan, at *place, v reflect.Value) bool {
	err := n.rule(v)
	if err == nil && n.enum != nil {
		err = n.enum(v)
	}
	if err == nil && n.whole {
		err = v.Addr().Interface().(interface{ Validate() error }).Validate()
	}
	if err != nil {
		c.fault(at, Invalid, err)
	}
	return err == nil
}

// quiet reports whether a value is sound beyond doubt: most are, and need no
// place to be told of.
func (n *plan) quiet(v reflect.Value) bool {
	if n.enum != nil || n.whole {
		return false
	}
	switch n.form {
	case formLeaf, formText, formFloat, formAny:
		return n.rule(v) == nil
	case formPointer:
		return v.IsNil()
	}
	return false
}

func (n *plan) rule(v reflect.Value) error {
	switch n.form {
	case formLeaf:
		if n.kind == query.Time {
			return writable(v.Addr().Interface().(*time.Time))
		}
	case formText:
		if !sound(v.String()) {
			return errNotText
		}
	case formFloat:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return errNotFinal
		}
	case formAny:
		if v.Elem().IsValid() {
			return soundAny(v.Interface(), 1)
		}
	case formObject:
		if n.object.oneOf {
			return n.object.oneIsSet(v)
		}
	}
	return nil
}

func (o *object) oneIsSet(v reflect.Value) error {
	var names []string
	for _, m := range o.members {
		if !v.FieldByIndex(m.index).IsNil() {
			names = append(names, m.name)
		}
	}
	switch len(names) {
	case 1:
		return nil
	case 0:
		return errors.New("none of its alternatives is set")
	}
	return errors.New("of its alternatives only one can be set, but these are: " + strings.Join(names, ", "))
}

// writable reports why RFC 3339 has no text of an instant, for what it reads is
// more.
func writable(t *time.Time) error {
	if _, offset := t.Zone(); offset <= -secondsPerDay || offset >= secondsPerDay {
		return errors.New("its time zone is a day or more away")
	}
	if year := t.Year(); year < 0 || year > 9999 {
		return fmt.Errorf("its year, %d, is not within 0 to 9999", year)
	}
	return nil
}

// bounded refuses numbers that take no room as they are sent and all of it once
// they are written out: 1e999999999.
func bounded(number string) error {
	at := strings.IndexAny(number, "eE")
	if at < 0 {
		return nil
	}
	exponent, err := strconv.Atoi(strings.Trim(number[at+1:], `"`))
	if errors.Is(err, strconv.ErrRange) || err == nil && max(exponent, -exponent) > maxExponent {
		return fmt.Errorf("the exponent of %.40s is beyond %d", number, maxExponent)
	}
	return nil
}

// maxExponent is what PostgreSQL's numeric takes after the point.
const maxExponent = 16383

const secondsPerDay = 24 * 60 * 60

func sound(text string) bool { return utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 }

// soundAny checks what JSON of no known type holds.
func soundAny(v any, depth int) error {
	if depth > maxDepth {
		return errTooDeep
	}
	switch v := v.(type) {
	case string:
		if !sound(v) {
			return errNotText
		}
	case json.Number:
		return bounded(string(v))
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return errNotFinal
		}
	case []any:
		return soundAll(slices.Values(v), depth+1)
	case map[string]any:
		for key := range v {
			if !sound(key) {
				return errNotText
			}
		}
		return soundAll(maps.Values(v), depth+1)
	}
	return nil
}

func soundAll(values iter.Seq[any], depth int) error {
	for value := range values {
		if err := soundAny(value, depth); err != nil {
			return err
		}
	}
	return nil
}
