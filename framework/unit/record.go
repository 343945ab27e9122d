package unit

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// Action says what an event did to its aggregate.
type Action string

// These words are stored and sent. Add at the end; never change one.
const (
	Create Action = "create"
	Update Action = "update"
	Delete Action = "delete"
	Record Action = "record" // an event of the domain's own
)

// known reports whether a is one of the words: what nobody can replay or publish
// must not be committed.
func (a Action) known() bool { return a == Create || a == Update || a == Delete || a == Record }

// Event is one change of one aggregate, as stores keep it.
type Event struct {
	// Seq is the event's place in the store's global order. A store sets it
	// when it reads; it is ignored on commit.
	Seq int64
	// Aggregate and Version identify the event. Versions of an aggregate are
	// 1..n without a gap: a commit with a version that is taken, or that leaves
	// a gap, is a *ConflictError.
	Aggregate uuid.UUID
	Version   int
	// Name is the aggregate's stable name, as "Foo".
	Name   string
	Action Action
	// Schema is the version of Data's shape, from 1.
	Schema int
	// Data is a JSON array of field differences (package aggregate), of which a
	// record has one: the name and the content of what was recorded; "[]" for a
	// delete.
	Data json.RawMessage
	// Headers are the request's headers that travel on (user, traceparent ...).
	Headers map[string]string
	// CreatedAt is UTC with microseconds, the precision every store keeps.
	CreatedAt time.Time
}

// Snapshot is the state of one aggregate after its latest event. It is stored
// in the commit of that event.
type Snapshot struct {
	Aggregate uuid.UUID
	Name      string
	Version   int
	// Schema is the version of Data's shape, from 1.
	Schema int
	// Data is the JSON object of the aggregate's own fields; nil says that the
	// aggregate was deleted (a tombstone).
	Data                 json.RawMessage
	CreatedAt, UpdatedAt time.Time
}

// Deleted reports whether s is a tombstone.
func (s Snapshot) Deleted() bool { return s.Data == nil }

// Message is what services send each other through the broker.
type Message struct {
	// ID identifies the message; a reply carries the ID of its request. The
	// same ID on the same topic is the same message.
	ID    uuid.UUID
	Topic string
	// Key orders: messages of one topic with one key are delivered in the
	// order they were committed in. Empty means the ID.
	Key string
	// ReplyTo is the topic that a reply is wanted on; empty means none.
	ReplyTo string
	// Status is the HTTP-like outcome that a reply carries; 0 on any other
	// message.
	Status int
	// Content is any JSON value; nil is no content.
	Content json.RawMessage
	// Headers travel beside the content.
	Headers map[string]string
}

// Receipt settles a message that was handled: it commits with the handler's
// work, and a second commit with the same receipt is a *DuplicateError.
type Receipt struct {
	Topic   string
	Message uuid.UUID
}

// Saga is the row of one saga execution.
type Saga struct {
	ID         uuid.UUID
	Definition string
	// Revision is the row's revision after this commit: 1 creates the row, n
	// replaces revision n-1 and is a *ConflictError when another is there.
	Revision int
	// Status is one of the words of package saga.
	Status string
	// Timeout sets the deadline to the store's clock plus Timeout; 0 means
	// that the execution waits for nothing.
	Timeout time.Duration
	// Data is the execution's state, Log the entries to add to its history;
	// both belong to package saga.
	Data json.RawMessage
	Log  []json.RawMessage
}

// Statement is SQL that commits with the work: how a projection writes its own
// tables. Stores that have no SQL refuse a work that holds one.
type Statement struct {
	SQL  string
	Args []any
}
