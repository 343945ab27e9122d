package aggregate

import (
	"context"
	"iter"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/unit"
)

// Store is where aggregates are kept.
type Store interface {
	unit.Store
	Reader
}

// Reader reads what was committed. Its methods are safe for concurrent use.
type Reader interface {
	// Snapshot returns the latest state of the aggregate, a tombstone included,
	// or ErrNotFound. An aggregate of another name is not found.
	Snapshot(ctx context.Context, name string, id uuid.UUID) (unit.Snapshot, error)
	// Snapshots yields the states that query selects, without tombstones, in
	// order of creation (of uuid). An error is yielded once and last.
	Snapshots(ctx context.Context, query Query) iter.Seq2[unit.Snapshot, error]
	// History yields the events of the aggregate with versions above after, in
	// order. An error is yielded once and last.
	History(ctx context.Context, id uuid.UUID, after int) iter.Seq2[unit.Event, error]
}

// Query selects snapshots.
type Query struct {
	Name  string      // of the aggregate
	IDs   []uuid.UUID // only these; nil means all
	Where []Condition // all of which hold
	Limit int         // 0 means no limit
}

// Condition compares a field of an aggregate with a value. The zero value is
// not valid: conditions are made by the functions of this package.
type Condition struct {
	Field string // the field's JSON name
	Value []byte // its JSON value
}
