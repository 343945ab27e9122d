package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
)

// Record is an event that a root entity records itself. Make one by RecordOf.
type Record struct {
	Name  string // that it is stored by
	Event reflect.Type
	Root  reflect.Type

	apply func(root any, content json.RawMessage) error
}

// RecordOf returns the record of events E of root entities T.
func RecordOf[E interface{ Apply(root *T) }, T any](name string) Record {
	return Record{
		Name: name, Event: reflect.TypeFor[E](), Root: reflect.TypeFor[T](),
		apply: func(root any, content json.RawMessage) error {
			var e E
			if err := json.Unmarshal(content, &e); err != nil {
				return fmt.Errorf("decode its content: %w", err)
			}
			return Apply(e, root.(*T))
		},
	}
}

// Apply applies an event to a root. A panic becomes an error: an event that
// cannot be applied is its own aggregate's trouble. Of a root with sensitive
// fields it does not quote what the panic says.
func Apply[T any](event interface{ Apply(root *T) }, root *T) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			if err = fmt.Errorf("apply %T: panic: %v", event, reason); secretive(reflect.TypeFor[T]()) {
				err = fmt.Errorf("apply %T: panic: of type %T", event, reason)
			}
		}
	}()
	event.Apply(root)
	return nil
}

// secretive reports whether a root has sensitive fields.
func secretive(root reflect.Type) bool {
	for i := range root.NumField() {
		if root.Field(i).Tag.Get("sensitive") != "" {
			return true
		}
	}
	return false
}

// Records are those of one root.
type Records []Record

// ErrUnregistered says that a root recorded an event that its repository was
// not told of.
var ErrUnregistered = errors.New("it is not registered: give NewRepository the option aggregate.Records of it")

var errUnknownEvent = errors.New("the root records no event of this name: give NewRepository the option aggregate.Records of it")

// Tell returns the name and the content that an event is stored by.
func (rs Records) Tell(event any) (FieldDiff, error) {
	for _, r := range rs {
		if v := reflect.ValueOf(event); !r.is(v) {
			continue
		}
		content, err := json.Marshal(event)
		if err != nil {
			return FieldDiff{}, fmt.Errorf("encode event %s: %w", r.Name, err)
		}
		return FieldDiff{Name: r.Name, Value: content}, nil
	}
	return FieldDiff{}, fmt.Errorf("event %T: %w", event, ErrUnregistered)
}

// is reports whether v is an event of r, or points to one.
func (r Record) is(v reflect.Value) bool {
	if !v.IsValid() || v.Type() == r.Event {
		return v.IsValid()
	}
	return v.Kind() == reflect.Pointer && !v.IsNil() && v.Type().Elem() == r.Event
}

// Find returns the record of a name.
func (rs Records) Find(name string) (Record, bool) {
	for _, r := range rs {
		if r.Name == name {
			return r, true
		}
	}
	return Record{}, false
}

// apply applies what was told to a root, a pointer to an entity.
func (rs Records) apply(root any, told FieldDiff) error {
	r, ok := rs.Find(told.Name)
	if !ok {
		return fmt.Errorf("event %s: %w", told.Name, errUnknownEvent)
	}
	if err := r.apply(root, told.Value); err != nil {
		return fmt.Errorf("event %s: %w", told.Name, err)
	}
	return nil
}
