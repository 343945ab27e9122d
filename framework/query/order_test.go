package query_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/query"
	"github.com/minos-framework/minos-go/framework/unit"
)

// some makes states whose ids end in their places, from 1 on.
func some(data ...string) []unit.Snapshot {
	states := make([]unit.Snapshot, len(data))
	for i, text := range data {
		states[i] = state(text)
		states[i].Aggregate = uuid.UUID{15: byte(i + 1)}
	}
	return states
}

func places(states []unit.Snapshot) (text string) {
	for _, s := range states {
		text += fmt.Sprint(s.Aggregate[15])
	}
	return text
}

func TestSelect(t *testing.T) {
	t.Parallel()
	states := some(`{"n":2,"t":"b"}`, `{"n":null,"t":"a"}`, `{"n":10,"t":"b"}`, `{"n":2,"t":"a"}`, `{"t":"c"}`, `{"n":-1}`)
	for _, c := range []struct {
		clauses []query.Clause
		want    string
	}{
		{nil, "123456"},
		{[]query.Clause{query.Limit(2)}, "12"},
		{[]query.Clause{query.Asc("n")}, "614325"},
		{[]query.Clause{query.Desc("n")}, "523416"},
		{[]query.Clause{query.Asc("n"), query.Desc("t")}, "614352"},
		{[]query.Clause{query.Desc("t"), query.Asc("n")}, "651342"},
		{[]query.Clause{query.Desc("uuid")}, "654321"},
		{[]query.Clause{query.Asc("version"), query.Limit(3)}, "123"},
		{[]query.Clause{query.GreaterEqual("n", 2), query.Desc("n"), query.Limit(2)}, "34"},
	} {
		reversed := slices.Clone(states)
		slices.Reverse(reversed)
		got := places(query.Select(bind(t, c.clauses...), reversed))
		if got != c.want {
			t.Errorf("%+v: got %s, want %s", c.clauses, got, c.want)
		}
	}
}

func TestSelection_At(t *testing.T) {
	t.Parallel()
	states := some(`{"n":2}`, `{"n":null}`, `{"n":9007199254740993,"t":"<é>"}`, `{"n":2}`, `{"t":"x"}`)
	t.Run("goes on after any position of any order", func(t *testing.T) {
		t.Parallel()
		for _, order := range [][]query.Clause{
			nil,
			{query.Asc("n")},
			{query.Desc("n"), query.Asc("t")},
			{query.Asc("at"), query.Desc("created_at"), query.Asc("uuid"), query.Asc("version")},
		} {
			s := bind(t, order...)
			whole := query.Select(s, states)
			for i, last := range whole {
				after, err := s.At(s.Cursor(s.Position(last)))
				if err != nil {
					t.Fatal(err)
				}
				rest := s
				rest.After = &after
				if got := places(query.Select(rest, states)); got != places(whole[i+1:]) {
					t.Errorf("%+v after %d: got %s, want %s", order, i, got, places(whole[i+1:]))
				}
			}
		}
	})
	t.Run("takes a UUID in its usual form only, and makes it canonical", func(t *testing.T) {
		t.Parallel()
		s := bind(t, query.Asc("uuid"))
		at := func(text string) (query.Position, error) {
			key := query.ValueAt([]byte(`{"t":"`+text+`"}`), query.Path{Name: "t", Kind: query.Text})
			return s.At(s.Cursor(query.Position{Keys: []query.Value{key}}))
		}
		const id = "0198c0de-0000-7000-8000-00000000abcd"
		p, err := at(strings.ToUpper(id))
		if err != nil || p.Keys[0].Text() != id {
			t.Errorf("got %+v, %v", p, err)
		}
		for _, text := range []string{"urn:uuid:" + id, "{" + id + "}", strings.ReplaceAll(id, "-", ""), "x"} {
			if _, err := at(text); !errors.Is(err, query.ErrCursor) {
				t.Errorf("%s: got %v", text, err)
			}
		}
	})
	t.Run("refuses a cursor of another query, or one that was changed", func(t *testing.T) {
		t.Parallel()
		s := bind(t, query.Asc("n"), query.Equal("t", "a"))
		text := s.Cursor(s.Position(states[0]))
		other := s
		other.Name = "Bar"
		for what, c := range map[string]struct {
			selection query.Selection
			text      string
		}{
			"another name":      {other, text},
			"another order":     {bind(t, query.Desc("n"), query.Equal("t", "a")), text},
			"another value":     {bind(t, query.Asc("n"), query.Equal("t", "b")), text},
			"another condition": {bind(t, query.Asc("n"), query.NotEqual("t", "a")), text},
			"nothing":           {s, ""},
			"garbage":           {s, "x!"},
			"a changed end":     {s, text[:len(text)-2] + "AA"},
			"more":              {s, text + "AAAA"},
		} {
			if _, err := c.selection.At(c.text); !errors.Is(err, query.ErrCursor) {
				t.Errorf("%s: got %v", what, err)
			}
		}
		if _, err := s.At(text); err != nil {
			t.Errorf("the same: %v", err)
		}
	})
}

func TestBind(t *testing.T) {
	t.Parallel()
	for want, clause := range map[string]query.Clause{
		`there is no field "x"`:                                   query.Equal("x", 1),
		`there is no field "j.x"`:                                 query.Desc("j.x"),
		`"n..n" is not a path`:                                    query.Equal("n..n", 1),
		`"" is not a path`:                                        query.Asc(""),
		"is not a path":                                           query.Equal("j.n\x00", 1),
		`the value for field "n": "1" is not a number`:            query.Equal("n", "1"),
		`the value for field "n": json: unsupported value: NaN`:   query.Lower("n", math.NaN()),
		`the value for field "n": null has no order`:              query.Greater("n", nil),
		`the value for field "t": 1 is not a text`:                query.In("t", "a", 1),
		`the value for field "b": 1 is not a bool`:                query.Not(query.Equal("b", 1)),
		`the value for field "at": "today" is not a time`:         query.And(query.Equal("at", "today")),
		`the value for field "d": "1,5" is not a decimal`:         query.Equal("d", "1,5"),
		`the value for field "u": "7" is not a UUID`:              query.Equal("u", "7"),
		`the value for field "uuid": "7" is not a UUID`:           query.Equal("uuid", "7"),
		`the value for field "version": "7" is not a number`:      query.Equal("version", "7"),
		`field "j" is a list, a map or an object, which has no`:   query.Lower("j", 1),
		`field "jj" is a list, a map or an object, which has no`:  query.Asc("jj"),
		`field "n" is a number, and like is for texts`:            query.Like("n", "%"),
		`the pattern for field "t": it ends in a backslash`:       query.Like("t", `a\`),
		`field "created_at" contains nothing`:                     query.Contains("created_at", 1),
		`the character NUL`:                                       query.Equal("t", "a\x00"),
		`is not UTF-8`:                                            query.Equal("t", "a\xff"),
		`more digits than can be stored`:                          query.Equal("n", json.RawMessage(`1e200000`)),
		`there is one limit at most, of at least 1`:               query.Limit(0),
		`was not made by the functions of package query`:          query.Condition{},
		`the value for field "j": json: unsupported type: func()`: query.Equal("j", func() {}),
	} {
		if _, err := query.Bind(kindOf, clause); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %s", clause, err, want)
		}
	}
	if _, err := query.Bind(kindOf, query.Limit(1), query.Limit(2)); err == nil {
		t.Error("two limits were taken")
	}
	for _, paths := range [][]string{nil, {"x"}, {"n", "j"}} {
		if _, err := query.BindIndex(kindOf, paths...); err == nil {
			t.Errorf("an index on %q was taken", paths)
		}
	}
}
