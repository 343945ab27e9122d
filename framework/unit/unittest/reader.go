package unittest

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/query"
	"github.com/minos-framework/minos-go/framework/unit"
)

func runReader(t *testing.T, open Opener) {
	test(t, open, "reads what was committed just before", func(t *testing.T, s Store) {
		id := unit.NewID()
		w := changed(id, 1)
		created := w.Now()
		commit(t, s, w)
		for n := 2; n <= 5; n++ {
			w = changed(id, n)
			w.Snapshots[0].CreatedAt = created
			commit(t, s, w)
			got, err := s.Snapshot(t.Context(), name, id)
			if err != nil {
				t.Fatal(err)
			}
			sameJSON(t, "state", got.Data, fmt.Appendf(nil, `{"n":%d}`, n))
			got.Data = nil
			equal(t, "snapshot", got, unit.Snapshot{
				Aggregate: id, Name: name, Version: n, CreatedAt: created, UpdatedAt: w.Now(),
			})
		}
	})
	test(t, open, "does not find what is not there, or has another name", func(t *testing.T, s Store) {
		id := unit.NewID()
		commit(t, s, changed(id, 1))
		for _, key := range []struct {
			name string
			id   uuid.UUID
		}{{name, unit.NewID()}, {"Other", id}, {"", id}} {
			if _, err := s.Snapshot(t.Context(), key.name, key.id); !errors.Is(err, aggregate.ErrNotFound) {
				t.Errorf("%v: got %v, want ErrNotFound", key, err)
			}
		}
		equal(t, "history", len(collect(t, s.Events(t.Context(), aggregate.EventQuery{Aggregate: unit.NewID()}))), 0)
	})
	test(t, open, "keeps a tombstone of what was deleted", func(t *testing.T, s Store) {
		id, kept := unit.NewID(), unit.NewID()
		commit(t, s, changed(id, 1), changed(kept, 1))
		commit(t, s, change(unit.New(nil), id, 2, nil))
		got, err := s.Snapshot(t.Context(), name, id)
		if err != nil || !got.Deleted() || got.Version != 2 {
			t.Errorf("got %+v, %v, want a tombstone of version 2", got, err)
		}
		equal(t, "states", ids(collect(t, s.Snapshots(t.Context(), query.Selection{Name: name}))), []uuid.UUID{kept})
		events := collect(t, s.Events(t.Context(), aggregate.EventQuery{Aggregate: id}))
		equal(t, "last action", events[len(events)-1].Action, unit.Delete)
	})
	test(t, open, "reads a history in order from any version", func(t *testing.T, s Store) {
		id, now := unit.NewID(), time.Now().UTC().Truncate(time.Microsecond)
		commit(t, s, changed(unit.NewID(), 1))
		w := unit.New(map[string]string{"user": "ann"})
		for n := 1; n <= 1200; n++ {
			change(w, id, n, json.RawMessage(`{}`))
		}
		w.Events[0].Schema, w.Events[0].CreatedAt = 7, now
		commit(t, s, w)
		events := collect(t, s.Events(t.Context(), aggregate.EventQuery{Aggregate: id}))
		equal(t, "events", len(events), 1200)
		for i, e := range events {
			if e.Version != i+1 || i > 0 && e.Seq <= events[i-1].Seq {
				t.Fatalf("event %d is %+v", i, e)
			}
		}
		first := events[0]
		sameJSON(t, "data", first.Data, []byte(`[{"name":"n","value":1}]`))
		first.Data, first.Seq = nil, 0
		equal(t, "event", first, unit.Event{
			Aggregate: id, Version: 1, Name: name, Action: unit.Create, Schema: 7,
			Headers: map[string]string{"user": "ann"}, CreatedAt: now,
		})
		equal(t, "later events", collect(t, s.Events(t.Context(), aggregate.EventQuery{Aggregate: id, AfterVersion: 1198})), events[1198:])
		equal(t, "all events", len(collect(t, s.Events(t.Context(), aggregate.EventQuery{Aggregate: id, AfterVersion: -1}))), 1200)
		equal(t, "events after the last", len(collect(t, s.Events(t.Context(), aggregate.EventQuery{Aggregate: id, AfterVersion: 1200}))), 0)
		for e, err := range s.Events(t.Context(), aggregate.EventQuery{Aggregate: id}) {
			if err != nil || e.Version != 1 {
				t.Errorf("got %+v, %v, want the first event", e, err)
			}
			break
		}
	})
	runSnapshots(t, open)
}
