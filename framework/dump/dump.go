// Package dump is the form in which a whole store travels: from one kind of
// store into another, into a backup, or into a bug report.
//
// A dump is text, one JSON value on a line. The first says which version of the
// form it is and where the store's global order ends, the last how many records
// of each kind there are, so that a dump that was cut off is never taken for a
// whole one. The records between them come kind by kind, in the order of the
// fields of Record; all times and numbers are those of the store that it was
// made from.
//
// A store writes a dump with a Writer and reads one with Read; both check what
// they are given, so that every store refuses the same dumps.
package dump

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/unit"
)

// Store is a store that travels.
type Store interface {
	// Export writes all that the store holds, as of one moment. Others may write
	// to the store meanwhile.
	Export(ctx context.Context, w io.Writer) error
	// Import fills the store from a dump, or leaves it as it was and returns an
	// error: there is nothing in between. It returns ErrNotEmpty for a store that
	// holds something, or has a cursor, and a *FormatError for what is not a
	// whole dump. Numbers that the store gives out later follow the dump's.
	Import(ctx context.Context, r io.Reader) error
}

// Record is one record of a dump. Exactly one of its fields is set.
type Record struct {
	Event    *unit.Event    // in the global order
	Message  *Message       // in the global order
	Snapshot *unit.Snapshot // as it is read back: of an aggregate that has events
	Receipt  *Receipt
	Saga     *Saga
	Entry    *Entry // of a saga that came before, in the order of its history
	Cursor   *Cursor
	Key      *Key
}

// Message is a message that waits to be sent.
type Message struct {
	Seq int64 // its place in the global order
	unit.Message
}

// Receipt is a message that was handled.
type Receipt struct {
	Topic     string    `json:"topic"`
	Message   uuid.UUID `json:"message"`
	SettledAt time.Time `json:"settled_at"`
}

// Saga is an execution, without its history.
type Saga struct {
	ID         uuid.UUID `json:"id"`
	Definition string    `json:"definition"`
	Revision   int       `json:"revision"`
	Status     string    `json:"status"`
	// Deadline is what the execution waits for at most; zero means that it waits
	// for nothing.
	Deadline time.Time       `json:"deadline,omitzero"`
	Data     json.RawMessage `json:"data,omitempty"`
}

// Entry is one entry of an execution's history.
type Entry struct {
	Saga uuid.UUID       `json:"saga"`
	At   time.Time       `json:"at"`
	Data json.RawMessage `json:"data"`
}

// Cursor is where a reader of the global order stands.
type Cursor struct {
	Name     string `json:"name"`
	Position int64  `json:"position"`
}

// Key is the key that the personal data of a subject is sealed with, itself
// sealed with the service's; or the note that the subject was forgotten.
type Key struct {
	Subject   string `json:"subject"`
	Wrapped   []byte `json:"wrapped,omitempty"`
	Forgotten bool   `json:"forgotten,omitempty"`
}
