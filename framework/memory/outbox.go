package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Pending implements broker.Outbox.
func (s *Store) Pending(_ context.Context, after int64, limit int) ([]broker.Entry, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit = max(limit, 1)
	from := s.firstAfter(after)
	to := min(from+limit, len(s.entries))
	entries := make([]broker.Entry, 0, to-from)
	for _, e := range s.entries[from:to] {
		entries = append(entries, cloneEntry(e))
	}
	if to < len(s.entries) {
		return entries, entries[len(entries)-1].Seq, nil
	}
	return entries, max(after, s.last), nil
}

// Trim implements broker.Outbox.
func (s *Store) Trim(_ context.Context, upTo int64, settledBefore time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.receipts, func(_ unit.Receipt, settled time.Time) bool { return settled.Before(settledBefore) })
	s.entries = slices.DeleteFunc(s.entries, func(e broker.Entry) bool { return e.Message != nil && e.Seq <= upTo })
	return nil
}

// firstAfter returns the place of the first entry after a position.
func (s *Store) firstAfter(seq int64) int {
	i, _ := slices.BinarySearchFunc(s.entries, seq+1, func(e broker.Entry, seq int64) int {
		return cmp.Compare(e.Seq, seq)
	})
	return i
}

func cloneEntry(e broker.Entry) broker.Entry {
	if e.Event != nil {
		event := cloneEvent(*e.Event)
		e.Event = &event
	}
	if e.Message != nil {
		message := cloneMessage(*e.Message)
		e.Message = &message
	}
	return e
}

// cursor is where a reader stands. It is led by whoever has put a token into
// held.
type cursor struct {
	held     chan struct{}
	position int64 // guarded by Store.mu
}

// Lead implements broker.Outbox.
func (s *Store) Lead(ctx context.Context, name string) (broker.Lease, error) {
	s.mu.Lock()
	c, ok := s.cursors[name]
	if !ok {
		c = &cursor{held: make(chan struct{}, 1)}
		s.cursors[name] = c
	}
	s.mu.Unlock()
	select {
	case c.held <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return &lease{store: s, cursor: c, start: c.position}, nil
}

var _ broker.Lease = (*lease)(nil)

// lease holds the token of its cursor until it is released.
type lease struct {
	store    *Store
	cursor   *cursor
	start    int64
	release  sync.Once
	released bool // guarded by Store.mu
}

func (l *lease) Position() int64 { return l.start }

func (l *lease) Save(_ context.Context, position int64) error {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	if l.released {
		return broker.ErrDeposed
	}
	l.cursor.position = position
	return nil
}

func (l *lease) Release(context.Context) error {
	l.release.Do(func() {
		l.store.mu.Lock()
		l.released = true
		l.store.mu.Unlock()
		<-l.cursor.held
	})
	return nil
}
