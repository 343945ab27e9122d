package unittest

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/minos-framework/minos-go/framework/query"
	"github.com/minos-framework/minos-go/framework/unit"
)

// runSelections compares what a store selects of random states, by random
// conditions, orders and limits, with what query.Select does.
func runSelections(t *testing.T, open Opener) {
	t.Run("random selections are those of the reference evaluator", func(t *testing.T) {
		t.Parallel()
		s, n := open(t), 0
		rapid.Check(t, func(rt *rapid.T) {
			n++
			g := selector{T: rt, name: fmt.Sprintf("Order%d", n)}
			states := g.states(t.Context(), s, rapid.IntRange(0, 25).Draw(rt, "states"))
			for range 8 {
				g.check(t.Context(), s, states)
			}
		})
	})
	t.Run("orders of many pages are those of the reference evaluator", func(t *testing.T) {
		t.Parallel()
		s, random := open(t), rand.New(rand.NewPCG(1, 2))
		all := manyStates(t, s, random, 1300)
		for _, order := range [][]query.Clause{
			{query.Asc("n")},
			{query.Desc("n")},
			{query.Asc("n"), query.Desc("t")},
			{query.Desc("n"), query.Asc("t")},
			{query.Desc("t"), query.Desc("n")},
			{query.Asc("created_at")},
			{query.Desc("version"), query.Asc("n")},
			{query.Desc("uuid")},
		} {
			selection := bind(t, name, order...)
			equal(t, fmt.Sprint(order), ids(collect(t, s.Snapshots(t.Context(), selection))), ids(query.Select(selection, all)))
		}
	})
}

// manyStates commits states with few values, so that many are equal, and some
// null.
func manyStates(t *testing.T, s Store, random *rand.Rand, n int) []unit.Snapshot {
	t.Helper()
	w := unit.New(nil)
	for range n {
		fields := []string{`"n":null`, `"n":1`, `"n":2.5`, `"n":"1"`}[random.IntN(4)]
		if random.IntN(2) == 0 {
			fields += fmt.Sprintf(`,"t":"%c"`, 'a'+rune(random.IntN(3)))
		}
		change(w, uuid.New(), 1, json.RawMessage("{"+fields+"}"))
		state := &w.Snapshots[len(w.Snapshots)-1]
		state.CreatedAt = w.Now().Add(time.Duration(random.IntN(5)) * time.Second)
	}
	commit(t, s, w)
	return w.Snapshots
}

// selector draws states and selections of the fields in kindOf.
type selector struct {
	*rapid.T

	name string
}

// kindOf is the model of the random states.
func kindOf(path string) (query.Kind, error) {
	kind, ok := map[string]query.Kind{
		"n": query.Number, "t": query.Text, "b": query.Bool, "at": query.Time, "d": query.Decimal,
		"u": query.UUID, "j": query.JSON, "o": query.JSON, "o.n": query.Number, "o.t": query.Text, "o.deep.n": query.Number,
		oddKey: query.Number,
	}[path]
	if !ok {
		return 0, fmt.Errorf("there is no field %q", path)
	}
	return kind, nil
}

// oddKey leads to a member whose name is what SQL could take for its own.
const oddKey = `o.it's "\' -- ; $1 ?`

// pools returns the values that fields of each kind have, as JSON: many near each
// other, and some that are not of the kind.
func pools() map[query.Kind][]string {
	return map[query.Kind][]string{
		query.Number: strings.Fields(`0 -0 1 1.0 1.5 -1.5 1e2 100 9007199254740992 9007199254740993 -9007199254740993
			1e-20 2e+30 0.1 10`),
		query.Text: strings.Fields(`"" "a" "A" "ab" "aB" "a%" "a_b" "a\\b" "a.b" "[a]" "(" "é" "e\u0301" "z" "\uffff" "😀"
			"\ud83d\ude00b" "it's" "$1" "a%b" "1"`),
		query.Bool: strings.Fields(`true false`),
		query.Decimal: strings.Fields(`"1.50" "1.5" 1.5 "-0.1" "0" "-0" "12345678901234567890.123" "007" "x" "1e3"
			"\u00201" "" "+1"`),
		query.UUID: strings.Fields(`"00000000-0000-0000-0000-000000000001" "ffffffff-0000-0000-0000-000000000001"
			"a0000000-0000-0000-0000-000000000000"`),
		query.Time: strings.Fields(`"2026-11-21T10:00:00Z" "2026-11-21T11:00:00+01:00" "2026-11-21T10:00:00.0000009Z"
			"2026-11-21T10:00:00.000001Z" "1969-12-31T23:59:59.9999999Z" "0000-01-01T00:00:00Z" "0000-02-29T00:00:00Z"
			"9999-12-31T23:59:59.999999Z" "2024-02-29T12:00:00-23:59" "2023-02-29T12:00:00Z" "1900-02-29T00:00:00Z"
			"2000-02-29T00:00:00Z" "2026-11-21T24:00:00Z" "2026-11-21T10:00:60Z" "2026-04-31T10:00:00Z"
			"2026-11-21T10:00:00" "2026-11-21T10:00:00z" "2026-11-21t10:00:00Z" "2026-11-21T10:00:00+24:00"
			"2026-11-21T10:00:00.Z" "2026-11-21T10:00:00,5Z" "now" ""`),
		query.JSON: strings.Fields(`[] [1] [1,2] [1.0,"a"] ["a","b"] [[1]] [[1,2]] {} {"a":1} {"a":1.0,"b":null}
			{"a":{"b":[1,{"c":2}]}} {"b":[1]} "a" 1 true [null] [{"a":1,"b":2}] {"a":null}`),
	}
}

// value draws JSON that is mostly of a kind.
func (g selector) value(kind query.Kind) string {
	switch rapid.IntRange(0, 11).Draw(g.T, "which value") {
	case 0:
		return "null"
	case 1:
		kind = rapid.SampledFrom([]query.Kind{query.Number, query.Text, query.Bool, query.JSON}).Draw(g.T, "another kind")
	case 2:
		if kind == query.Number {
			return fmt.Sprint(rapid.Int64().Draw(g.T, "number"))
		}
		if kind == query.Text {
			text := strings.ReplaceAll(rapid.String().Draw(g.T, "text"), "\x00", "")
			data, _ := json.Marshal(text) // texts always encode
			return string(data)
		}
	}
	return rapid.SampledFrom(pools()[kind]).Draw(g.T, "value")
}

// members draws the members of an object, some of which are missing.
func (g selector) members(kinds map[string]query.Kind, more ...string) string {
	for _, key := range []string{"n", "t", "b", "at", "d", "u", "j", "deep", `it's "\' -- ; $1 ?`} {
		if kind, ok := kinds[key]; ok && rapid.IntRange(0, 9).Draw(g.T, "has it") > 0 {
			quoted, _ := json.Marshal(key) // texts always encode
			more = append(more, string(quoted)+":"+g.value(kind))
		}
	}
	return "{" + strings.Join(more, ",") + "}"
}

// states commits random states and returns them.
func (g selector) states(ctx context.Context, s Store, n int) []unit.Snapshot {
	w := unit.New(nil)
	for range n {
		deep := g.members(map[string]query.Kind{"n": query.Number})
		inner := g.members(map[string]query.Kind{
			"n": query.Number, "t": query.Text, `it's "\' -- ; $1 ?`: query.Number,
		}, `"deep":`+deep)
		if rapid.IntRange(0, 9).Draw(g.T, "inner") == 0 {
			inner = `[{"n":1}]`
		}
		data := json.RawMessage(g.members(map[string]query.Kind{
			"n": query.Number, "t": query.Text, "b": query.Bool, "at": query.Time, "d": query.Decimal, "u": query.UUID,
			"j": query.JSON,
		}, `"o":`+inner))
		id := uuid.New()
		for version := range rapid.IntRange(1, 3).Draw(g.T, "versions") {
			change(w, id, version+1, data)
		}
		if rapid.IntRange(0, 9).Draw(g.T, "deleted") == 0 {
			data = nil
		}
		state := &w.Snapshots[len(w.Snapshots)-1]
		state.Data = data
		state.CreatedAt = w.Now().Add(time.Duration(rapid.IntRange(0, 3).Draw(g.T, "created")) * time.Microsecond)
	}
	for i := range w.Events {
		w.Events[i].Name = g.name
	}
	for i := range w.Snapshots {
		w.Snapshots[i].Name = g.name
	}
	if err := s.Commit(ctx, w); err != nil {
		g.Fatal(err)
	}
	return w.Snapshots
}

// check draws a selection and compares what s selects with the reference; whole,
// and in pages.
func (g selector) check(ctx context.Context, s Store, states []unit.Snapshot) {
	clauses := []query.Clause{}
	for range rapid.IntRange(0, 2).Draw(g.T, "conditions") {
		clauses = append(clauses, g.condition(3))
	}
	for range rapid.IntRange(0, 3).Draw(g.T, "keys") {
		path := rapid.SampledFrom([]string{
			"n", "t", "b", "at", "d", "u", "o.n", "o.t", oddKey, "uuid", "version", "created_at", "updated_at",
		}).Draw(g.T, "key")
		clauses = append(clauses, rapid.SampledFrom([]query.Clause{query.Asc(path), query.Desc(path)}).Draw(g.T, "order"))
	}
	selection, err := query.Bind(kindOf, clauses...)
	if err != nil {
		return // a value that is not of its kind
	}
	selection.Name = g.name
	if len(states) > 0 && rapid.IntRange(0, 5).Draw(g.T, "by id") == 0 {
		selection.IDs = []uuid.UUID{states[0].Aggregate, uuid.New(), states[len(states)/2].Aggregate}
	}
	whole := query.Select(selection, states)
	g.compare(ctx, s, selection, whole)
	selection.Limit = rapid.IntRange(1, 7).Draw(g.T, "limit")
	for got := 0; ; {
		page := whole[got:min(got+selection.Limit, len(whole))]
		g.compare(ctx, s, selection, page)
		if len(page) < selection.Limit {
			return
		}
		position, err := selection.At(selection.Cursor(selection.Position(page[len(page)-1])))
		if err != nil {
			g.Fatal(err)
		}
		selection.After, got = &position, got+len(page)
	}
}

// compare fails when a store does not select what is wanted.
func (g selector) compare(ctx context.Context, s Store, selection query.Selection, want []unit.Snapshot) {
	var got []unit.Snapshot
	for snapshot, err := range s.Snapshots(ctx, selection) {
		if err != nil {
			g.Fatalf("%+v: %v", selection, err)
		}
		got = append(got, snapshot)
	}
	if !slices.Equal(ids(got), ids(want)) {
		g.Fatalf("%+v:\ngot  %s\nwant %s", selection, contents(got), contents(want))
	}
}

func contents(snapshots []unit.Snapshot) (text string) {
	for _, s := range snapshots {
		text += fmt.Sprintf("\n  %s %d %s %s", s.Aggregate, s.Version, s.CreatedAt.Format(time.RFC3339Nano), s.Data)
	}
	return text
}

func (g selector) condition(depth int) query.Condition {
	switch which := rapid.IntRange(0, 11).Draw(g.T, "condition"); {
	case which < 3 && depth > 0:
		parts := make([]query.Condition, rapid.IntRange(0, 3).Draw(g.T, "parts"))
		for i := range parts {
			parts[i] = g.condition(depth - 1)
		}
		switch which {
		case 0:
			return query.And(parts...)
		case 1:
			return query.Or(parts...)
		}
		return query.Not(g.condition(depth - 1))
	case which == 3:
		return rapid.SampledFrom([]query.Condition{query.True(), query.False()}).Draw(g.T, "constant")
	}
	return g.leaf()
}

func (g selector) leaf() query.Condition {
	path := rapid.SampledFrom([]string{
		"n", "n", "t", "t", "t", "b", "at", "at", "d", "d", "u", "j", "j", "o", "o.n", "o.t", "o.deep.n", oddKey,
		"uuid", "version", "created_at", "updated_at",
	}).Draw(g.T, "path")
	kind, err := kindOf(path)
	if err != nil {
		kind = map[string]query.Kind{"uuid": query.UUID, "version": query.Number}[path]
	}
	draw := func() any {
		if kind == 0 {
			return time.Now().Add(time.Duration(rapid.IntRange(-3, 3).Draw(g.T, "time")) * time.Second)
		}
		return json.RawMessage(g.value(kind))
	}
	compare := []func(string, any) query.Condition{
		query.Equal, query.NotEqual, query.Lower, query.LowerEqual, query.Greater, query.GreaterEqual,
		query.Contains,
	}
	switch which := rapid.IntRange(0, 9).Draw(g.T, "leaf"); {
	case kind == query.JSON:
		return compare[[]int{0, 1, 6, 6}[rapid.IntRange(0, 3).Draw(g.T, "of JSON")]](path, draw())
	case which < 7:
		return compare[which](path, draw())
	case which == 7 && kind == query.Text:
		return query.Like(path, rapid.StringOf(rapid.SampledFrom([]rune(`aab%%_\.[(é😀`))).Draw(g.T, "pattern"))
	}
	values := make([]any, rapid.IntRange(0, 3).Draw(g.T, "values"))
	for i := range values {
		values[i] = draw()
	}
	return query.In(path, values...)
}
