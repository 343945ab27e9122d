package aggregate_test

import (
	"errors"
	"testing"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/unit"
)

func TestRepository_stale(t *testing.T) {
	t.Parallel()
	conflict := func(t *testing.T, err error) {
		t.Helper()
		if _, ok := errors.AsType[*aggregate.ConflictError](err); !ok {
			t.Errorf("got %v, want a *ConflictError", err)
		}
	}
	load := func(t *testing.T, b cartBundle) (mine, yours *Cart) {
		t.Helper()
		mine = b.create(t, &Cart{})
		yours, err := b.carts.Get(t.Context(), mine.UUID)
		if err != nil {
			t.Fatal(err)
		}
		return mine, yours
	}
	t.Run("a stale entity is not deleted", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		mine, yours := load(t, b)
		yours.Total = 1
		b.save(t, yours)
		conflict(t, b.carts.Delete(t.Context(), mine))
		if stored, err := b.carts.Get(t.Context(), mine.UUID); err != nil || stored.Total != 1 {
			t.Errorf("stored is %+v, %v", stored, err)
		}
	})
	t.Run("an entity that was deleted is not changed, and its history ends there", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		mine, yours := load(t, b)
		if err := b.carts.Delete(t.Context(), yours); err != nil {
			t.Fatal(err)
		}
		mine.Total = 1
		conflict(t, b.carts.Save(t.Context(), mine))
		conflict(t, b.carts.Delete(t.Context(), mine))
		if err := b.carts.Delete(t.Context(), yours); err == nil {
			t.Error("it was deleted twice")
		}
		if events := b.events(t, mine.UUID); len(events) != 2 || events[1].Action != unit.Delete {
			t.Errorf("the events are %+v", events)
		}
	})
	t.Run("inside a unit a stale entity is found at the commit", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		mine, yours := load(t, b)
		w := unit.New(nil)
		ctx := unit.With(t.Context(), w)
		if err := b.carts.Delete(ctx, yours); err != nil {
			t.Fatal(err)
		}
		mine.Total = 1
		if err := b.carts.Save(ctx, mine); err != nil {
			t.Fatal(err)
		}
		conflict(t, b.store.Commit(t.Context(), w))
		if n := len(b.events(t, mine.UUID)); n != 1 {
			t.Errorf("%d events are stored", n)
		}
	})
}
