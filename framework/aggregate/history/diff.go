package history

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/minos-framework/minos-go/framework/domain"
	"github.com/minos-framework/minos-go/framework/unit"
)

// FieldDiff is what an event says of one field. Without an Action, Value is the
// field's new value. With one the diff is incremental: Value is an element that
// was added to the set that the field is (create), that replaced the one of the
// same uuid (update), or that was removed from it (delete). Of an event that the
// domain recorded, Name is the event's and Value its content.
type FieldDiff struct {
	Name   string          `json:"name"`
	Action unit.Action     `json:"action,omitempty"`
	Value  json.RawMessage `json:"value"`
}

// Incremental reports whether d is about an element of a set.
func (d FieldDiff) Incremental() bool { return d.Action != "" }

// Append adds the JSON of d to a list that data is the beginning of.
func (d FieldDiff) Append(data []byte) []byte {
	if len(data) > 1 {
		data = append(data, ',')
	}
	name, _ := json.Marshal(d.Name) // a string always encodes
	data = append(append(data, `{"name":`...), name...)
	if d.Action != "" {
		data = append(append(append(data, `,"action":"`...), d.Action...), '"')
	}
	return append(append(append(data, `,"value":`...), d.Value...), '}')
}

// Data returns the data of an event that says diffs.
func Data(diffs []FieldDiff) json.RawMessage {
	size := 2
	for _, d := range diffs {
		size += len(d.Name) + len(d.Value) + 40
	}
	data := append(make([]byte, 0, size), '[')
	for _, d := range diffs {
		data = d.Append(data)
	}
	return append(data, ']')
}

// Compare returns what differs between two states of a root. A nil base differs
// in every field. The change of a set is told by its elements, unless it would
// lead to another order of them than the set has, or the field is sensitive:
// what is sealed is sealed as a whole.
func Compare(shape *domain.Shape, base, values []json.RawMessage) []FieldDiff {
	var diffs []FieldDiff
	for i, f := range shape.Fields {
		switch {
		case base == nil:
		case bytes.Equal(base[i], values[i]):
			continue
		case f.Set != domain.NoSet && !f.Sensitive:
			if elements, ok := compareSets(f, base[i], values[i]); ok {
				diffs = append(diffs, elements...)
				continue
			}
		}
		diffs = append(diffs, FieldDiff{Name: f.Name, Value: values[i]})
	}
	return diffs
}

// compareSets returns a diff for each element that was added, replaced or
// removed. It reports false when they do not lead from base to values.
func compareSets(f domain.Field, base, values json.RawMessage) ([]FieldDiff, bool) {
	before, err := newSet(f, base)
	if err != nil {
		return nil, false
	}
	after, err := newSet(f, values)
	if err != nil {
		return nil, false
	}
	var added, changed, removed []FieldDiff
	for _, e := range after.elements {
		was, ok := before.get(e.key)
		switch {
		case !ok:
			added = append(added, FieldDiff{Name: f.Name, Action: unit.Create, Value: e.value})
		case !bytes.Equal(was, e.value):
			changed = append(changed, FieldDiff{Name: f.Name, Action: unit.Update, Value: e.value})
		}
	}
	for _, e := range before.elements {
		if _, ok := after.get(e.key); !ok {
			removed = append(removed, FieldDiff{Name: f.Name, Action: unit.Delete, Value: e.value})
		}
	}
	diffs := slices.Concat(added, changed, removed)
	for _, d := range diffs {
		if err := before.apply(d); err != nil {
			return nil, false
		}
	}
	reached, err := canonical(f, before.encode())
	return diffs, err == nil && len(diffs) > 0 && bytes.Equal(reached, values)
}
