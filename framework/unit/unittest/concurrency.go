package unittest

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/unit"
)

func runConcurrency(t *testing.T, open Opener) {
	test(t, open, "of writers of one version one wins", func(t *testing.T, s Store) { contend(t, s) })
	test(t, open, "a tailing reader sees every entry once", func(t *testing.T, s Store) { tail(t, s, s) })
	test(t, open, "works about the same aggregates do not block each other for good", func(t *testing.T, s Store) {
		all := sortedIDs(6)
		parallel(t, 8, func(writer int) error {
			for range 20 {
				w := unit.New(nil)
				for _, i := range rand.Perm(len(all))[:3] {
					snapshot, err := s.Snapshot(t.Context(), name, all[i])
					if err != nil {
						snapshot.Version = 0
					}
					change(w, all[i], snapshot.Version+1, json.RawMessage(`{}`))
				}
				err := s.Commit(t.Context(), w)
				if _, ok := errors.AsType[*unit.ConflictError](err); err != nil && !ok {
					return err
				}
			}
			return nil
		})
	})
}

// parallel runs fn n times at once.
func parallel(t *testing.T, n int, fn func(i int) error) {
	t.Helper()
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if err := fn(i); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// contend lets 16 writers add 10 versions each to one aggregate.
func contend(t *testing.T, stores ...Store) {
	id := unit.NewID()
	commit(t, stores[0], changed(id, 1))
	parallel(t, 16, func(writer int) error {
		s := stores[writer%len(stores)]
		for done := 0; done < 10; {
			snapshot, err := s.Snapshot(t.Context(), name, id)
			if err != nil {
				return err
			}
			err = s.Commit(t.Context(), changed(id, snapshot.Version+1))
			if _, ok := errors.AsType[*unit.ConflictError](err); err != nil && !ok {
				return err
			}
			if err == nil {
				done++
			}
		}
		return nil
	})
	events := collect(t, stores[0].Events(t.Context(), aggregate.EventQuery{Aggregate: id}))
	equal(t, "events", len(events), 161)
	for i, e := range events {
		if e.Version != i+1 {
			t.Fatalf("event %d has version %d", i, e.Version)
		}
	}
}

// tail reads the outbox while 16 writers commit, some of them in vain.
func tail(t *testing.T, stores ...Store) {
	const writers, rounds = 16, 30
	written := make(chan struct{})
	messages := make([]map[uuid.UUID]bool, writers) // that were committed
	latest := make([]map[uuid.UUID]int, writers)
	go func() {
		defer close(written)
		parallel(t, writers, func(i int) (err error) {
			messages[i], latest[i], err = write(t, stores[i%len(stores)], rounds)
			return err
		})
	}()
	seen, versions := map[uuid.UUID]int{}, map[uuid.UUID]int{}
	var after, last int64
	for {
		over := false
		select {
		case <-written:
			over = true
		default:
		}
		entries, position, err := stores[0].Pending(t.Context(), after, 7)
		if err != nil {
			t.Fatalf("pending: %v", err)
		}
		for _, e := range entries {
			if e.Seq <= last || e.Seq > position {
				t.Fatalf("entry %d came after %d, with position %d", e.Seq, last, position)
			}
			last = e.Seq
			if e.Message != nil {
				seen[e.Message.ID]++
				continue
			}
			versions[e.Event.Aggregate]++
			if versions[e.Event.Aggregate] != e.Event.Version {
				t.Fatalf("version %d came as number %d", e.Event.Version, versions[e.Event.Aggregate])
			}
		}
		if after = position; over && len(entries) == 0 {
			break
		}
	}
	total := 0
	for i := range writers {
		for id := range messages[i] {
			total++
			equal(t, "times that a message was seen", seen[id], 1)
		}
		for id, version := range latest[i] {
			equal(t, "events seen of an aggregate", versions[id], version)
		}
	}
	equal(t, "messages seen", len(seen), total)
}

// write commits works about aggregates of its own, and some that are refused.
// It returns the messages that were committed and the aggregates' versions.
func write(t *testing.T, s Store, rounds int) (map[uuid.UUID]bool, map[uuid.UUID]int, error) {
	own := sortedIDs(3)
	messages, latest := map[uuid.UUID]bool{}, map[uuid.UUID]int{}
	for range rounds {
		id, m := own[rand.IntN(len(own))], message()
		w := changed(id, latest[id]+1)
		w.Publish(m)
		if refused := rand.IntN(4) == 0; refused {
			change(w, own[0], latest[own[0]]+3+rand.IntN(3), json.RawMessage(`{}`))
			if _, ok := errors.AsType[*unit.ConflictError](s.Commit(t.Context(), w)); !ok {
				return nil, nil, errors.New("a gap was taken")
			}
			continue
		}
		if err := s.Commit(t.Context(), w); err != nil {
			return nil, nil, err
		}
		latest[id]++
		messages[m.ID] = true
	}
	return messages, latest, nil
}
