package aggregate

import (
	"context"
	"iter"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/query"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Store is where aggregates are kept.
type Store interface {
	unit.Store
	Reader
	Rewriter
	Indexer
}

// Indexer keeps indexes.
type Indexer interface {
	// CreateIndexes creates those of indexes that are not there yet, or were not
	// finished. Several processes may call it at once. A store that needs no
	// index does nothing.
	CreateIndexes(ctx context.Context, indexes ...query.Index) error
}

// Reader reads what was committed. Its methods are safe for concurrent use.
type Reader interface {
	// Snapshot returns the latest state of the aggregate, a tombstone included,
	// or ErrNotFound. An aggregate of another name is not found.
	Snapshot(ctx context.Context, name string, id uuid.UUID) (unit.Snapshot, error)
	// Snapshots yields what selection selects, as query.Select does. It may read
	// in pages, each of them as of its own time. An error is yielded once and
	// last.
	Snapshots(ctx context.Context, selection query.Selection) iter.Seq2[unit.Snapshot, error]
	// Events yields the events that query selects, in the order that it names. An
	// error is yielded once and last.
	Events(ctx context.Context, query EventQuery) iter.Seq2[unit.Event, error]
	// Offset returns the position in the global order up to which everything is
	// committed or never will be: where a reader of all events goes on from. It
	// is 0 for a store without events.
	Offset(ctx context.Context) (int64, error)
}

// EventQuery selects events: those for which all that is set holds. The zero
// value selects all.
//
// The events of one Aggregate come in the order of their versions, all that are
// committed. Without an Aggregate they come in the store's global order and end
// at its Offset when the iteration began, so that a reader who goes on after
// the last position it saw never skips one.
type EventQuery struct {
	Aggregate uuid.UUID // of this aggregate
	Name      string    // of the aggregates called so
	// AfterVersion and UpToVersion bound versions: above the one and not above
	// the other; an UpToVersion of 0 is no bound.
	AfterVersion, UpToVersion int
	// After and UpTo bound positions in the global order (unit.Event.Seq) in the
	// same way.
	After, UpTo int64
	Limit       int // 0 means no limit
}
