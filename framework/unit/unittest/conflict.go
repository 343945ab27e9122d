package unittest

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/unit"
)

// expectConflict commits works, of which the one at guilty is in conflict about id.
func expectConflict(t *testing.T, s Store, guilty int, id uuid.UUID, works ...*unit.Work) {
	t.Helper()
	err := s.Commit(t.Context(), works...)
	conflict, ok := errors.AsType[*unit.ConflictError](err)
	if !ok {
		t.Fatalf("got %v, want a *unit.ConflictError", err)
	}
	equal(t, "guilty work", conflict.Work, guilty)
	equal(t, "guilty id", conflict.ID, id)
}

// contested is a full work about an aggregate that it also changes.
func contested(id uuid.UUID, version int) full {
	f := newFull(1)
	change(f.Work, id, version, json.RawMessage(`{}`))
	return f
}

func runConflict(t *testing.T, open Opener) {
	test(t, open, "a version that is taken leaves nothing of the work", func(t *testing.T, s Store) {
		id := unit.NewID()
		commit(t, s, changed(id, 1))
		commit(t, s, changed(id, 2))
		for _, version := range []int{1, 2} {
			f := contested(id, version)
			expectConflict(t, s, 0, id, f.Work)
			expectAbsent(t, s, f)
		}
		snapshot, err := s.Snapshot(t.Context(), name, id)
		if err != nil || snapshot.Version != 2 {
			t.Errorf("got %+v, %v, want version 2", snapshot, err)
		}
	})
	test(t, open, "a gap between versions leaves nothing of the work", func(t *testing.T, s Store) {
		id, missing := unit.NewID(), unit.NewID()
		commit(t, s, changed(id, 1))
		f := contested(id, 3)
		expectConflict(t, s, 0, id, f.Work)
		expectAbsent(t, s, f)
		f = contested(missing, 2)
		expectConflict(t, s, 0, missing, f.Work)
		expectAbsent(t, s, f)
	})
	test(t, open, "a gap within a work is one too", func(t *testing.T, s Store) {
		f := newFull(1)
		change(f.Work, f.id, 3, json.RawMessage(`{}`))
		expectConflict(t, s, 0, f.id, f.Work)
		expectAbsent(t, s, f)
	})
	test(t, open, "an id belongs to aggregates of one name", func(t *testing.T, s Store) {
		id := unit.NewID()
		commit(t, s, changed(id, 1))
		for _, version := range []int{1, 2} {
			w := changed(id, version)
			w.Events[0].Name, w.Snapshots[0].Name = "Other", "Other"
			expectConflict(t, s, 0, id, w)
		}
	})
	test(t, open, "of several works the guilty one is named and none is stored", func(t *testing.T, s Store) {
		id := unit.NewID()
		commit(t, s, changed(id, 1))
		a, b, c := newFull(1), contested(id, 1), newFull(1)
		expectConflict(t, s, 1, id, a.Work, b.Work, c.Work)
		expectAbsent(t, s, a)
		expectAbsent(t, s, b)
		expectAbsent(t, s, c)
	})
	test(t, open, "of two works with one version the later is guilty", func(t *testing.T, s Store) {
		id := unit.NewID()
		a, b := contested(id, 1), contested(id, 1)
		expectConflict(t, s, 1, id, a.Work, b.Work)
		expectAbsent(t, s, a)
		expectAbsent(t, s, b)
	})
	test(t, open, "the work can be decided again and committed", func(t *testing.T, s Store) {
		id := unit.NewID()
		commit(t, s, changed(id, 1))
		f := contested(id, 1)
		expectConflict(t, s, 0, id, f.Work)
		f.Events[1].Version, f.Snapshots[1].Version = 2, 2
		commit(t, s, f.Work)
		expectPresent(t, s, f)
	})
	test(t, open, "a deleted aggregate goes on from its tombstone only", func(t *testing.T, s Store) {
		id := unit.NewID()
		commit(t, s, changed(id, 1))
		commit(t, s, change(unit.New(nil), id, 2, nil))
		expectConflict(t, s, 0, id, changed(id, 1))
		expectConflict(t, s, 0, id, changed(id, 2))
		commit(t, s, changed(id, 3))
	})
	test(t, open, "a saga's revision that is taken or leaves a gap leaves nothing of the work", func(t *testing.T, s Store) {
		w, row := unit.New(nil), execution(1)
		w.SaveSaga(row)
		commit(t, s, w)
		for _, revision := range []int{1, 3} {
			f := newFull(1)
			row.Revision = revision
			f.SaveSaga(row)
			expectConflict(t, s, 1, row.ID, newFull(1).Work, f.Work)
			expectAbsent(t, s, f)
		}
		missing := newFull(1)
		row = execution(2)
		missing.SaveSaga(row)
		expectConflict(t, s, 0, row.ID, missing.Work)
		expectAbsent(t, s, missing)
	})
}

func runDuplicate(t *testing.T, open Opener) {
	expect := func(t *testing.T, s Store, guilty int, r unit.Receipt, works ...*unit.Work) {
		t.Helper()
		err := s.Commit(t.Context(), works...)
		duplicate, ok := errors.AsType[*unit.DuplicateError](err)
		if !ok {
			t.Fatalf("got %v, want a *unit.DuplicateError", err)
		}
		equal(t, "guilty work", duplicate.Work, guilty)
		equal(t, "receipt", duplicate.Receipt, r)
	}
	test(t, open, "a receipt that is there leaves nothing of the work", func(t *testing.T, s Store) {
		first, again := newFull(1), newFull(1)
		commit(t, s, first.Work)
		again.Settle(first.receipt)
		expect(t, s, 0, first.receipt, again.Work)
		expectAbsent(t, s, again)
	})
	test(t, open, "of several works the guilty one is named and none is stored", func(t *testing.T, s Store) {
		first, again, other := newFull(1), newFull(1), newFull(1)
		commit(t, s, first.Work)
		again.Settle(first.receipt)
		expect(t, s, 1, first.receipt, other.Work, again.Work)
		expectAbsent(t, s, again)
		expectAbsent(t, s, other)
	})
	test(t, open, "of two works with one receipt the later is guilty", func(t *testing.T, s Store) {
		a, b := newFull(1), newFull(1)
		b.Settle(a.receipt)
		expect(t, s, 1, a.receipt, a.Work, b.Work)
		expectAbsent(t, s, a)
		expectAbsent(t, s, b)
	})
	test(t, open, "a message is settled once for each topic", func(t *testing.T, s Store) {
		f, other := newFull(1), newFull(1)
		commit(t, s, f.Work)
		r := unit.Receipt{Topic: "Others", Message: f.receipt.Message}
		other.Settle(r)
		commit(t, s, other.Work)
		third := unit.New(nil)
		third.Settle(r)
		expect(t, s, 0, r, third)
	})
	test(t, open, "a handled message is told before a conflict", func(t *testing.T, s Store) {
		f := newFull(1)
		commit(t, s, f.Work)
		expect(t, s, 0, f.receipt, f.Work)
	})
}
