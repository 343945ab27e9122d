package unittest

import (
	"errors"
	"testing"

	"github.com/minos-framework/minos-go/framework/unit"
)

// RunShared tests stores that several processes open on one database. Each
// call of create makes an empty database; the opener that it returns opens it,
// each time as another process would.
func RunShared(t *testing.T, create func(t *testing.T) Opener) {
	open := func(t *testing.T) (a, b Store) {
		t.Helper()
		opener := create(t)
		return opener(t), opener(t)
	}
	t.Run("what one commits the other reads", func(t *testing.T) {
		t.Parallel()
		a, b := open(t)
		f := newFull(1)
		commit(t, a, f.Work)
		expectPresent(t, b, f)
	})
	t.Run("what one commits the other cannot commit again", func(t *testing.T) {
		t.Parallel()
		a, b := open(t)
		f := newFull(1)
		commit(t, a, f.Work)
		expectConflict(t, b, 0, f.id, changed(f.id, 1))
		if _, ok := errors.AsType[*unit.DuplicateError](b.Commit(t.Context(), f.Work)); !ok {
			t.Error("a receipt was taken twice")
		}
	})
	t.Run("everything is there when it is opened again", func(t *testing.T) {
		t.Parallel()
		opener := create(t)
		a, f := opener(t), newFull(1)
		commit(t, a, f.Work)
		lease := lead(t, a, "relay")
		save(t, lease, 7)
		release(t, lease)
		b := opener(t)
		expectPresent(t, b, f)
		equal(t, "position", lead(t, b, "relay").Position(), 7)
	})
	t.Run("many open an empty database at once", func(t *testing.T) {
		t.Parallel()
		opener := create(t)
		stores := make([]Store, 6)
		parallel(t, len(stores), func(i int) error {
			stores[i] = opener(t)
			return stores[i].Commit(t.Context(), changed(unit.NewID(), 1))
		})
		equal(t, "events", len(pending(t, stores[0], 0)), len(stores))
	})
	t.Run("one leads at a time", func(t *testing.T) {
		t.Parallel()
		a, b := open(t)
		leadWaits(t, a, b)
	})
	t.Run("of writers of one version one wins", func(t *testing.T) {
		t.Parallel()
		a, b := open(t)
		contend(t, a, b)
	})
	t.Run("a tailing reader sees every entry once", func(t *testing.T) {
		t.Parallel()
		a, b := open(t)
		tail(t, a, b)
	})
}
