package reference

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"
)

// Resolve resolves the references that values hold, however deep: in structs,
// pointers, lists, maps, sets and interfaces. Each entity is asked for once, all
// of one type together, and all types at the same time; what is found is
// remembered by the references, as Ref.Value returns it. References that were
// resolved before stay as they are, and those of the entities that were found
// are not followed.
//
// Each reference that is not resolved is a *Error among the errors joined;
// all others are resolved nevertheless. A deadline of ctx holds; a service's
// resolver waits 5 seconds at most.
func Resolve(ctx context.Context, values ...any) error {
	c := newCollector(false)
	for _, value := range values {
		c.walk("", reflect.ValueOf(value))
	}
	if len(c.order) == 0 {
		return nil
	}
	var all sync.WaitGroup
	faults := make([][]error, len(c.order))
	for i, to := range c.order {
		all.Go(func() {
			faults[i] = c.settle(to, Ask(ctx, to, c.ids(to)))
		})
	}
	all.Wait()
	return errors.Join(slices.Concat(faults...)...)
}

// errLost says that what was found would be lost, since a reference that was not
// made by To or decoded shares nothing with its copies.
var errLost = errors.New("it cannot be remembered: give Resolve a pointer to what holds the reference, or make it by RefTo")

// collector finds the references in values, by what they refer to.
type collector struct {
	order []Referred
	all   bool // resolved references too
	found map[Referred]map[uuid.UUID][]mention
	seen  map[seen]bool
	holds map[reflect.Type]bool // types that may hold references
	forms map[reflect.Type]form
	// structs are the fields that are walked.
	structs map[reflect.Type][]field
}

// answerOf is what a resolver said of an entity.
func answerOf(found map[uuid.UUID]Resolved, id uuid.UUID) Resolved {
	if result, ok := found[id]; ok {
		return result
	}
	return Resolved{Err: errors.New("the resolver says nothing of it")}
}

// Mention is a reference that a value holds.
type Mention struct {
	Path string
	To   Referred
	UUID uuid.UUID
	// Result is what became of it.
	Result Resolved
}

// Look finds the references in the values that hold them, by path, and what
// they refer to, through ask, once for each kind. References that were resolved
// before are looked for again; none is resolved.
func Look(
	values map[string]reflect.Value, ask func(to Referred, ids []uuid.UUID) map[uuid.UUID]Resolved,
) []Mention {
	c := newCollector(true)
	for path, value := range values {
		c.walk(path, value)
	}
	var all []Mention
	for _, to := range c.order {
		found := ask(to, c.ids(to))
		for id, mentions := range c.found[to] {
			for _, m := range mentions {
				all = append(all, Mention{Path: m.path, To: to, UUID: id, Result: answerOf(found, id)})
			}
		}
	}
	slices.SortFunc(all, func(a, b Mention) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// mention is a reference, and where it is.
type mention struct {
	ref  reference
	path string
	lost bool // it is a copy that nobody has
}

// seen is a pointer that was followed: values may hold themselves.
type seen struct {
	to uintptr
	t  reflect.Type
}

func newCollector(all bool) *collector {
	return &collector{
		all: all, found: map[Referred]map[uuid.UUID][]mention{}, seen: map[seen]bool{},
		holds: map[reflect.Type]bool{}, forms: map[reflect.Type]form{}, structs: map[reflect.Type][]field{},
	}
}

// walk collects the references in v, which is at path.
func (c *collector) walk(path string, v reflect.Value) {
	if !v.IsValid() || !mayRefer(v.Type(), c.holds) {
		return
	}
	if v.CanInterface() && c.take(path, v) {
		return
	}
	switch v.Kind() {
	case reflect.Interface:
		c.walk(path, v.Elem())
	case reflect.Pointer:
		at := seen{v.Pointer(), v.Type()}
		if !v.IsNil() && !c.seen[at] {
			c.seen[at] = true
			c.walk(path, v.Elem())
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			c.walk(c.element(path, i), v.Index(i))
		}
	case reflect.Map:
		for entry := v.MapRange(); entry.Next(); {
			c.walk(c.member(path, fmt.Sprint(entry.Key())), entry.Value())
		}
	case reflect.Struct:
		c.fields(path, v)
	}
}

func (c *collector) fields(path string, v reflect.Value) {
	fields, ok := c.structs[v.Type()]
	if !ok {
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if (f.Anonymous || f.IsExported()) && mayRefer(f.Type, c.holds) {
				fields = append(fields, field{index: i, name: jsonName(f)})
			}
		}
		c.structs[v.Type()] = fields
	}
	for _, f := range fields {
		at := path
		if f.name != "" {
			at = c.member(path, f.name)
		}
		c.walk(at, v.Field(f.index))
	}
}

// field is a field of a struct that may hold references.
type field struct {
	index int
	name  string // in paths; empty for one that is embedded
}

// take collects v when it is a reference, or the elements of it when it is a
// set, and reports whether it was either.
func (c *collector) take(path string, v reflect.Value) bool {
	t := v.Type()
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return true
		}
		t = t.Elem()
	}
	form := c.form(t)
	if form == other {
		return false
	}
	pointer, copied := v, false
	switch {
	case v.Kind() == reflect.Pointer:
	case v.CanAddr():
		pointer = v.Addr()
	default:
		pointer, copied = reflect.New(v.Type()), true
		pointer.Elem().Set(v)
	}
	if ref, ok := pointer.Interface().(reference); ok {
		c.add(mention{ref, path, copied && !ref.shared()})
		return true
	}
	if pointer.Elem().IsZero() {
		return true // an empty set
	}
	i := 0
	for element := range pointer.MethodByName("All").Call(nil)[0].Seq() {
		c.walk(c.element(path, i), element)
		i++
	}
	return true
}

// form is how values of a type are walked.
type form int

const (
	single form = iota + 1 // a Ref
	set                    // what its method All yields are its elements
	other
)

func (c *collector) form(t reflect.Type) form {
	if f, ok := c.forms[t]; ok {
		return f
	}
	f := other
	if refers(t) {
		f = single
	} else if all, ok := reflect.PointerTo(t).MethodByName("All"); ok && all.Type.NumIn() == 1 && all.Type.NumOut() == 1 &&
		all.Type.Out(0).CanSeq() && all.Type.Out(0).Kind() == reflect.Func {
		f = set
	}
	c.forms[t] = f
	return f
}

// member and element add to a path, which only Look wants to know.

func (c *collector) member(path, name string) string {
	if !c.all || path == "" {
		return name
	}
	return path + "." + name
}

func (c *collector) element(path string, i int) string {
	if !c.all {
		return ""
	}
	return fmt.Sprintf("%s[%d]", path, i)
}

func (c *collector) add(m mention) {
	to, id := m.ref.target()
	if id == uuid.Nil || m.ref.resolved() && !c.all {
		return
	}
	if c.found[to] == nil {
		c.found[to] = map[uuid.UUID][]mention{}
		c.order = append(c.order, to)
	}
	c.found[to][id] = append(c.found[to][id], m)
}

// ids lists what is asked for, in an order that does not change.
func (c *collector) ids(to Referred) []uuid.UUID {
	ids := make([]uuid.UUID, 0, len(c.found[to]))
	for id := range c.found[to] {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return cmp.Compare(string(a[:]), string(b[:])) })
	return ids
}

// settle hands what was found to the references, and returns what was not.
func (c *collector) settle(to Referred, found map[uuid.UUID]Resolved) (faults []error) {
	for _, id := range c.ids(to) {
		result := answerOf(found, id)
		mentions := c.found[to][id]
		var entity any
		if result.Err == nil {
			entity, result.Err = mentions[0].ref.decode(result.Object)
		}
		if result.Err != nil {
			faults = append(faults, &Error{Name: to.Name, UUID: id, Err: result.Err})
			continue
		}
		for _, m := range mentions {
			if m.lost {
				faults = append(faults, &Error{Name: to.Name, UUID: id, Err: errLost})
			}
			m.ref.keep(entity)
		}
	}
	return faults
}

// jsonName is what a field is called in paths.
func jsonName(f reflect.StructField) string {
	if f.Anonymous {
		return ""
	}
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return cmp.Or(name, f.Name)
}
