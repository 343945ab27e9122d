package unit

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Batch is what one call of Commit stores: the records of its works by kind,
// checked as far as that can be done without a database. Each Store starts with
// one, so that all of them refuse the same works.
//
// States, Receipts and Sagas are in the order of their keys, new aggregates
// before known ones. A store that locks rows locks them in this order, kind by
// kind, and never deadlocks with itself.
type Batch struct {
	Works    []*Work
	Receipts []Receipt
	States   []State     // one for each aggregate
	Sagas    []Execution // one for each execution
	Events   []Event     // in the order of staging
	Messages []Message   // in the order of staging

	places map[uuid.UUID]int // of States, until they are sorted
}

// State is the snapshot that a batch leaves, and the version that the aggregate
// must have before: 0 says that it must not exist.
type State struct {
	Snapshot

	Base int

	events int // whose version it has; Version is the one that it was staged with
}

// Execution is the saga row that a batch leaves, with all log entries of the
// batch, and the revision that the row must have before: 0 says that it must
// not exist.
type Execution struct {
	Saga

	Base int
}

// NewBatch joins works. It returns a *ConflictError or a *DuplicateError when
// they are at odds with each other, and another error for a work that no store
// takes: an event without a snapshot, content that is not JSON, a NUL in text.
func NewBatch(works ...*Work) (*Batch, error) {
	b := &Batch{Works: works, places: map[uuid.UUID]int{}}
	for i, w := range works {
		if err := errors.Join(b.addEvents(i, w), b.addSagas(i, w), b.addReceipts(i, w), b.addMessages(w)); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(b.States, func(x, y State) int {
		return cmp.Or(cmp.Compare(min(x.Base, 1), min(y.Base, 1)), cmp.Compare(x.Name, y.Name),
			bytes.Compare(x.Aggregate[:], y.Aggregate[:]))
	})
	slices.SortFunc(b.Sagas, func(x, y Execution) int { return bytes.Compare(x.ID[:], y.ID[:]) })
	slices.SortFunc(b.Receipts, compareReceipts)
	return b, nil
}

// Empty reports whether there is nothing to store.
func (b *Batch) Empty() bool {
	for _, w := range b.Works {
		if len(w.Statements) > 0 {
			return false
		}
	}
	return len(b.Events)+len(b.Messages)+len(b.Receipts)+len(b.Sagas) == 0
}

// HasStatements reports whether a work has SQL of its own.
func (b *Batch) HasStatements() bool {
	return slices.ContainsFunc(b.Works, func(w *Work) bool { return len(w.Statements) > 0 })
}

// Conflict returns the error for an aggregate or a saga that is not at its
// base, and names the first work that builds on that base. Err is the cause,
// or nil.
func (b *Batch) Conflict(id uuid.UUID, err error) *ConflictError {
	for i, w := range b.Works {
		for _, e := range w.Events {
			if e.Aggregate == id {
				return &ConflictError{Work: i, Name: e.Name, ID: id, Version: e.Version, Err: err}
			}
		}
		for _, s := range w.Sagas {
			if s.ID == id {
				return &ConflictError{Work: i, Name: sagaName(s), ID: id, Version: s.Revision, Err: err}
			}
		}
	}
	return &ConflictError{ID: id, Err: err}
}

// Duplicate returns the error for a receipt that is there already, and names
// the work that has it. Err is the cause, or nil.
func (b *Batch) Duplicate(r Receipt, err error) *DuplicateError {
	i := slices.IndexFunc(b.Works, func(w *Work) bool { return slices.Contains(w.Receipts, r) })
	return &DuplicateError{Work: max(i, 0), Receipt: r, Err: err}
}

// addEvents counts each aggregate's versions on, across all works.
func (b *Batch) addEvents(work int, w *Work) error {
	for _, e := range w.Events {
		if e.Version < 1 || !e.Action.known() || !json.Valid(e.Data) || bytes.TrimSpace(e.Data)[0] != '[' {
			return refusef(http.StatusBadRequest, "event %d of %s %s: its version, its action or its data is not valid",
				e.Version, e.Name, e.Aggregate)
		}
		if len(e.Data) > MaxContent {
			return refusef(http.StatusRequestEntityTooLarge,
				"event %d of %s %s: it holds %d bytes, more than the %d that a broker takes",
				e.Version, e.Name, e.Aggregate, len(e.Data), MaxContent)
		}
		i, ok := b.places[e.Aggregate]
		if !ok {
			i = len(b.States)
			b.places[e.Aggregate] = i
			before := e.Version - 1
			b.States = append(b.States, State{Snapshot: Snapshot{Name: e.Name}, Base: before, events: before})
		}
		if s := &b.States[i]; s.events+1 == e.Version && s.Name == e.Name {
			s.events++
			continue
		}
		return &ConflictError{Work: work, Name: e.Name, ID: e.Aggregate, Version: e.Version}
	}
	b.Events = append(b.Events, w.Events...)
	return b.addSnapshots(w)
}

// addSnapshots puts the states beside the events that lead to them.
func (b *Batch) addSnapshots(w *Work) error {
	for _, s := range w.Snapshots {
		i, ok := b.places[s.Aggregate]
		switch {
		case !ok || b.States[i].events != s.Version || b.States[i].Name != s.Name:
			return fmt.Errorf("state %d of %s %s: it is not the state after the last event",
				s.Version, s.Name, s.Aggregate)
		case !valid(s.Data):
			return refusef(http.StatusBadRequest, "state %d of %s %s: it is not JSON", s.Version, s.Name, s.Aggregate)
		case hasNUL(s.Data):
			return refusef(http.StatusBadRequest,
				"state %d of %s %s: a text in it has the character NUL (\\u0000), which cannot be stored",
				s.Version, s.Name, s.Aggregate)
		}
		b.States[i].Snapshot = s
	}
	for _, e := range w.Events {
		if s := b.States[b.places[e.Aggregate]]; s.Version != s.events {
			return fmt.Errorf("event %d of %s %s: the state after it is missing", e.Version, e.Name, e.Aggregate)
		}
	}
	return nil
}

// addSagas keeps the last row of each execution, and all of its log.
func (b *Batch) addSagas(work int, w *Work) error {
	for _, s := range w.Sagas {
		broken := slices.ContainsFunc(s.Log, func(l json.RawMessage) bool { return !json.Valid(l) })
		if s.Revision < 1 || broken || !valid(s.Data) {
			return refusef(http.StatusBadRequest, "saga %s %s: its revision, its data or its log is not valid",
				s.Definition, s.ID)
		}
		i := slices.IndexFunc(b.Sagas, func(x Execution) bool { return x.ID == s.ID })
		if i < 0 {
			b.Sagas = append(b.Sagas, Execution{Saga: s, Base: s.Revision - 1})
			continue
		}
		earlier := &b.Sagas[i]
		if earlier.Revision != s.Revision-1 {
			return &ConflictError{Work: work, Name: sagaName(s), ID: s.ID, Version: s.Revision}
		}
		s.Log = slices.Concat(earlier.Log, s.Log)
		earlier.Saga = s
	}
	return nil
}

func (b *Batch) addReceipts(work int, w *Work) error {
	for _, r := range w.Receipts {
		if slices.Contains(b.Receipts, r) {
			return &DuplicateError{Work: work, Receipt: r}
		}
		b.Receipts = append(b.Receipts, r)
	}
	return nil
}

func (b *Batch) addMessages(w *Work) error {
	for _, m := range w.Messages {
		if err := checkMessage(m); err != nil {
			return err
		}
	}
	b.Messages = append(b.Messages, w.Messages...)
	return nil
}

// MaxContent bounds the content of an event or a message, in bytes: what a
// Kafka broker takes by default, less what goes around it. What no broker takes
// must not be committed, for it would stand in the way of all that follows.
const MaxContent = 960 << 10

// checkMessage refuses a message that no broker takes.
func checkMessage(m Message) error {
	switch {
	case !valid(m.Content):
		return refusef(http.StatusBadRequest, "message %s to %s: its content is not JSON", m.ID, m.Topic)
	case len(m.Content) > MaxContent:
		return refusef(http.StatusRequestEntityTooLarge,
			"message %s to %s: it holds %d bytes, more than the %d that a broker takes",
			m.ID, m.Topic, len(m.Content), MaxContent)
	case !ValidTopic(m.Topic):
		return refusef(http.StatusBadRequest, "message %s: %q is not the name of a topic", m.ID, m.Topic)
	case m.ReplyTo != "" && !ValidTopic(m.ReplyTo):
		return refusef(http.StatusBadRequest, "message %s to %s: %q is not the name of a topic", m.ID, m.Topic, m.ReplyTo)
	case besides(m) > maxBesides:
		return refusef(http.StatusRequestEntityTooLarge,
			"message %s to %s: its key and headers hold %d bytes, more than the %d that may go beside the content",
			m.ID, m.Topic, besides(m), maxBesides)
	case !utf8.ValidString(m.Key) || strings.ContainsRune(m.Key, 0):
		return refusef(http.StatusBadRequest, "message %s to %s: its key is not text", m.ID, m.Topic)
	}
	return nil
}

// maxBesides bounds the key and the headers of a message, in bytes.
const maxBesides = 8 << 10

func besides(m Message) int {
	n := len(m.Key)
	for name, value := range m.Headers {
		n += len(name) + len(value)
	}
	return n
}

// ValidTopic reports whether brokers take a topic's name: 1 to 249 letters,
// digits, dots, underscores and hyphens, and more than dots.
func ValidTopic(name string) bool {
	if name == "" || len(name) > 249 || name == "." || name == ".." {
		return false
	}
	return strings.Trim(name, topicCharacters) == ""
}

const topicCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

func compareReceipts(x, y Receipt) int {
	return cmp.Or(bytes.Compare(x.Message[:], y.Message[:]), cmp.Compare(x.Topic, y.Topic))
}

func sagaName(s Saga) string { return "saga " + s.Definition }

func valid(data json.RawMessage) bool { return data == nil || json.Valid(data) }

// hasNUL reports whether JSON holds the escape \u0000, whose backslash is not
// itself escaped.
func hasNUL(data []byte) bool {
	escape := []byte(`\u0000`)
	for {
		i := bytes.Index(data, escape)
		if i < 0 {
			return false
		}
		backslashes := len(data[:i]) - len(bytes.TrimRight(data[:i], `\`))
		if backslashes%2 == 0 {
			return true
		}
		data = data[i+len(escape):]
	}
}
