package query_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/query"
	"github.com/minos-framework/minos-go/framework/unit"
)

// kindOf is the model of these tests: the first letter of a name says its kind.
func kindOf(path string) (query.Kind, error) {
	name := path[strings.LastIndex(path, ".")+1:]
	kind, ok := map[byte]query.Kind{
		'n': query.Number, 't': query.Text, 'b': query.Bool, 'a': query.Time, 'd': query.Decimal, 'u': query.UUID,
		'j': query.JSON, '\'': query.Text,
	}[name[0]]
	if !ok {
		return 0, fmt.Errorf("there is no field %q", path)
	}
	return kind, nil
}

func bind(t *testing.T, clauses ...query.Clause) query.Selection {
	t.Helper()
	s, err := query.Bind(kindOf, clauses...)
	if err != nil {
		t.Fatal(err)
	}
	s.Name = "Foo"
	return s
}

func created() time.Time { return time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC) }

func state(data string) unit.Snapshot {
	return unit.Snapshot{
		Aggregate: uuid.MustParse("a0000000-0000-0000-0000-000000000000"), Name: "Foo", Version: 3,
		Data: json.RawMessage(data), CreatedAt: created(), UpdatedAt: created().Add(time.Hour),
	}
}

type row struct {
	data      string
	condition query.Condition
	want      bool
}

func checkRows(t *testing.T, rows []row) {
	t.Helper()
	for _, r := range rows {
		if got := bind(t, r.condition).Match(state(r.data)); got != r.want {
			t.Errorf("%s: %+v: got %t", r.data, r.condition, got)
		}
	}
}

func TestSelection_Match(t *testing.T) {
	t.Parallel()
	t.Run("compares numbers exactly", func(t *testing.T) {
		t.Parallel()
		checkRows(t, []row{
			{`{"n":9007199254740993}`, query.Equal("n", 9007199254740993), true},
			{`{"n":9007199254740993}`, query.Equal("n", 9007199254740992), false},
			{`{"n":9007199254740993}`, query.Greater("n", 9007199254740992), true},
			{`{"n":-9007199254740993}`, query.Lower("n", -9007199254740992), true},
			{`{"n":123456789012345678901234567890}`, query.Greater("n", uint64(math.MaxUint64)), true},
			{`{"n":1.0}`, query.Equal("n", 1), true},
			{`{"n":100}`, query.Equal("n", json.RawMessage(`1e2`)), true},
			{`{"n":-0}`, query.Equal("n", 0), true},
			{`{"n":0.1}`, query.Equal("n", 0.1), true},
			{`{"n":-2}`, query.Lower("n", -1.5), true},
			{`{"n":-0.12}`, query.Greater("n", -0.123), true},
			{`{"n":1e-400}`, query.Greater("n", 0), true},
			{`{"n":1e999999}`, query.Greater("n", math.MaxFloat64), true},
			{`{"d":"1.50"}`, query.Equal("d", "1.5"), true},
			{`{"d":"10"}`, query.Greater("d", "9.99"), true},
			{`{"d":2}`, query.LowerEqual("d", "2.00"), true},
			{`{"d":"1e3"}`, query.Equal("d", nil), true},
		})
	})
	t.Run("compares texts by code point", func(t *testing.T) {
		t.Parallel()
		checkRows(t, []row{
			{`{"t":"a"}`, query.Greater("t", "B"), true},
			{`{"t":"😀"}`, query.Greater("t", "\uffff"), true}, // by UTF-16 it would be lower
			{`{"t":"\ud83d\ude00"}`, query.Equal("t", "😀"), true},
			{`{"t":"é"}`, query.Equal("t", "e\u0301"), false},
			{`{"t":""}`, query.Equal("t", ""), true},
			{`{"t":""}`, query.Lower("t", "a"), true},
			{`{"t":"ab"}`, query.GreaterEqual("t", "a"), true},
			{`{"u":"a0000000-0000-0000-0000-000000000001"}`, query.Equal("u", "A0000000-0000-0000-0000-000000000001"), true},
			{`{"b":true}`, query.Greater("b", false), true},
		})
	})
	t.Run("compares times by instant, to the microsecond", func(t *testing.T) {
		t.Parallel()
		lisbon := time.FixedZone("", 3600)
		checkRows(t, []row{
			{`{"at":"2026-11-21T10:00:00Z"}`, query.Equal("at", created().In(lisbon)), true},
			{`{"at":"2026-11-21T11:00:00+01:00"}`, query.Equal("at", created()), true},
			{`{"at":"2026-11-21T10:00:00.0000009Z"}`, query.Equal("at", created()), true},
			{`{"at":"2026-11-21T10:00:00.000001Z"}`, query.Greater("at", created()), true},
			{`{"at":"1969-12-31T23:59:59.9999999Z"}`, query.Equal("at", time.UnixMicro(-1)), true},
			{`{"at":"0000-02-29T00:00:00Z"}`, query.Lower("at", created()), true},
			{`{"at":"2026-02-29T00:00:00Z"}`, query.Equal("at", nil), true},
			{`{"at":"2026-11-21"}`, query.Equal("at", nil), true},
			{`{}`, query.Equal("created_at", created().Add(999*time.Nanosecond)), true},
			{`{}`, query.Lower("created_at", "2026-11-21T10:00:00-01:00"), true},
		})
	})
	t.Run("takes what is missing, null or of another kind for null", func(t *testing.T) {
		t.Parallel()
		for _, data := range []string{`{}`, `{"n":null}`, `{"n":"1"}`, `{"n":[1]}`, `{"n":true}`} {
			checkRows(t, []row{
				{data, query.Equal("n", nil), true},
				{data, query.NotEqual("n", nil), false},
				{data, query.Equal("n", 1), false},
				{data, query.NotEqual("n", 1), true},
				{data, query.Not(query.Equal("n", 1)), true},
				{data, query.Not(query.Not(query.Equal("n", 1))), false},
				{data, query.Lower("n", 1), false},
				{data, query.GreaterEqual("n", 1), false},
				{data, query.Not(query.Lower("n", 1)), true},
				{data, query.In("n", 1, nil), true},
				{data, query.In("n", 1, 2), false},
			})
		}
		checkRows(t, []row{
			{`{"t":1}`, query.Like("t", "%"), false},
			{`{"j":null}`, query.Contains("j", nil), false},
			{`not JSON`, query.Equal("n", nil), true},
			{`{"n":{}}`, query.Equal("n.n", nil), true},
			{`{"j":null}`, query.Equal("j", nil), true},
		})
	})
	t.Run("joins by and, or, not, true and false", func(t *testing.T) {
		t.Parallel()
		yes, no := query.True(), query.False()
		checkRows(t, []row{
			{`{}`, yes, true},
			{`{}`, no, false},
			{`{}`, query.And(), true},
			{`{}`, query.Or(), false},
			{`{}`, query.And(yes, no), false},
			{`{}`, query.Or(no, yes), true},
			{`{}`, query.Not(query.And(yes, query.Or(no, no))), true},
			{`{"n":1}`, query.In("n"), false},
			{`{"n":1}`, query.Not(query.In("n")), true},
		})
	})
	t.Run("follows paths through objects and maps, not through lists", func(t *testing.T) {
		t.Parallel()
		checkRows(t, []row{
			{`{"j":{"k":{"n":1}}}`, query.Equal("j.k.n", 1), true},
			{`{"j":[{"n":1}]}`, query.Equal("j.n", nil), true},
			{`{"j":[7]}`, query.Equal("j.n0", nil), true},
			{`{"j":{"' OR 1=1 --":"x"}}`, query.Equal("j.' OR 1=1 --", "x"), true},
			{`{"j":{"' OR 1=1 --":"x"}}`, query.Equal("j.'", "x"), false},
		})
	})
	t.Run("knows the fields that every root has", func(t *testing.T) {
		t.Parallel()
		checkRows(t, []row{
			{`{"version":9}`, query.Equal("version", 3), true},
			{`{}`, query.Lower("version", 3.5), true},
			{`{}`, query.Equal("uuid", "a0000000-0000-0000-0000-000000000000"), true},
			{`{}`, query.Greater("uuid", uuid.Nil), true},
			{`{}`, query.Greater("updated_at", created()), true},
			{`{}`, query.Equal("uuid", nil), false},
		})
	})
	t.Run("selects no tombstone, no other name and no other id", func(t *testing.T) {
		t.Parallel()
		s := bind(t)
		deleted, other := state(`{}`), state(`{}`)
		deleted.Data, other.Name = nil, "Bar"
		if s.Match(deleted) || s.Match(other) || !s.Match(state(`{}`)) {
			t.Error("it does")
		}
		s.IDs = []uuid.UUID{uuid.Nil}
		if s.Match(state(`{}`)) {
			t.Error("it selects another id")
		}
	})
}

func TestLike(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, pattern string
		want          bool
	}{
		{"abc", "abc", true},
		{"abc", "ab", false},
		{"abc", "%b%", true},
		{"abc", "a_c", true},
		{"abc", "a%", true},
		{"abc", "%c", true},
		{"abc", "_", false},
		{"", "%", true},
		{"", "_", false},
		{"a.c", "a.c", true},
		{"abc", "a.c", false},
		{"[a]+(b)*^$|?", "[a]+(b)*^$|?", true},
		{"aab", "a*b", false},
		{"ABC", "abc", false},
		{"100%", `100\%`, true},
		{"1000", `100\%`, false},
		{"a_c", `a\_c`, true},
		{"abc", `a\_c`, false},
		{`a\c`, `a\\c`, true},
		{"abc", `a\bc`, true},
		{"é😀", "__", true},
		{"line\nbreak", "line%break", true},
		{"line\nbreak", "line_break", true},
		{"mississippi", "%issip%", true},
		{"mississippi", "%issis%ss%", false},
		{strings.Repeat("a", 5000), strings.Repeat("%a", 50) + "%b", false}, // in bounded time
	} {
		data, _ := json.Marshal(map[string]string{"t": c.text}) // texts always encode
		if got := bind(t, query.Like("t", c.pattern)).Match(state(string(data))); got != c.want {
			t.Errorf("%.20q like %.20q: got %t", c.text, c.pattern, got)
		}
	}
}

func TestContains(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		whole, part string
		want        bool
	}{
		{`["a","b"]`, `"a"`, true},
		{`["a","b"]`, `["b","a","a"]`, true},
		{`["a","b"]`, `"c"`, false},
		{`[1,2.0]`, `2`, true},
		{`[1,"2"]`, `2`, false},
		{`[]`, `[]`, true},
		{`"a"`, `"a"`, true},
		{`"a"`, `["a"]`, false},
		{`{"a":1,"b":2}`, `{"a":1.0}`, true},
		{`{"a":1}`, `{"a":1,"b":null}`, false},
		{`{"a":null}`, `{"a":null}`, true},
		{`{"a":{"b":[1,{"c":2}]}}`, `{"a":{"b":[{"c":2}]}}`, true},
		{`{"a":[1,2]}`, `{"a":1}`, false}, // a single element stands for a list at the top alone
		{`[[1,2]]`, `[[1]]`, true},
		{`[1]`, `[[1]]`, false},
		{`[{"a":1,"b":2}]`, `[{"a":1}]`, true},
		{`[{"a":1}]`, `{"a":1}`, false},
		{`{}`, `[]`, false},
		{`[null]`, `null`, true},
	} {
		condition := query.Contains("j", json.RawMessage(c.part))
		if got := bind(t, condition).Match(state(`{"j":` + c.whole + `}`)); got != c.want {
			t.Errorf("%s contains %s: got %t", c.whole, c.part, got)
		}
	}
}
