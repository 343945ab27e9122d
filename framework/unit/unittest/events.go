package unittest

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/unit"
)

// runEvents checks the order, the filters and the end of what Events yields.
func runEvents(t *testing.T, open Opener) {
	test(t, open, "reads all events in one order, past messages", func(t *testing.T, s Store) {
		const n = 1203
		w := unit.New(nil)
		for i := range n {
			if i%100 == 0 {
				w.Publish(message())
			}
			change(w, unit.NewID(), 1, []byte(`{}`))
		}
		commit(t, s, w)
		commit(t, s, changed(unit.NewID(), 1))
		events := collect(t, s.Events(t.Context(), aggregate.EventQuery{}))
		equal(t, "events", len(events), n+1)
		for i := 1; i < len(events); i++ {
			if events[i].Seq <= events[i-1].Seq {
				t.Fatalf("event %d comes after event %d", events[i].Seq, events[i-1].Seq)
			}
		}
		offset, err := s.Offset(t.Context())
		if err != nil || offset < events[n].Seq {
			t.Errorf("offset: got %d, %v, want %d or more", offset, err, events[n].Seq)
		}
		equal(t, "after the offset", len(collect(t, s.Events(t.Context(), aggregate.EventQuery{After: offset}))), 0)
		commit(t, s, changed(unit.NewID(), 1))
		equal(t, "after a commit", len(collect(t, s.Events(t.Context(), aggregate.EventQuery{After: offset}))), 1)
	})
	test(t, open, "has no events and no offset at first", func(t *testing.T, s Store) {
		offset, err := s.Offset(t.Context())
		if offset != 0 || err != nil {
			t.Errorf("offset: got %d, %v, want 0", offset, err)
		}
		equal(t, "events", len(collect(t, s.Events(t.Context(), aggregate.EventQuery{}))), 0)
	})
	test(t, open, "selects events by all that is set", func(t *testing.T, s Store) {
		a, b := unit.NewID(), unit.NewID()
		w := unit.New(nil)
		for n := 1; n <= 4; n++ {
			change(w, a, n, []byte(`{}`))
			change(w, b, n, []byte(`{}`))
		}
		other := changed(unit.NewID(), 1)
		other.Events[0].Name, other.Snapshots[0].Name = "Other", "Other"
		commit(t, s, w, other)
		all := collect(t, s.Events(t.Context(), aggregate.EventQuery{}))
		third, sixth := all[2].Seq, all[5].Seq
		for sentence, c := range map[string]struct {
			query aggregate.EventQuery
			want  int
		}{
			"one aggregate":            {aggregate.EventQuery{Aggregate: a}, 4},
			"one that is not there":    {aggregate.EventQuery{Aggregate: uuid.New()}, 0},
			"one of another name":      {aggregate.EventQuery{Aggregate: a, Name: "Other"}, 0},
			"a name":                   {aggregate.EventQuery{Name: "Other"}, 1},
			"versions of one":          {aggregate.EventQuery{Aggregate: b, AfterVersion: 1, UpToVersion: 3}, 2},
			"versions of all":          {aggregate.EventQuery{AfterVersion: 3}, 2},
			"first versions":           {aggregate.EventQuery{UpToVersion: 1}, 3},
			"positions":                {aggregate.EventQuery{After: third, UpTo: sixth}, 3},
			"positions of one":         {aggregate.EventQuery{Aggregate: a, After: third, UpTo: sixth}, 1},
			"positions that are ahead": {aggregate.EventQuery{After: sixth, UpTo: sixth + 1000}, 3},
			"a few":                    {aggregate.EventQuery{Limit: 5}, 5},
			"a few of one":             {aggregate.EventQuery{Aggregate: b, Limit: 2}, 2},
		} {
			equal(t, sentence, len(collect(t, s.Events(t.Context(), c.query))), c.want)
		}
	})
	test(t, open, "ends events with an error when its context ends", func(t *testing.T, s Store) {
		commit(t, s, changed(unit.NewID(), 1))
		ctx, cancel := contextEnded(t)
		defer cancel()
		n := 0
		for _, err := range s.Events(ctx, aggregate.EventQuery{}) {
			if n++; err == nil {
				t.Error("got an event, want an error")
			}
		}
		equal(t, "yields", n, 1)
	})
	test(t, open, "keeps the schema of events and states", func(t *testing.T, s Store) {
		id := unit.NewID()
		w := changed(id, 1)
		w.Events[0].Schema, w.Snapshots[0].Schema = 3, 4
		commit(t, s, w)
		snapshot, err := s.Snapshot(t.Context(), name, id)
		if err != nil || snapshot.Schema != 4 {
			t.Errorf("state: got %+v, %v, want schema 4", snapshot, err)
		}
		equal(t, "event", collect(t, s.Events(t.Context(), aggregate.EventQuery{Aggregate: id}))[0].Schema, 3)
		w = changed(id, 2)
		w.Snapshots[0].Schema = 5
		commit(t, s, w)
		snapshot, err = s.Snapshot(t.Context(), name, id)
		if err != nil || snapshot.Schema != 5 {
			t.Errorf("next state: got %+v, %v, want schema 5", snapshot, err)
		}
	})
	runPosition(t, open)
	runRewrite(t, open)
}

// runPosition checks what a conflict tells of the store.
func runPosition(t *testing.T, open Opener) {
	test(t, open, "says in a conflict which version is there, and the offset", func(t *testing.T, s Store) {
		id := unit.NewID()
		for n := 1; n <= 3; n++ {
			commit(t, s, changed(id, n))
		}
		conflict, ok := errors.AsType[*unit.ConflictError](s.Commit(t.Context(), changed(id, 3)))
		if !ok {
			t.Fatal("a version was taken twice")
		}
		offset, err := s.Offset(t.Context())
		if err != nil || conflict.Version != 3 || conflict.Current != 3 || conflict.Offset < 3 || conflict.Offset > offset {
			t.Errorf("got %+v, %v, want version 3, current 3 and offset 3", conflict, err)
		}
		conflict, ok = errors.AsType[*unit.ConflictError](s.Commit(t.Context(), changed(unit.NewID(), 2)))
		if !ok || conflict.Current != 0 {
			t.Errorf("of an aggregate that is not there: got %+v, want current 0", conflict)
		}
	})
}

// runRewrite checks that states are replaced only while nobody has moved them on.
func runRewrite(t *testing.T, open Opener) {
	test(t, open, "rewrites states of the version that is stored", func(t *testing.T, s Store) {
		same, ahead, missing := unit.NewID(), unit.NewID(), unit.NewID()
		commit(t, s, changed(same, 1), changed(ahead, 1))
		commit(t, s, changed(ahead, 2))
		state := func(id uuid.UUID) unit.Snapshot {
			return unit.Snapshot{
				Aggregate: id, Name: name, Version: 1, Schema: 2, Data: []byte(`{"n":"one"}`),
				CreatedAt: unit.New(nil).Now(), UpdatedAt: unit.New(nil).Now(),
			}
		}
		left, err := s.Rewrite(t.Context(), state(same), state(ahead), state(missing))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "left alone", left, []uuid.UUID{ahead})
		for id, want := range map[uuid.UUID]string{same: `{"n":"one"}`, ahead: `{"n":2}`, missing: `{"n":"one"}`} {
			got, err := s.Snapshot(t.Context(), name, id)
			if err != nil {
				t.Fatal(err)
			}
			sameJSON(t, "state", got.Data, []byte(want))
		}
		tombstone := state(same)
		tombstone.Data = nil
		if left, err = s.Rewrite(t.Context(), tombstone); err != nil || len(left) > 0 {
			t.Fatalf("left %v, %v", left, err)
		}
		got, err := s.Snapshot(t.Context(), name, same)
		if err != nil || !got.Deleted() || got.Schema != 2 {
			t.Errorf("got %+v, %v, want a tombstone", got, err)
		}
		if left, err = s.Rewrite(t.Context()); err != nil || len(left) > 0 {
			t.Errorf("nothing to rewrite: %v, %v", left, err)
		}
		commit(t, s, changed(missing, 2))
	})
	test(t, open, "rewrites beside writers without losing what they write", func(t *testing.T, s Store) {
		ids := sortedIDs(20)
		for _, id := range ids {
			commit(t, s, changed(id, 1))
		}
		parallel(t, 4, func(i int) error {
			for n := 2; n <= 20; n++ {
				if i == 0 {
					works := make([]*unit.Work, len(ids))
					for j, id := range ids {
						works[j] = changed(id, n)
					}
					if err := s.Commit(t.Context(), works...); err != nil {
						return err
					}
					continue
				}
				states := make([]unit.Snapshot, len(ids))
				for j, id := range ids {
					states[j] = changed(id, n-i).Snapshots[0]
				}
				if _, err := s.Rewrite(t.Context(), states...); err != nil {
					return err
				}
			}
			return nil
		})
		for _, id := range ids {
			got, err := s.Snapshot(t.Context(), name, id)
			if err != nil || got.Version != 20 {
				t.Fatalf("got %+v, %v, want version 20", got, err)
			}
			sameJSON(t, "state", got.Data, []byte(`{"n":20}`))
		}
	})
}
