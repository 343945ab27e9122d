package domain

import (
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
)

// ValueSet holds values that are told apart by what they are: tags, addresses,
// references. Two values are the same when their JSON is, so T may be any type
// that a field may have; make it a struct that nobody changes, or a basic type.
// Its zero value is empty, and so is a nil set to its reading methods. It is
// stored as a list in the order of its elements' JSON; a change of it is told
// by element.
//
// A copy of a set is not independent; Clone makes one that is. A set is not
// safe for concurrent use.
type ValueSet[T any] struct {
	items []valueItem[T] // by key
}

type valueItem[T any] struct {
	key   string // the value's JSON
	value T
}

var _ set = (*ValueSet[string])(nil)

// NewValueSet returns a set of values.
func NewValueSet[T any](values ...T) ValueSet[T] {
	var s ValueSet[T]
	s.Add(values...)
	return s
}

// Add puts values into the set that are not there.
func (s *ValueSet[T]) Add(values ...T) {
	if len(values) > 1 {
		s.addAll(values)
		return
	}
	for _, value := range values {
		key := keyOf(value)
		if at, found := s.search(key); !found {
			s.items = slices.Insert(s.items, at, valueItem[T]{key, value})
		}
	}
}

// addAll sorts once, where adding one by one would move all that is there.
func (s *ValueSet[T]) addAll(values []T) {
	items := slices.Clone(s.items)
	for _, value := range values {
		items = append(items, valueItem[T]{keyOf(value), value})
	}
	slices.SortStableFunc(items, func(a, b valueItem[T]) int { return strings.Compare(a.key, b.key) })
	s.items = slices.CompactFunc(items, func(a, b valueItem[T]) bool { return a.key == b.key })
}

// Has reports whether a value is there.
func (s *ValueSet[T]) Has(value T) bool {
	_, found := s.search(keyOf(value))
	return found
}

// Remove takes a value out, and reports whether it was there.
func (s *ValueSet[T]) Remove(value T) bool {
	at, found := s.search(keyOf(value))
	if found {
		s.items = slices.Delete(s.items, at, at+1)
	}
	return found
}

// Clear takes all values out.
func (s *ValueSet[T]) Clear() { s.items = nil }

// Len returns how many values there are.
func (s *ValueSet[T]) Len() int {
	if s == nil {
		return 0
	}
	return len(s.items)
}

// IsZero reports whether there are none: an omitzero field of a nested model is
// left out then.
func (s ValueSet[T]) IsZero() bool { return len(s.items) == 0 }

// All yields the values in the order of their JSON. Values must not be added or
// removed meanwhile.
func (s *ValueSet[T]) All() iter.Seq[T] {
	return func(yield func(T) bool) {
		if s == nil {
			return
		}
		for _, item := range s.items {
			if !yield(item.value) {
				return
			}
		}
	}
}

// Equal reports whether two sets hold the same values. Nil equals empty.
func (s *ValueSet[T]) Equal(other *ValueSet[T]) bool {
	if s.Len() != other.Len() {
		return false
	}
	if s.Len() == 0 {
		return true
	}
	return slices.EqualFunc(s.items, other.items, func(a, b valueItem[T]) bool { return a.key == b.key })
}

// Union returns the values that are in s or in other.
func (s *ValueSet[T]) Union(other *ValueSet[T]) ValueSet[T] {
	u := s.Clone()
	u.addAll(slices.Collect(other.All()))
	return u
}

// Intersection returns the values that are both in s and in other.
func (s *ValueSet[T]) Intersection(other *ValueSet[T]) ValueSet[T] {
	return s.filter(func(key string) bool { _, found := other.search(key); return found })
}

// Difference returns the values that are in s and not in other.
func (s *ValueSet[T]) Difference(other *ValueSet[T]) ValueSet[T] {
	return s.filter(func(key string) bool { _, found := other.search(key); return !found })
}

func (s *ValueSet[T]) filter(keep func(key string) bool) ValueSet[T] {
	c := s.Clone()
	c.items = slices.DeleteFunc(c.items, func(item valueItem[T]) bool { return !keep(item.key) })
	return c
}

// Clone returns a set of the same values.
func (s *ValueSet[T]) Clone() ValueSet[T] {
	if s == nil {
		return ValueSet[T]{}
	}
	return ValueSet[T]{items: slices.Clone(s.items)}
}

func (s *ValueSet[T]) search(key string) (int, bool) {
	if s == nil {
		return 0, false
	}
	return slices.BinarySearchFunc(s.items, key, func(item valueItem[T], key string) int {
		return strings.Compare(item.key, key)
	})
}

// keyOf returns a value's JSON. A value that has none, such as a NaN, is kept
// under a key that is no JSON, and refused when the set is encoded.
func keyOf(value any) string {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprintf("\xff%#v", value)
	}
	return string(data)
}

// MarshalJSON returns the list of the values.
func (s ValueSet[T]) MarshalJSON() ([]byte, error) {
	data := []byte{'['}
	for i, item := range s.items {
		if item.key[0] == 0xff {
			_, err := json.Marshal(item.value)
			return nil, err
		}
		if i > 0 {
			data = append(data, ',')
		}
		data = append(data, item.key...)
	}
	return append(data, ']'), nil
}

// UnmarshalJSON replaces the set by a list of values; null is an empty one.
func (s *ValueSet[T]) UnmarshalJSON(data []byte) error {
	var values []T
	if err := json.Unmarshal(data, &values); err != nil {
		return err
	}
	s.items = nil
	s.addAll(values)
	return nil
}

func (*ValueSet[T]) setKind() SetKind      { return SetOfValues }
func (*ValueSet[T]) element() reflect.Type { return reflect.TypeFor[T]() }

// each yields copies: nobody may change a value of the set.
func (s *ValueSet[T]) each(yield func(int, reflect.Value)) {
	for i, item := range s.items {
		value := item.value
		yield(i, reflect.ValueOf(&value).Elem())
	}
}

func (s *ValueSet[T]) fill(values []reflect.Value) {
	all := make([]T, len(values))
	for i, v := range values {
		all[i] = *v.Addr().Interface().(*T)
	}
	s.items = nil
	s.addAll(all)
}
