package dump

import (
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/unit"
)

// ErrNotEmpty is returned by Import for a store that is in use.
var ErrNotEmpty = errors.New("the store is not empty: a dump is imported into a new one")

// FormatError says what of a dump is not as it must be.
type FormatError struct {
	Record int // the number of the record, from 1; 0 for the header
	Reason string
	Err    error // of the reader or of the JSON, or nil
}

// Error names the place and the reason.
func (e *FormatError) Error() string {
	return fmt.Sprintf("record %d of the dump: %s", e.Record, e.Reason)
}

// Unwrap returns the cause.
func (e *FormatError) Unwrap() error { return e.Err }

// check holds records against those before them. It keeps a version for each
// aggregate, some 40 bytes.
type check struct {
	position int64 // of the global order's end
	at       kind
	total    int
	counts   [kinds]int
	last     [kinds]int64  // number in the global order
	key      [kinds]string // of the last record of a kind that is in the order of its keys
	versions map[uuid.UUID]int
	sagas    map[uuid.UUID]bool
}

func newCheck(position int64) *check {
	return &check{position: position, versions: map[uuid.UUID]int{}, sagas: map[uuid.UUID]bool{}}
}

// add takes the next record.
func (c *check) add(r Record) error {
	c.total++
	k := r.kind()
	if k == kinds {
		return c.refuse("it is not of exactly one kind that this program knows")
	}
	if k < c.at {
		return c.refuse("a %s does not come after a %s", k, c.at)
	}
	c.at = k
	c.counts[k]++
	switch {
	case r.Event != nil:
		return c.event(*r.Event)
	case r.Message != nil:
		return c.order(k, r.Message.Seq)
	case r.Snapshot != nil:
		return errors.Join(c.next(k, string(r.Snapshot.Aggregate[:])), c.snapshot(*r.Snapshot))
	case r.Receipt != nil:
		return c.next(k, string(r.Receipt.Message[:])+r.Receipt.Topic)
	case r.Saga != nil:
		c.sagas[r.Saga.ID] = true
		if r.Saga.Revision < 1 {
			return c.refuse("saga %s has no revision", r.Saga.ID)
		}
		return c.next(k, string(r.Saga.ID[:]))
	case r.Entry != nil:
		if !c.sagas[r.Entry.Saga] || r.Entry.Data == nil {
			return c.refuse("saga %s, whose entry it is, is not in the dump, or it has no data", r.Entry.Saga)
		}
		return nil
	case r.Cursor != nil:
		// It may stand beyond the global order: not every cursor counts in it.
		if r.Cursor.Position < 0 {
			return c.refuse("cursor %s stands before the beginning", r.Cursor.Name)
		}
		return c.next(k, r.Cursor.Name)
	default:
		if r.Key.Forgotten != (len(r.Key.Wrapped) == 0) {
			return c.refuse("subject %q has a key and is forgotten, or neither", r.Key.Subject)
		}
		return c.next(k, r.Key.Subject)
	}
}

// next holds that keys rise, so that none is there twice.
func (c *check) next(k kind, key string) error {
	if c.counts[k] > 1 && key <= c.key[k] {
		return c.refuse("it is there twice, or not in the order of the keys")
	}
	c.key[k] = key
	return nil
}

// event holds that versions of an aggregate are 1..n, as readers rely on.
func (c *check) event(e unit.Event) error {
	if e.Data == nil || e.Version != c.versions[e.Aggregate]+1 {
		return c.refuse("event %d of %s %s follows version %d, or has no data",
			e.Version, e.Name, e.Aggregate, c.versions[e.Aggregate])
	}
	c.versions[e.Aggregate]++
	return c.order(eventKind, e.Seq)
}

func (c *check) order(k kind, seq int64) error {
	if seq <= c.last[k] || seq > c.position {
		return c.refuse("number %d comes after %d, in a global order that ends at %d", seq, c.last[k], c.position)
	}
	c.last[k] = seq
	return nil
}

func (c *check) snapshot(s unit.Snapshot) error {
	if s.Version != c.versions[s.Aggregate] || s.Version == 0 {
		return c.refuse("the state of %s %s is of version %d, its last event of %d",
			s.Name, s.Aggregate, s.Version, c.versions[s.Aggregate])
	}
	return nil
}

// end is what the last line says.
func (c *check) end() (end, error) {
	e := end{Records: map[string]int{}}
	for k := range kinds {
		e.Records[k.String()] = c.counts[k]
	}
	if states := c.counts[snapshotKind]; states != len(c.versions) {
		return e, c.refuse("there are %d aggregates and the states of %d", len(c.versions), states)
	}
	return e, nil
}

func (c *check) refuse(format string, args ...any) *FormatError {
	return &FormatError{Record: c.total, Reason: fmt.Sprintf(format, args...)}
}
