package history

import (
	"fmt"
	"slices"

	"github.com/minos-framework/minos-go/framework/unit"
)

// Upcaster returns what an event of one version of the schema says in the next.
// It is pure: the same for the same input, at any time. Of a recorded event it
// gets one diff, the event's name and content.
type Upcaster func(action unit.Action, diffs []FieldDiff) ([]FieldDiff, error)

// Schema is the version that the events of a root are written in, and how those
// of the versions before are read. Make one by NewSchema.
type Schema struct {
	Version   int
	upcasters []Upcaster // that at place n leads from version n+1
}

// NewSchema returns a schema of a version, with one upcaster for each step from
// version 1 to it. A gap is an error.
func NewSchema(version int, upcasters ...Upcaster) (Schema, error) {
	if version < 1 || len(upcasters) != version-1 {
		return Schema{}, fmt.Errorf("schema %d needs %d upcasters, from 1 to 2 and so on, but has %d",
			version, max(version-1, 0), len(upcasters))
	}
	if i := slices.IndexFunc(upcasters, func(u Upcaster) bool { return u == nil }); i >= 0 {
		return Schema{}, fmt.Errorf("schema %d: the upcaster from %d to %d is nil", version, i+1, i+2)
	}
	return Schema{Version: version, upcasters: upcasters}, nil
}

// Upcast returns an event as the schema would have it written.
func (s Schema) Upcast(e unit.Event) (unit.Event, error) {
	switch {
	case e.Schema == s.Version || e.Action == unit.Delete:
		return e, nil
	case e.Schema < 1 || e.Schema > s.Version:
		return e, fmt.Errorf("its schema is %d, which this program, of schema %d, does not know", e.Schema, s.Version)
	}
	diffs, err := Parse(e)
	if err != nil {
		return e, err
	}
	for ; e.Schema < s.Version; e.Schema++ {
		if diffs, err = s.upcasters[e.Schema-1](e.Action, diffs); err != nil {
			return e, fmt.Errorf("upcast it from schema %d to %d: %w", e.Schema, e.Schema+1, err)
		}
	}
	e.Data = Data(diffs)
	return e, nil
}

// Renamed is the upcaster for a field that has another name from now on.
func Renamed(from, to string) Upcaster {
	return func(action unit.Action, diffs []FieldDiff) ([]FieldDiff, error) {
		diffs = slices.Clone(diffs)
		for i := range diffs {
			if action != unit.Record && diffs[i].Name == from {
				diffs[i].Name = to
			}
		}
		return diffs, nil
	}
}

// Removed is the upcaster for a field that is there no more.
func Removed(name string) Upcaster {
	return func(action unit.Action, diffs []FieldDiff) ([]FieldDiff, error) {
		if action == unit.Record {
			return diffs, nil
		}
		return slices.DeleteFunc(slices.Clone(diffs), func(d FieldDiff) bool { return d.Name == name }), nil
	}
}
