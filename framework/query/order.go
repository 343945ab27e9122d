package query

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/unit"
)

// Position is a place in an order: that of an entity, which need not be there
// any more.
type Position struct {
	Keys []Value // one for each key of the order
	ID   uuid.UUID
}

// Position returns the place of a snapshot in the selection's order.
func (s Selection) Position(snapshot unit.Snapshot) Position {
	r := &record{Snapshot: snapshot}
	keys := make([]Value, len(s.Order))
	for i, o := range s.Order {
		keys[i] = r.value(o.Path)
	}
	return Position{Keys: keys, ID: snapshot.Aggregate}
}

// Compare returns -1, 0 or 1 when a is before, at or after b in the
// selection's order.
func (s Selection) Compare(a, b Position) int {
	for i, o := range s.Order {
		c := compareValues(a.Keys[i], b.Keys[i])
		if o.Descending {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	c := bytes.Compare(a.ID[:], b.ID[:])
	if s.Descends() {
		c = -c
	}
	return c
}

// Descends reports whether equals come by descending uuid.
func (s Selection) Descends() bool {
	return len(s.Order) > 0 && s.Order[len(s.Order)-1].Descending
}

// compareValues puts null last.
func compareValues(a, b Value) int {
	switch {
	case a.Null() && b.Null():
		return 0
	case a.Null():
		return 1
	case b.Null():
		return -1
	}
	return cmp.Compare(a.key, b.key)
}

// Select returns what the selection selects of snapshots, in its order. It is
// what every store does, and keeps no reference to snapshots.
func Select(s Selection, snapshots []unit.Snapshot) []unit.Snapshot {
	type placed struct {
		snapshot unit.Snapshot
		position Position
	}
	var all []placed
	for _, snapshot := range snapshots {
		if !s.Match(snapshot) {
			continue
		}
		p := placed{snapshot: snapshot, position: s.Position(snapshot)}
		if s.After == nil || s.Compare(p.position, *s.After) > 0 {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b placed) int { return s.Compare(a.position, b.position) })
	if s.Limit > 0 && len(all) > s.Limit {
		all = all[:s.Limit]
	}
	selected := make([]unit.Snapshot, len(all))
	for i := range all {
		selected[i] = all[i].snapshot
	}
	return selected
}
