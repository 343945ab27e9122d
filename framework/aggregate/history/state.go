package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/domain"
	"github.com/minos-framework/minos-go/framework/unit"
)

// State is a root on the way through its events. Make one by NewState.
type State struct {
	Aggregate            uuid.UUID
	Version              int
	Deleted              bool
	CreatedAt, UpdatedAt time.Time

	shape  *domain.Shape
	places map[string]int
	values []json.RawMessage // in the order of the shape
	sets   map[int]*set      // those of values that are behind them
	diffs  []FieldDiff       // whose memory is used again
	record func(values []json.RawMessage, event FieldDiff) ([]json.RawMessage, error)
}

// NewState returns the state before the first event. Record gives the values
// that a recorded event leads to; both are as they are stored.
func NewState(
	shape *domain.Shape, record func(values []json.RawMessage, event FieldDiff) ([]json.RawMessage, error),
) *State {
	places := make(map[string]int, len(shape.Fields))
	for i, f := range shape.Fields {
		places[f.Name] = i
	}
	return &State{shape: shape, places: places, record: record, sets: map[int]*set{}}
}

// Apply moves the state on by the event that follows, which is of the schema
// that the shape is of. After an error the state is not to be used.
func (s *State) Apply(e unit.Event) error {
	switch {
	case e.Version != s.Version+1:
		return fmt.Errorf("its version does not follow version %d", s.Version)
	case s.Version > 0 && e.Aggregate != s.Aggregate:
		return fmt.Errorf("it is an event of %s", e.Aggregate)
	case s.Deleted:
		return errors.New("it follows the deletion")
	case (e.Action == unit.Create) != (s.Version == 0):
		return fmt.Errorf("its action is %q, which cannot be that of version %d", e.Action, e.Version)
	}
	if err := s.change(e); err != nil {
		return err
	}
	if s.Version == 0 {
		s.Aggregate, s.CreatedAt = e.Aggregate, e.CreatedAt
	}
	s.Version, s.UpdatedAt = e.Version, e.CreatedAt
	return nil
}

func (s *State) change(e unit.Event) error {
	if e.Action == unit.Delete {
		s.Deleted, s.values, s.sets = true, nil, nil
		return nil
	}
	diffs, err := parse(e, s.diffs[:0], s.name)
	if err != nil {
		return err
	}
	s.diffs = diffs
	switch e.Action {
	case unit.Create:
		s.values = make([]json.RawMessage, len(s.shape.Fields))
	case unit.Update:
	case unit.Record:
		s.values, err = s.record(s.Values(), diffs[0])
		return err
	default:
		return fmt.Errorf("unknown action %q", e.Action)
	}
	for _, d := range diffs {
		if err := s.set(d); err != nil {
			return fmt.Errorf("field %s: %w", d.Name, err)
		}
	}
	return nil
}

var errUnknown = errors.New("the root has no such field: an upcaster removes or renames it")

// name returns the text of a field's name that the shape has.
func (s *State) name(text []byte) string {
	if i, ok := s.places[string(text)]; ok { // without a copy of it
		return s.shape.Fields[i].Name
	}
	return string(text)
}

func (s *State) set(d FieldDiff) error {
	i, ok := s.places[d.Name]
	if !ok {
		return errUnknown
	}
	if !d.Incremental() {
		s.values[i] = d.Value
		delete(s.sets, i)
		return nil
	}
	f := s.shape.Fields[i]
	if f.Set == domain.NoSet {
		return errors.New("it is not a set, but the event holds an element of one")
	}
	elements, ok := s.sets[i]
	if !ok {
		var err error
		if elements, err = newSet(f, s.values[i]); err != nil {
			return err
		}
		s.sets[i] = elements
	}
	return elements.apply(d)
}

// Values returns the fields as they are stored, in the order of the shape. A nil
// is a field that no event has told of.
func (s *State) Values() []json.RawMessage {
	for i, elements := range s.sets {
		s.values[i] = elements.encode()
	}
	clear(s.sets)
	return s.values
}

// Object joins the values of fields to one JSON object, without those that no
// event has told of.
func Object(shape *domain.Shape, values []json.RawMessage) json.RawMessage {
	data := []byte{'{'}
	for i, f := range shape.Fields {
		if values[i] == nil {
			continue
		}
		if len(data) > 1 {
			data = append(data, ',')
		}
		name, _ := json.Marshal(f.Name) // a string always encodes
		data = append(append(append(data, name...), ':'), values[i]...)
	}
	return append(data, '}')
}
