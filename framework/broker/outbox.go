package broker

import (
	"context"
	"errors"
	"time"

	"github.com/minos-framework/minos-go/framework/unit"
)

// Entry is one event or one message that a store has committed.
type Entry struct {
	Seq     int64
	Event   *unit.Event   // or nil
	Message *unit.Message // or nil
}

// Outbox reads what a store has committed, in the store's global order. Events
// and messages share one order.
type Outbox interface {
	// Pending returns the entries after a position, at most limit of them, and
	// the position to go on from. Nothing is ever committed at or before a
	// position that was returned, except what was returned up to it: an entry is
	// never skipped. The position may lie beyond the last entry.
	Pending(ctx context.Context, after int64, limit int) ([]Entry, int64, error)
	// Lead waits until this process is the one that reads for name, which is at
	// most one at a time, and returns its lease. It returns an error when ctx
	// ends first.
	Lead(ctx context.Context, name string) (Lease, error)
	// Trim removes messages at or before a position, which need not be sent
	// again, and the receipts of messages that were settled before a time.
	Trim(ctx context.Context, upTo int64, settledBefore time.Time) error
}

// Lease is the right to move a cursor.
type Lease interface {
	// Position is where the cursor stood when the lease was given; 0 at first.
	Position() int64
	// Save moves the cursor. It returns ErrDeposed when another process leads,
	// and leaves the cursor alone then.
	Save(ctx context.Context, position int64) error
	// Release ends the lease. It may be called more than once.
	Release(ctx context.Context) error
}

// ErrDeposed is returned by a Lease that another process has taken over.
var ErrDeposed = errors.New("another process leads")
