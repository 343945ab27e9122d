package dump

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/unit"
)

// format is the version of the form that this program writes. It reads no
// other: there was none before.
const format = 1

// line is one line of a dump: exactly one of its fields is set. The names are
// on disks: add at the end; never change one.
type line struct {
	Header   *header   `json:"minos,omitempty"`
	Event    *event    `json:"event,omitempty"`
	Message  *message  `json:"message,omitempty"`
	Snapshot *snapshot `json:"snapshot,omitempty"`
	Receipt  *Receipt  `json:"receipt,omitempty"`
	Saga     *Saga     `json:"saga,omitempty"`
	Entry    *Entry    `json:"entry,omitempty"`
	Cursor   *Cursor   `json:"cursor,omitempty"`
	Key      *Key      `json:"key,omitempty"`
	End      *end      `json:"end,omitempty"`
}

type header struct {
	Format   int   `json:"format"`
	Position int64 `json:"position"` // of the last number that was drawn
}

// end counts the records by kind.
type end struct {
	Records map[string]int `json:"records"`
}

// event has the fields of unit.Event: one that is added there must be here.
type event struct {
	Seq       int64             `json:"seq"`
	Aggregate uuid.UUID         `json:"aggregate"`
	Version   int               `json:"version"`
	Name      string            `json:"name"`
	Action    unit.Action       `json:"action"`
	Schema    int               `json:"schema"`
	Data      json.RawMessage   `json:"data"`
	Headers   map[string]string `json:"headers,omitempty"`
	CreatedAt time.Time         `json:"created_at"`
}

type snapshot struct {
	Aggregate uuid.UUID       `json:"aggregate"`
	Name      string          `json:"name"`
	Version   int             `json:"version"`
	Schema    int             `json:"schema"`
	Data      json.RawMessage `json:"data,omitempty"`
	CreatedAt time.Time       `json:"created_at"`
	UpdatedAt time.Time       `json:"updated_at"`
}

type message struct {
	Seq     int64             `json:"seq"`
	ID      uuid.UUID         `json:"id"`
	Topic   string            `json:"topic"`
	Key     string            `json:"key,omitempty"`
	ReplyTo string            `json:"reply_to,omitempty"`
	Status  int               `json:"status,omitempty"`
	Content json.RawMessage   `json:"content,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
}

// kind numbers the fields of Record in the order in which they come. Add at the
// end; never reuse one.
type kind int

const (
	eventKind kind = iota
	messageKind
	snapshotKind
	receiptKind
	sagaKind
	entryKind
	cursorKind
	keyKind
	kinds
)

func (k kind) String() string {
	return [kinds]string{"event", "message", "snapshot", "receipt", "saga", "entry", "cursor", "key"}[k]
}

// kind returns which field is set; kinds when it is not exactly one.
func (r Record) kind() kind {
	found, n := kinds, 0
	for k, set := range [kinds]bool{
		r.Event != nil, r.Message != nil, r.Snapshot != nil, r.Receipt != nil, r.Saga != nil, r.Entry != nil,
		r.Cursor != nil, r.Key != nil,
	} {
		if set {
			found, n = kind(k), n+1
		}
	}
	if n != 1 {
		return kinds
	}
	return found
}

// encode returns the line of a record.
func (r Record) encode() line {
	l := line{Receipt: r.Receipt, Saga: r.Saga, Entry: r.Entry, Cursor: r.Cursor, Key: r.Key}
	if r.Event != nil {
		e := event(*r.Event)
		l.Event = &e
	}
	if m := r.Message; m != nil {
		l.Message = &message{
			Seq: m.Seq, ID: m.ID, Topic: m.Topic, Key: m.Key, ReplyTo: m.ReplyTo, Status: m.Status,
			Content: m.Content, Headers: m.Headers,
		}
	}
	if s := r.Snapshot; s != nil {
		l.Snapshot = &snapshot{
			Aggregate: s.Aggregate, Name: s.Name, Version: s.Version, Schema: s.Schema, Data: s.Data,
			CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt,
		}
	}
	return l
}

// record returns the record of a line.
func (l line) record() Record {
	r := Record{Receipt: l.Receipt, Saga: l.Saga, Entry: l.Entry, Cursor: l.Cursor, Key: l.Key}
	if l.Event != nil {
		e := unit.Event(*l.Event)
		e.CreatedAt = e.CreatedAt.UTC()
		r.Event = &e
	}
	if m := l.Message; m != nil {
		r.Message = &Message{Seq: m.Seq, Message: unit.Message{
			ID: m.ID, Topic: m.Topic, Key: m.Key, ReplyTo: m.ReplyTo, Status: m.Status,
			Content: m.Content, Headers: m.Headers,
		}}
	}
	if s := l.Snapshot; s != nil {
		r.Snapshot = &unit.Snapshot{
			Aggregate: s.Aggregate, Name: s.Name, Version: s.Version, Schema: s.Schema, Data: s.Data,
			CreatedAt: s.CreatedAt.UTC(), UpdatedAt: s.UpdatedAt.UTC(),
		}
	}
	return r
}
