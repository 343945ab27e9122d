package unittest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/query"
	"github.com/minos-framework/minos-go/framework/unit"
)

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
	find := func(t *testing.T, s Store, wanted query.Selection) []uuid.UUID {
		t.Helper()
		return ids(collect(t, s.Snapshots(t.Context(), wanted)))
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
		equal(t, "all", find(t, s, query.Selection{Name: name}), all)
		equal(t, "limited", find(t, s, query.Selection{Name: name, Limit: 1050}), all[:1050])
		equal(t, "by id", find(t, s, query.Selection{Name: name, IDs: []uuid.UUID{all[9], uuid.New(), all[2]}}),
			[]uuid.UUID{all[2], all[9]})
		equal(t, "by no id", find(t, s, query.Selection{Name: name, IDs: []uuid.UUID{}}), []uuid.UUID{})
		equal(t, "unknown name", find(t, s, query.Selection{Name: "Nothing"}), []uuid.UUID{})
	})
	test(t, open, "takes other calls while it yields", func(t *testing.T, s Store) {
		for range 40 {
			commit(t, s, changed(unit.NewID(), 1))
		}
		var nested func(depth int)
		nested = func(depth int) {
			for snapshot, err := range s.Snapshots(t.Context(), query.Selection{Name: name}) {
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
		for _, err := range s.Snapshots(ctx, query.Selection{Name: name}) {
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
			{true, "[]"},
		} {
			var got []string
			for _, snapshot := range collect(t, s.Snapshots(t.Context(), selection(t, query.Equal("v", c.value)))) {
				got = append(got, keys[snapshot.Aggregate])
			}
			equal(t, fmt.Sprintf("v = %s", c.value), fmt.Sprint(got), c.want)
		}
		none := collect(t, s.Snapshots(t.Context(), selection(t, query.Equal("v", nil))))
		equal(t, "null and absent", len(none), 2)
		both := selection(t, query.Limit(1), query.Equal("k", true), query.Equal("v", 9007199254740992))
		found := collect(t, s.Snapshots(t.Context(), both))
		equal(t, "found by both", len(found), 1)
		equal(t, "found by both", keys[found[0].Aggregate], "near")
	})
}

// selection binds clauses about fields of any kind.
func selection(t *testing.T, clauses ...query.Clause) query.Selection {
	t.Helper()
	s, err := query.Bind(func(string) (query.Kind, error) { return query.JSON, nil }, clauses...)
	if err != nil {
		t.Fatal(err)
	}
	s.Name = name
	return s
}

// bind binds clauses about the fields of kindOf.
func bind(t *testing.T, name string, clauses ...query.Clause) query.Selection {
	t.Helper()
	s, err := query.Bind(kindOf, clauses...)
	if err != nil {
		t.Fatal(err)
	}
	s.Name = name
	return s
}
