package aggregate

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/minos-framework/minos-go/framework/aggregate/history"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Event is what happened to one T, as handlers of FooCreated, FooUpdated,
// FooUpdated.bar and FooDeleted receive it.
type Event[T any] struct {
	UUID      UUID        `json:"uuid"`
	Name      string      `json:"name"`
	Version   int         `json:"version"`
	Action    unit.Action `json:"action"`
	CreatedAt time.Time   `json:"created_at"`
	// Fields holds every field of a create, what changed in an update, the one
	// change of FooUpdated.bar, and nothing of a delete.
	Fields []FieldDiff `json:"fields_diff"`
}

// Diff returns what the event says of a field, in order: one FieldDiff with its
// new value, or one for each element of a set that was added, replaced or
// removed, or none.
func (e Event[T]) Diff(name string) []FieldDiff {
	var diffs []FieldDiff
	for _, f := range e.Fields {
		if f.Name == name {
			diffs = append(diffs, f)
		}
	}
	return diffs
}

// Field returns the new value of a field, and false when the event does not
// hold the field or its value is not a V. Of a set of which the event holds
// elements it is the list of them, whatever happened to them.
func Field[V, T any](e Event[T], name string) (V, bool) {
	var value V
	diffs := e.Diff(name)
	if len(diffs) == 0 {
		return value, false
	}
	raw := diffs[0].Value
	if diffs[0].Incremental() {
		raw = listOf(diffs)
	}
	err := json.Unmarshal(raw, &value)
	return value, err == nil
}

// Elements returns the elements of a set that were added (unit.Create), replaced
// (unit.Update) or removed (unit.Delete), and false when one of them is not a V.
func Elements[V, T any](e Event[T], name string, action unit.Action) ([]V, bool) {
	diffs := slices.DeleteFunc(e.Diff(name), func(d FieldDiff) bool { return d.Action != action })
	var values []V
	err := json.Unmarshal(listOf(diffs), &values)
	return values, err == nil
}

func listOf(diffs []FieldDiff) []byte {
	values := make([][]byte, len(diffs))
	for i, d := range diffs {
		values[i] = d.Value
	}
	return slices.Concat([]byte{'['}, bytes.Join(values, []byte{','}), []byte{']'})
}

// Messages returns what is published of a committed event: one message on
// FooCreated, FooUpdated or FooDeleted with the whole event and, of an update,
// one for each change on FooUpdated.<field> or, of an element of a set, on
// FooUpdated.<field>.create, .update or .delete. What the domain recorded is one
// message on Foo and the event's name. Their keys are the aggregate's id, and
// their IDs are the same each time.
func Messages(e unit.Event) ([]unit.Message, error) { return history.Messages(e) }
