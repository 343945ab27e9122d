package unittest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
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
		equal(t, "states", ids(collect(t, s.Snapshots(t.Context(), aggregate.Query{Name: name}))), []uuid.UUID{kept})
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

func ids(snapshots []unit.Snapshot) []uuid.UUID {
	ids := []uuid.UUID{}
	for _, s := range snapshots {
		ids = append(ids, s.Aggregate)
	}
	return ids
}

func sortedIDs(n int) []uuid.UUID {
	ids := make([]uuid.UUID, n)
	for i := range ids {
		ids[i] = uuid.New()
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	return ids
}

func runSnapshots(t *testing.T, open Opener) {
	find := func(t *testing.T, s Store, query aggregate.Query) []uuid.UUID {
		t.Helper()
		return ids(collect(t, s.Snapshots(t.Context(), query)))
	}
	test(t, open, "yields the states of one name in the order of ids", func(t *testing.T, s Store) {
		all := sortedIDs(1100)
		w := unit.New(nil)
		for _, i := range []int{1, 0} {
			for ; i < len(all); i += 2 {
				change(w, all[i], 1, json.RawMessage(`{}`))
			}
		}
		other := changed(unit.NewID(), 1)
		other.Events[0].Name, other.Snapshots[0].Name = "Other", "Other"
		commit(t, s, w, other)
		equal(t, "all", find(t, s, aggregate.Query{Name: name}), all)
		equal(t, "limited", find(t, s, aggregate.Query{Name: name, Limit: 1050}), all[:1050])
		equal(t, "by id", find(t, s, aggregate.Query{Name: name, IDs: []uuid.UUID{all[9], uuid.New(), all[2]}}),
			[]uuid.UUID{all[2], all[9]})
		equal(t, "by no id", find(t, s, aggregate.Query{Name: name, IDs: []uuid.UUID{}}), []uuid.UUID{})
		equal(t, "unknown name", find(t, s, aggregate.Query{Name: "Nothing"}), []uuid.UUID{})
	})
	test(t, open, "takes other calls while it yields", func(t *testing.T, s Store) {
		for range 40 {
			commit(t, s, changed(unit.NewID(), 1))
		}
		var nested func(depth int)
		nested = func(depth int) {
			for snapshot, err := range s.Snapshots(t.Context(), aggregate.Query{Name: name}) {
				if err != nil {
					t.Fatal(err)
				}
				if depth < 20 {
					nested(depth + 1)
					break
				}
				commit(t, s, changed(snapshot.Aggregate, 2))
				break
			}
		}
		nested(0)
	})
	test(t, open, "ends with an error when its context ends", func(t *testing.T, s Store) {
		commit(t, s, changed(unit.NewID(), 1))
		ctx, cancel := contextEnded(t)
		defer cancel()
		n := 0
		for _, err := range s.Snapshots(ctx, aggregate.Query{Name: name}) {
			n++
			if err == nil {
				t.Error("got a state, want an error")
			}
		}
		equal(t, "yields", n, 1)
	})
	runConditions(t, open)
}

func runConditions(t *testing.T, open Opener) {
	test(t, open, "selects by the values of fields", func(t *testing.T, s Store) {
		states := map[string]json.RawMessage{
			"text":   json.RawMessage(`{"v":"é'\"\\","k":"it's"}`),
			"one":    json.RawMessage(`{"v":1,"k":true}`),
			"exact":  json.RawMessage(`{"v":9007199254740993,"k":true}`),
			"near":   json.RawMessage(`{"v":9007199254740992,"k":true}`),
			"object": json.RawMessage(`{"v":{"a":[1,2],"b":null},"k":false}`),
			"null":   json.RawMessage(`{"v":null,"k":false}`),
			"absent": json.RawMessage(`{"k":false}`),
		}
		keys, w := map[uuid.UUID]string{}, unit.New(nil)
		for key, state := range states {
			id := unit.NewID()
			keys[id] = key
			change(w, id, 1, state)
		}
		commit(t, s, w)
		for _, c := range []struct {
			value any
			want  string
		}{
			{"é'\"\\", "[text]"},
			{1, "[one]"},
			{json.RawMessage(`1.0`), "[one]"},
			{"1", "[]"},
			{9007199254740993, "[exact]"},
			{json.RawMessage(`{"b":null,"a":[1, 2]}`), "[object]"},
			{json.RawMessage(`{"a":[1,2]}`), "[]"},
			{nil, "[null]"},
			{true, "[]"},
		} {
			var got []string
			query := aggregate.Query{Name: name, Where: []aggregate.Condition{aggregate.Equal("v", c.value)}}
			for _, snapshot := range collect(t, s.Snapshots(t.Context(), query)) {
				got = append(got, keys[snapshot.Aggregate])
			}
			equal(t, fmt.Sprintf("v = %s", c.value), fmt.Sprint(got), c.want)
		}
		both := aggregate.Query{Name: name, Limit: 1, Where: []aggregate.Condition{
			aggregate.Equal("k", true), aggregate.Equal("v", 9007199254740992),
		}}
		found := collect(t, s.Snapshots(t.Context(), both))
		equal(t, "found by both", len(found), 1)
		equal(t, "found by both", keys[found[0].Aggregate], "near")
	})
}
