package unittest

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/unit"
)

func runPending(t *testing.T, open Opener) {
	read := func(t *testing.T, s Store, after int64, limit int) ([]broker.Entry, int64) {
		t.Helper()
		entries, position, err := s.Pending(t.Context(), after, limit)
		if err != nil {
			t.Fatalf("pending: %v", err)
		}
		return entries, position
	}
	test(t, open, "returns nothing of an empty store", func(t *testing.T, s Store) {
		entries, position := read(t, s, 0, 10)
		equal(t, "entries", len(entries), 0)
		commit(t, s, changed(unit.NewID(), 1))
		entries, _ = read(t, s, position, 10)
		equal(t, "entries after a commit", len(entries), 1)
	})
	test(t, open, "returns events and messages in the order of commits", func(t *testing.T, s Store) {
		var want []string
		for range 5 {
			id, m := unit.NewID(), message()
			w := changed(id, 1)
			w.Publish(m)
			commit(t, s, w)
			want = append(want, id.String(), m.ID.String())
		}
		var got []string
		var after int64
		for {
			entries, position := read(t, s, after, 3)
			for _, e := range entries {
				if e.Seq <= after || e.Seq > position {
					t.Errorf("entry at %d is not within %d and %d", e.Seq, after, position)
				}
				after = e.Seq
				got = append(got, idOf(e))
			}
			after = position
			if len(entries) == 0 {
				break
			}
		}
		equal(t, "entries", got, want)
		equal(t, "entries again", len(pending(t, s, 0)), len(want))
	})
	test(t, open, "returns the events of one work in the order of staging", func(t *testing.T, s Store) {
		w, all := unit.New(nil), sortedIDs(20)
		var want []string
		for i := range all {
			id := all[(i*7)%len(all)]
			change(w, id, 1, json.RawMessage(`{}`))
			want = append(want, id.String())
		}
		commit(t, s, w)
		var got []string
		for _, e := range pending(t, s, 0) {
			equal(t, "sequence number of the event", e.Event.Seq, e.Seq)
			got = append(got, idOf(e))
		}
		equal(t, "events", got, want)
	})
	test(t, open, "goes on after a refused commit", func(t *testing.T, s Store) {
		id := unit.NewID()
		commit(t, s, changed(id, 1))
		_, position := read(t, s, 0, 10)
		for range 3 {
			expectConflict(t, s, 0, id, changed(id, 1))
		}
		commit(t, s, changed(id, 2))
		entries, _ := read(t, s, position, 10)
		equal(t, "entries", len(entries), 1)
	})
	test(t, open, "returns no message that was trimmed, and keeps events and positions", func(t *testing.T, s Store) {
		w, second := changed(unit.NewID(), 1), unit.New(nil)
		w.Publish(message(), message())
		second.Publish(message())
		commit(t, s, w)
		first, position := read(t, s, 0, 10)
		equal(t, "entries", len(first), 3)
		commit(t, s, second)
		if err := s.Trim(t.Context(), position, time.Time{}); err != nil {
			t.Fatalf("trim: %v", err)
		}
		left := pending(t, s, 0)
		equal(t, "entries left", len(left), 2)
		_, end := read(t, s, 0, 10)
		if err := s.Trim(t.Context(), end, time.Time{}); err != nil {
			t.Fatalf("trim: %v", err)
		}
		commit(t, s, changed(unit.NewID(), 1))
		entries, _ := read(t, s, end, 10)
		equal(t, "entries after all was trimmed", len(entries), 1)
	})
	test(t, open, "forgets the receipts of before a time, and keeps those after", func(t *testing.T, s Store) {
		settle := func(message uuid.UUID) error {
			w := unit.New(nil)
			w.Settle(unit.Receipt{Topic: topic, Message: message})
			return s.Commit(t.Context(), w)
		}
		messages := make([]uuid.UUID, 3)
		for i := range messages {
			messages[i] = unit.NewID()
			if err := settle(messages[i]); err != nil {
				t.Fatalf("settle: %v", err)
			}
		}
		for before, kept := range map[time.Time]bool{time.Now().Add(-time.Hour): true, time.Now().Add(time.Hour): false} {
			if err := s.Trim(t.Context(), 0, before); err != nil {
				t.Fatalf("trim: %v", err)
			}
			if kept {
				for _, message := range messages {
					if _, duplicate := errors.AsType[*unit.DuplicateError](settle(message)); !duplicate {
						t.Errorf("the receipt of %s is gone", message)
					}
				}
				continue
			}
			for _, message := range messages {
				if err := settle(message); err != nil {
					t.Errorf("settle %s again: %v", message, err)
				}
			}
		}
	})
}

func idOf(e broker.Entry) string {
	if e.Event != nil {
		return e.Event.Aggregate.String()
	}
	return e.Message.ID.String()
}

func lead(t *testing.T, s Store, cursor string) broker.Lease {
	t.Helper()
	lease, err := s.Lead(t.Context(), cursor)
	if err != nil {
		t.Fatalf("lead %s: %v", cursor, err)
	}
	t.Cleanup(func() { _ = lease.Release(context.WithoutCancel(t.Context())) })
	return lease
}

func save(t *testing.T, lease broker.Lease, position int64) {
	t.Helper()
	if err := lease.Save(t.Context(), position); err != nil {
		t.Fatalf("save: %v", err)
	}
}

func release(t *testing.T, lease broker.Lease) {
	t.Helper()
	if err := lease.Release(t.Context()); err != nil {
		t.Fatalf("release: %v", err)
	}
}

func runLead(t *testing.T, open Opener) {
	test(t, open, "gives the position that was saved last", func(t *testing.T, s Store) {
		first := lead(t, s, "relay")
		equal(t, "first position", first.Position(), 0)
		save(t, first, 3)
		save(t, first, 12)
		release(t, first)
		equal(t, "next position", lead(t, s, "relay").Position(), 12)
	})
	test(t, open, "gives each name a cursor of its own", func(t *testing.T, s Store) {
		a, b := lead(t, s, "a's"), lead(t, s, "b/ü")
		save(t, a, 1)
		save(t, b, 2)
		release(t, a)
		release(t, b)
		equal(t, "position of a", lead(t, s, "a's").Position(), 1)
		equal(t, "position of b", lead(t, s, "b/ü").Position(), 2)
	})
	test(t, open, "refuses the cursor to a lease that was released", func(t *testing.T, s Store) {
		old := lead(t, s, "relay")
		save(t, old, 5)
		release(t, old)
		release(t, old)
		fresh := lead(t, s, "relay")
		if err := old.Save(t.Context(), 99); !errors.Is(err, broker.ErrDeposed) {
			t.Errorf("got %v, want ErrDeposed", err)
		}
		release(t, old)
		save(t, fresh, 6)
		release(t, fresh)
		equal(t, "position", lead(t, s, "relay").Position(), 6)
	})
	test(t, open, "waits until the leader has gone", func(t *testing.T, s Store) { leadWaits(t, s, s) })
	test(t, open, "gives up when its context ends", func(t *testing.T, s Store) {
		lead(t, s, "relay")
		ctx, cancel := contextEnded(t)
		defer cancel()
		if lease, err := s.Lead(ctx, "relay"); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, %v, want context.Canceled", lease, err)
		}
	})
}

// leadWaits lets many candidates at two stores take the lead in turn.
func leadWaits(t *testing.T, stores ...Store) {
	first := lead(t, stores[0], "relay")
	done := make(chan error)
	leaders := make(chan struct{}, 1) // holds a token while somebody leads
	leaders <- struct{}{}
	for i := range 8 {
		go func() {
			lease, err := stores[i%len(stores)].Lead(t.Context(), "relay")
			if err != nil {
				done <- err
				return
			}
			select {
			case leaders <- struct{}{}:
			default:
				err = errors.New("two lead at once")
			}
			err = errors.Join(err, lease.Save(t.Context(), lease.Position()+1))
			<-leaders
			done <- errors.Join(err, lease.Release(t.Context()))
		}()
	}
	select {
	case err := <-done:
		t.Fatalf("somebody led beside the leader: %v", err)
	default:
	}
	save(t, first, 100)
	<-leaders
	release(t, first)
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	equal(t, "position", lead(t, stores[0], "relay").Position(), 108)
}
