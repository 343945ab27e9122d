package domain

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"slices"

	"github.com/google/uuid"
)

// UUID identifies entities.
type UUID = uuid.UUID

// Entity is embedded by what lives inside a root entity and is told apart by
// its uuid rather than by its value: the lines of an order. The uuid is made
// when the entity is added to a set or its root is saved, whichever is first;
// one that is set already is kept.
type Entity struct {
	UUID UUID `json:"uuid"`
}

// NewEntity returns an entity with a new uuid, for when it is needed before the
// entity is anywhere.
func NewEntity() Entity { return Entity{UUID: newID()} }

func (e Entity) entityID() UUID { return e.UUID }

func (e *Entity) identify() {
	if e.UUID == uuid.Nil {
		e.UUID = newID()
	}
}

// newID returns a uuid that sorts by its time of creation.
func newID() UUID { return uuid.Must(uuid.NewV7()) }

// identified holds for structs that embed Entity.
type identified interface{ entityID() UUID }

// EntitySet holds entities by their uuid, in the order of their uuids, which is
// that of their creation for uuids made here. Its zero value is empty, and so
// is a nil set to its reading methods. It is stored as a list; a change of it is
// told by entity.
//
// What Get, All and Add's caller hold are the entities themselves: to change
// one, change its fields, but never its uuid. A copy of a set is not
// independent; Clone makes one that is. A set is not safe for concurrent use.
type EntitySet[T identified] struct {
	items []*T // by uuid
}

var _ set = (*EntitySet[Entity])(nil)

// NewEntitySet returns a set of entities.
func NewEntitySet[T identified](entities ...*T) EntitySet[T] {
	var s EntitySet[T]
	s.Add(entities...)
	return s
}

// Add puts entities into the set, each in place of the one with its uuid, if
// there is one. An entity without a uuid is given a new one. Nil is left out.
func (s *EntitySet[T]) Add(entities ...*T) {
	for _, entity := range entities {
		if entity == nil {
			continue
		}
		any(entity).(interface{ identify() }).identify() // what embeds Entity has it
		at, found := s.search((*entity).entityID())
		if found {
			s.items[at] = entity
		} else {
			s.items = slices.Insert(s.items, at, entity)
		}
	}
}

// Get returns the entity with a uuid, or nil and false.
func (s *EntitySet[T]) Get(id UUID) (*T, bool) {
	at, found := s.search(id)
	if !found {
		return nil, false
	}
	return s.items[at], true
}

// Has reports whether there is an entity with a uuid.
func (s *EntitySet[T]) Has(id UUID) bool {
	_, found := s.search(id)
	return found
}

// Remove takes the entity with a uuid out, and reports whether there was one.
func (s *EntitySet[T]) Remove(id UUID) bool {
	at, found := s.search(id)
	if found {
		s.items = slices.Delete(s.items, at, at+1)
	}
	return found
}

// Clear takes all entities out.
func (s *EntitySet[T]) Clear() { s.items = nil }

// Len returns how many entities there are.
func (s *EntitySet[T]) Len() int {
	if s == nil {
		return 0
	}
	return len(s.items)
}

// IsZero reports whether there are none: an omitzero field of a nested model is
// left out then.
func (s EntitySet[T]) IsZero() bool { return len(s.items) == 0 }

// All yields the entities in the order of their uuids. Entities must not be
// added or removed meanwhile.
func (s *EntitySet[T]) All() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		if s == nil {
			return
		}
		for _, item := range s.items {
			if !yield(item) {
				return
			}
		}
	}
}

// Equal reports whether two sets hold entities with the same uuids and the same
// content. Nil equals empty.
func (s *EntitySet[T]) Equal(other *EntitySet[T]) bool {
	if s.Len() != other.Len() {
		return false
	}
	if s.Len() == 0 {
		return true
	}
	a, errA := json.Marshal(s)
	b, errB := json.Marshal(other)
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// Clone returns a set of copies of the entities. What an entity holds by
// pointer, list or map is still shared.
func (s *EntitySet[T]) Clone() EntitySet[T] {
	var c EntitySet[T]
	for item := range s.All() {
		entity := *item
		c.items = append(c.items, &entity)
	}
	return c
}

func (s *EntitySet[T]) search(id UUID) (int, bool) {
	if s == nil {
		return 0, false
	}
	// What is added last mostly has the highest uuid.
	if n := len(s.items); n > 0 && bytes.Compare(idOf(s.items[n-1]), id[:]) < 0 {
		return n, false
	}
	return slices.BinarySearchFunc(s.items, id, func(item *T, id UUID) int { return bytes.Compare(idOf(item), id[:]) })
}

func idOf[T identified](item *T) []byte {
	id := (*item).entityID()
	return id[:]
}

// MarshalJSON returns the list of the entities.
func (s EntitySet[T]) MarshalJSON() ([]byte, error) {
	if len(s.items) == 0 {
		return []byte("[]"), nil
	}
	return json.Marshal(s.items)
}

// UnmarshalJSON replaces the set by a list of entities; null is an empty one.
// Of two with the same uuid the last stays.
func (s *EntitySet[T]) UnmarshalJSON(data []byte) error {
	var items []*T
	if err := json.Unmarshal(data, &items); err != nil {
		return err
	}
	if i := slices.Index(items, nil); i >= 0 {
		return fmt.Errorf("element %d is null", i)
	}
	s.replace(items)
	return nil
}

// replace sorts once, where adding one by one would move all that is there.
func (s *EntitySet[T]) replace(items []*T) {
	for _, item := range items {
		any(item).(interface{ identify() }).identify()
	}
	slices.SortStableFunc(items, func(a, b *T) int { return cmp.Compare(string(idOf(a)), string(idOf(b))) })
	s.items = nil
	for _, item := range items {
		if n := len(s.items); n > 0 && bytes.Equal(idOf(s.items[n-1]), idOf(item)) {
			s.items[n-1] = item
			continue
		}
		s.items = append(s.items, item)
	}
}

func (*EntitySet[T]) setKind() SetKind      { return SetOfEntities }
func (*EntitySet[T]) element() reflect.Type { return reflect.TypeFor[T]() }

func (s *EntitySet[T]) each(yield func(int, reflect.Value)) {
	for i, item := range s.items {
		yield(i, reflect.ValueOf(item).Elem())
	}
}

func (s *EntitySet[T]) fill(values []reflect.Value) {
	items := make([]*T, len(values))
	for i, v := range values {
		items[i] = v.Addr().Interface().(*T)
	}
	s.replace(items)
}

// set is what the package knows of both kinds of sets.
type set interface {
	setKind() SetKind
	element() reflect.Type
	// each yields the elements and their places in the list.
	each(yield func(int, reflect.Value))
	// fill replaces the elements by addressable values.
	fill(values []reflect.Value)
}
