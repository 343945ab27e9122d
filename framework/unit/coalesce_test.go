package unit_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/unit"
	"github.com/minos-framework/minos-go/framework/unit/unittest"
)

func TestCoalescer(t *testing.T) {
	t.Parallel()
	unittest.RunStore(t, func(t *testing.T) unittest.Store {
		t.Helper()
		store, err := memory.Open(t.Context(), memory.Config{})
		if err != nil {
			t.Fatal(err)
		}
		return coalesced{store, unit.Coalesce(store, unit.CoalesceConfig{Writers: 1})}
	})
}

// coalesced is a store whose commits go in groups.
type coalesced struct {
	*memory.Store
	commits *unit.Coalescer
}

func (c coalesced) Commit(ctx context.Context, works ...*unit.Work) error {
	return c.commits.Commit(ctx, works...)
}

// gate is a store whose commits wait until they are let through.
type gate struct {
	store *memory.Store
	open  chan struct{}
	mu    sync.Mutex
	sizes []int

	refuses *unit.Work // as a database refuses a value that only it knows to be wrong
	fault   error      // what it says then
}

func (g *gate) Commit(ctx context.Context, works ...*unit.Work) error {
	<-g.open
	g.mu.Lock()
	g.sizes = append(g.sizes, len(works))
	g.mu.Unlock()
	if g.refuses != nil && slices.Contains(works, g.refuses) {
		return g.fault
	}
	return g.store.Commit(ctx, works...)
}

func create(id uuid.UUID) *unit.Work {
	w := unit.New(nil)
	w.Append(
		unit.Event{Aggregate: id, Version: 1, Name: "Foo", Action: unit.Create, Schema: 1, Data: json.RawMessage("[]"), CreatedAt: w.Now()},
		unit.Snapshot{Aggregate: id, Version: 1, Name: "Foo", Data: json.RawMessage("{}"), CreatedAt: w.Now(), UpdatedAt: w.Now()})
	return w
}

func TestCoalescer_Commit(t *testing.T) {
	t.Parallel()
	t.Run("commits what waits together, and gives an error to the guilty caller alone", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			store, err := memory.Open(t.Context(), memory.Config{})
			if err != nil {
				t.Fatal(err)
			}
			g := &gate{store: store, open: make(chan struct{})}
			c := unit.Coalesce(g, unit.CoalesceConfig{Writers: 1})
			first, twice := unit.NewID(), unit.NewID()
			invalid := unit.New(nil)
			invalid.Publish(unit.Message{Topic: "A", Content: json.RawMessage("{")})
			works := []*unit.Work{create(first), create(twice), create(twice), invalid, create(unit.NewID())}
			outcomes := make([]error, len(works))
			var wait sync.WaitGroup
			for i, w := range works {
				wait.Go(func() { outcomes[i] = c.Commit(t.Context(), w) })
				synctest.Wait()
			}
			close(g.open)
			wait.Wait()
			conflict, isConflict := errors.AsType[*unit.ConflictError](outcomes[2])
			if !isConflict || conflict.Work != 0 || outcomes[3] == nil {
				t.Errorf("the guilty got %v and %v", outcomes[2], outcomes[3])
			}
			for _, i := range []int{0, 1, 4} {
				if outcomes[i] != nil {
					t.Errorf("work %d got %v", i, outcomes[i])
				}
			}
			if g.sizes[0] != 1 || g.sizes[1] != 4 {
				t.Errorf("the commits were of %v works", g.sizes)
			}
			for _, id := range []uuid.UUID{first, twice} {
				if _, err := store.Snapshot(t.Context(), "Foo", id); errors.Is(err, aggregate.ErrNotFound) {
					t.Errorf("%s was not stored", id)
				}
			}
		})
	})
	t.Run("takes nobody for a duplicate of what is not stored", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			store, err := memory.Open(t.Context(), memory.Config{})
			if err != nil {
				t.Fatal(err)
			}
			taken, handled := unit.NewID(), unit.Receipt{Topic: "CreateFoo", Message: unit.NewID()}
			if err := store.Commit(t.Context(), create(taken)); err != nil {
				t.Fatal(err)
			}
			g := &gate{store: store, open: make(chan struct{})}
			c := unit.Coalesce(g, unit.CoalesceConfig{Writers: 1})
			// The second builds on a version that is gone, and the third is its
			// redelivery, with the right one.
			works := []*unit.Work{create(unit.NewID()), create(taken), create(unit.NewID())}
			works[1].Settle(handled)
			works[2].Settle(handled)
			outcomes := make([]error, len(works))
			var wait sync.WaitGroup
			for i, w := range works {
				wait.Go(func() { outcomes[i] = c.Commit(t.Context(), w) })
				synctest.Wait()
			}
			close(g.open)
			wait.Wait()
			if _, conflict := errors.AsType[*unit.ConflictError](outcomes[1]); !conflict || outcomes[2] != nil {
				t.Errorf("got %v, want a conflict of the second alone", outcomes)
			}
		})
	})
	for name, c := range map[string]struct {
		fault  error
		shared bool
	}{
		"commits a batch that the store refuses one by one":                   {&unit.RefusedError{Status: 400, Reason: "no"}, false},
		"keeps an error that may be one caller's from the others":             {errors.New("an index row is too long"), false},
		"tells all of a batch that nobody knows what was stored of the batch": {&unit.UnknownError{Err: errors.New("cut")}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { commitRefused(t, c.fault, c.shared) })
		})
	}
	t.Run("stores nothing of a caller that gives up while it waits", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			store, err := memory.Open(t.Context(), memory.Config{})
			if err != nil {
				t.Fatal(err)
			}
			g := &gate{store: store, open: make(chan struct{})}
			c := unit.Coalesce(g, unit.CoalesceConfig{Writers: 1})
			var wait sync.WaitGroup
			wait.Go(func() {
				if err := c.Commit(t.Context(), create(unit.NewID())); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
			impatient, cancel := context.WithCancel(t.Context())
			id := unit.NewID()
			wait.Go(func() {
				if err := c.Commit(impatient, create(id)); !errors.Is(err, context.Canceled) {
					t.Errorf("the impatient caller got %v", err)
				}
			})
			synctest.Wait()
			cancel()
			synctest.Wait()
			close(g.open)
			wait.Wait()
			if _, err := store.Snapshot(t.Context(), "Foo", id); !errors.Is(err, aggregate.ErrNotFound) {
				t.Errorf("it was stored: %v", err)
			}
		})
	})
}

// commitRefused commits four works, of which the store does not take the third.
func commitRefused(t *testing.T, fault error, shared bool) {
	t.Helper()
	store, err := memory.Open(t.Context(), memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	bad := create(unit.NewID())
	g := &gate{store: store, open: make(chan struct{}), refuses: bad, fault: fault}
	c := unit.Coalesce(g, unit.CoalesceConfig{Writers: 1})
	works := []*unit.Work{create(unit.NewID()), create(unit.NewID()), bad, create(unit.NewID())}
	outcomes := make([]error, len(works))
	var wait sync.WaitGroup
	for i, w := range works {
		wait.Go(func() { outcomes[i] = c.Commit(t.Context(), w) })
		synctest.Wait()
	}
	close(g.open)
	wait.Wait()
	for i, err := range outcomes { // the first has gone before the others came
		if want := works[i] == bad || shared && i > 0; errors.Is(err, fault) != want || !want && err != nil {
			t.Errorf("work %d got %v", i, err)
		}
	}
}
