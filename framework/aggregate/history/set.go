package history

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/minos-framework/minos-go/framework/domain"
	"github.com/minos-framework/minos-go/framework/unit"
)

// set is the value of a field that is one, as elements of JSON: in the order in
// which they came, those that were removed with no value.
type set struct {
	field    domain.Field
	elements []element
	places   map[string]int // by key
}

// element is one of a set; key is what makes two of them the same.
type element struct {
	key   string
	value json.RawMessage
}

func newSet(f domain.Field, value json.RawMessage) (*set, error) {
	var values []json.RawMessage
	if value != nil {
		if err := json.Unmarshal(value, &values); err != nil {
			return nil, err
		}
	}
	s := &set{field: f, places: make(map[string]int, len(values))}
	for _, value := range values {
		if err := s.apply(FieldDiff{Action: unit.Create, Value: value}); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *set) get(key string) (json.RawMessage, bool) {
	place, ok := s.places[key]
	if !ok {
		return nil, false
	}
	return s.elements[place].value, true
}

// apply adds, replaces or removes an element. One that is to be added and is
// there is replaced; one that is to be removed and is not there is not missed.
func (s *set) apply(d FieldDiff) error {
	key, err := keyOf(s.field, d.Value)
	if err != nil {
		return err
	}
	place, ok := s.places[key]
	switch {
	case d.Action == unit.Delete && ok:
		s.elements[place].value = nil
		delete(s.places, key)
	case d.Action == unit.Delete:
	case ok:
		s.elements[place].value = d.Value
	default:
		s.places[key] = len(s.elements)
		s.elements = append(s.elements, element{key: key, value: d.Value})
	}
	return nil
}

// encode returns the list of the elements.
func (s *set) encode() json.RawMessage {
	data := []byte{'['}
	for _, e := range s.elements {
		if e.value == nil {
			continue
		}
		if len(data) > 1 {
			data = append(data, ',')
		}
		data = append(data, e.value...)
	}
	return append(data, ']')
}

// keyOf is the uuid of an entity, and the whole of a value as its type writes it
// today: one that was stored before the type got another field is still the same.
func keyOf(f domain.Field, value json.RawMessage) (string, error) {
	if f.Set == domain.SetOfValues {
		alone, err := canonical(f, slices.Concat([]byte{'['}, value, []byte{']'}))
		return string(alone), err
	}
	var entity struct {
		UUID string `json:"uuid"`
	}
	if err := json.Unmarshal(value, &entity); err != nil {
		return "", err
	}
	if entity.UUID == "" {
		return "", errors.New("an element has no uuid")
	}
	return strings.ToLower(entity.UUID), nil
}

// canonical returns a value as its type writes it.
func canonical(f domain.Field, value json.RawMessage) (json.RawMessage, error) {
	typed := reflect.New(f.Type)
	if err := json.Unmarshal(value, typed.Interface()); err != nil {
		return nil, err
	}
	return json.Marshal(typed.Interface())
}
