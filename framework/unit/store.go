package unit

import (
	"context"
	"fmt"

	"github.com/google/uuid"
)

// Store commits works.
type Store interface {
	// Commit stores all of the works, or none of them: events, states,
	// messages, receipts, saga rows and statements become durable and visible
	// together. It returns a *ConflictError when an event's version or a saga's
	// revision is taken or leaves a gap, and a *DuplicateError when a receipt is
	// there already; each names the work that is to blame. After an
	// *UnknownError nobody knows what was stored; after any other error nothing
	// was. Commit is safe for concurrent use, and keeps no reference to the works.
	Commit(ctx context.Context, works ...*Work) error
}

// ConflictError says that another writer was first: what a work was decided on
// is no longer the latest state. Read again and decide again.
type ConflictError struct {
	Work    int       // index of the guilty work in the call of Commit
	Name    string    // of the aggregate, or "saga" and its definition
	ID      uuid.UUID // of the aggregate or saga
	Version int       // that was to be stored; 0 when the store cannot tell
	Current int       // that is stored; 0 when there is none or the store cannot tell
	Offset  int64     // of the store's global order by then; 0 when the store cannot tell
	Err     error     // the store's own error, or nil
}

// At returns e with what the store holds.
func (e *ConflictError) At(current int, offset int64) *ConflictError {
	e.Current, e.Offset = current, offset
	return e
}

// Error names what was in conflict.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s %s: version %d was not the next one: another writer was first", e.Name, e.ID, e.Version)
}

// Unwrap returns the store's own error.
func (e *ConflictError) Unwrap() error { return e.Err }

// DuplicateError says that a message was handled before.
type DuplicateError struct {
	Work    int // index of the work in the call of Commit
	Receipt Receipt
	Err     error // the store's own error, or nil
}

// Error names the message.
func (e *DuplicateError) Error() string {
	return fmt.Sprintf("message %s of %s was handled before", e.Receipt.Message, e.Receipt.Topic)
}

// Unwrap returns the store's own error.
func (e *DuplicateError) Unwrap() error { return e.Err }

// UnknownError says that nobody knows whether the works were stored: the store
// did not answer in time, or the way to it was cut. Who commits a work with a
// receipt again is safe: it is stored now, or a *DuplicateError says that it was
// stored before.
type UnknownError struct {
	Err error // why there was no answer
}

// Error says so, and why.
func (e *UnknownError) Error() string {
	return "the outcome of the commit is unknown: " + e.Err.Error()
}

// Unwrap returns why there was no answer.
func (e *UnknownError) Unwrap() error { return e.Err }

// RefusedError says that a store does not take what a work holds, now or later:
// nothing of it was stored, nor of the works committed with it.
type RefusedError struct {
	Status int    // HTTP-like: 400, or 413 for what is too long
	Reason string // for who sent it
	Err    error  // the store's own error, or nil
}

// Error is the reason.
func (e *RefusedError) Error() string { return e.Reason }

// Unwrap returns the store's own error.
func (e *RefusedError) Unwrap() error { return e.Err }

// StatusCode is the status.
func (e *RefusedError) StatusCode() int { return e.Status }

func refusef(status int, format string, args ...any) *RefusedError {
	return &RefusedError{Status: status, Reason: fmt.Sprintf(format, args...)}
}

// Do runs fn in the work that ctx carries; without one, in a work of its own
// that is committed when fn returned nil.
func Do(ctx context.Context, store Store, fn func(ctx context.Context, w *Work) error) error {
	if w := From(ctx); w != nil {
		return fn(ctx, w)
	}
	w := New(nil)
	if err := fn(With(ctx, w), w); err != nil {
		return err
	}
	if w.Empty() {
		return nil
	}
	return store.Commit(ctx, w)
}

// Watched is a store that tells when something was committed, which is how
// the relay learns without polling that there is something to send.
type Watched struct {
	store   Store
	changed func()
}

// Watch returns store, calling changed after every commit that staged events
// or messages. changed must not block.
func Watch(store Store, changed func()) *Watched {
	return &Watched{store: store, changed: changed}
}

var _ Store = (*Watched)(nil)

// Commit commits to the store underneath.
func (s *Watched) Commit(ctx context.Context, works ...*Work) error {
	if err := s.store.Commit(ctx, works...); err != nil {
		return err
	}
	for _, w := range works {
		if len(w.Events)+len(w.Messages) > 0 {
			s.changed()
			break
		}
	}
	return nil
}
