// Package memory keeps everything in the memory of the process: a store and a
// broker for tests and for a first look. Nothing outlives the process.
package memory

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/dump"
	"github.com/minos-framework/minos-go/framework/saga"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Config configures a Store.
type Config struct {
	// Now is the clock that saga deadlines and logs go by. Nil means time.Now.
	Now func() time.Time
}

var (
	_ aggregate.Store = (*Store)(nil)
	_ broker.Outbox   = (*Store)(nil)
	_ saga.Store      = (*Store)(nil)
	_ dump.Store      = (*Store)(nil)
)

// Store is a store in memory. Its methods are safe for concurrent use. It must
// be made by Open.
type Store struct {
	now func() time.Time

	mu       sync.Mutex
	last     int64                      // of the global order
	entries  []broker.Entry             // in the global order
	history  map[uuid.UUID][]unit.Event // version n at place n-1
	states   map[uuid.UUID]unit.Snapshot
	receipts map[unit.Receipt]time.Time // when they were settled
	sagas    map[uuid.UUID]*execution
	cursors  map[string]*cursor
	keys     keyring
}

// Open returns an empty store.
func Open(_ context.Context, config Config) (*Store, error) {
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Store{
		now:      config.Now,
		history:  map[uuid.UUID][]unit.Event{},
		states:   map[uuid.UUID]unit.Snapshot{},
		receipts: map[unit.Receipt]time.Time{},
		sagas:    map[uuid.UUID]*execution{},
		cursors:  map[string]*cursor{},
	}, nil
}

// Ping returns nil: memory always answers.
func (s *Store) Ping(context.Context) error { return nil }

// Close does nothing; what was stored stays readable.
func (s *Store) Close() error { return nil }

var errNoSQL = errors.New("a store in memory has no SQL: it takes no statements")

// Commit implements unit.Store. It refuses works that hold statements.
func (s *Store) Commit(ctx context.Context, works ...*unit.Work) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b, err := unit.NewBatch(works...)
	if err != nil {
		return err
	}
	if b.HasStatements() {
		return errNoSQL
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.check(b); err != nil {
		return err
	}
	s.apply(b)
	return nil
}

// check compares the batch with what is stored.
func (s *Store) check(b *unit.Batch) error {
	for _, r := range b.Receipts {
		if _, ok := s.receipts[r]; ok {
			return b.Duplicate(r, nil)
		}
	}
	for _, state := range b.States {
		there := s.states[state.Aggregate]
		if there.Version != state.Base || there.Version > 0 && there.Name != state.Name {
			return b.Conflict(state.Aggregate, nil).At(there.Version, s.last)
		}
	}
	for _, e := range b.Sagas {
		if s.sagas[e.ID].revision() != e.Base {
			return b.Conflict(e.ID, nil).At(s.sagas[e.ID].revision(), s.last)
		}
	}
	return nil
}

// apply stores a batch that check has let through; it cannot fail half-way.
func (s *Store) apply(b *unit.Batch) {
	for _, r := range b.Receipts {
		s.receipts[r] = s.now().UTC().Truncate(time.Microsecond)
	}
	for _, state := range b.States {
		s.states[state.Aggregate] = cloneSnapshot(state.Snapshot)
	}
	for _, e := range b.Sagas {
		s.sagas[e.ID] = s.sagas[e.ID].next(e.Saga, s.now())
	}
	for _, e := range b.Events {
		s.last++
		e = cloneEvent(e)
		e.Seq = s.last
		s.history[e.Aggregate] = append(s.history[e.Aggregate], e)
		s.entries = append(s.entries, broker.Entry{Seq: s.last, Event: &e})
	}
	for _, m := range b.Messages {
		s.last++
		m = cloneMessage(m)
		s.entries = append(s.entries, broker.Entry{Seq: s.last, Message: &m})
	}
}

// What goes in and what comes out are copies: a caller may change its own.

func cloneEvent(e unit.Event) unit.Event {
	e.Data, e.Headers = slices.Clone(e.Data), maps.Clone(e.Headers)
	return e
}

func cloneSnapshot(s unit.Snapshot) unit.Snapshot {
	s.Data = slices.Clone(s.Data)
	return s
}

func cloneMessage(m unit.Message) unit.Message {
	m.Content, m.Headers = slices.Clone(m.Content), maps.Clone(m.Headers)
	return m
}
