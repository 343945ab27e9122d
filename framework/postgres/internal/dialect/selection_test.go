package dialect_test

import (
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/postgres/internal/dialect"
	"github.com/minos-framework/minos-go/framework/query"
	"github.com/minos-framework/minos-go/framework/unit"
)

func selection(tb testing.TB, clauses ...query.Clause) query.Selection {
	tb.Helper()
	s, err := query.Bind(kindOf, clauses...)
	if err != nil {
		tb.Fatal(err)
	}
	s.Name = "Order"
	return s
}

// texts are those of the pages of a selection after a state that has data, or
// from the beginning.
func texts(s query.Selection, data []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		for text := range dialect.Pages(s, position(s, data), 10) {
			if !yield(text) {
				return
			}
		}
	}
}

func position(s query.Selection, data []byte) *query.Position {
	if data == nil {
		return nil
	}
	p := s.Position(unit.Snapshot{Aggregate: unit.NewID(), Name: s.Name, Version: 3, Data: data, CreatedAt: time.Now()})
	return &p
}

func TestPages(t *testing.T) {
	t.Parallel()
	t.Run("asks once more for those whose first key is null, or is not", func(t *testing.T) {
		t.Parallel()
		known, null := []byte(`{"item": "x"}`), []byte(`{}`)
		for _, c := range []struct {
			clauses []query.Clause
			after   []byte
			more    string // in the second; "" when there is one
		}{
			{nil, nil, ""},
			{nil, known, ""},
			{[]query.Clause{query.Asc("item")}, nil, ""},
			{[]query.Clause{query.Asc("item")}, known, " IS NULL "},
			{[]query.Clause{query.Asc("item")}, null, ""},
			{[]query.Clause{query.Desc("item")}, known, ""},
			{[]query.Clause{query.Desc("item")}, null, " IS NOT NULL "},
			{[]query.Clause{query.Asc("item"), query.Desc("total")}, known, " IS NULL "},
			{[]query.Clause{query.Asc("created_at"), query.Asc("item")}, known, ""},
		} {
			pages := slices.Collect(texts(selection(t, c.clauses...), c.after))
			want := 1
			if c.more != "" {
				want = 2
			}
			if len(pages) != want || !strings.Contains(pages[want-1], c.more) {
				t.Errorf("%v after %s: got %q", c.clauses, c.after, pages)
			}
		}
	})
	t.Run("ends when nobody asks for more", func(t *testing.T) {
		t.Parallel()
		for text := range texts(selection(t, query.Asc("item")), []byte(`{"item": "x"}`)) {
			if !strings.HasSuffix(text, " LIMIT 10") {
				t.Errorf("got %s", text)
			}
			break
		}
	})
	t.Run("keeps names and keys apart from SQL", func(t *testing.T) {
		t.Parallel()
		for name, want := range map[string]string{
			"Order": `name = 'Order' AND`, "O'r": `name = 'O''r' AND`, `O\'r`: `name = E'O\\''r' AND`,
		} {
			s := selection(t)
			s.Name = name
			if text := slices.Collect(texts(s, nil))[0]; !strings.HasPrefix(text, want) {
				t.Errorf("%s: got %s, want %s", name, text, want)
			}
		}
	})
}

// Each argument has one place, where its type is told.
func TestPages_arguments(t *testing.T) {
	t.Parallel()
	parameter := regexp.MustCompile(`\$\d+(::[a-z]+)?`)
	now, id := time.Now(), uuid.New()
	for _, condition := range []query.Condition{
		query.Equal("item", "x"), query.Equal("item", nil), query.NotEqual("total", 3), query.Lower("price", "1.5"),
		query.GreaterEqual("paid", now), query.Greater("created_at", now), query.LowerEqual("version", 7),
		query.In("customer.id", id, uuid.New(), nil), query.In("done", true, false), query.In("paid", now, now),
		query.In("created_at", now, now), query.In("item"), query.In("item", "x"), query.Like("item", "ab%"),
		query.Contains("tags", "x"), query.And(), query.Or(), query.True(), query.False(),
		query.Or(query.Equal("uuid", id), query.And(query.Equal("done", true), query.Not(query.Like("item", "_")))),
	} {
		s := selection(t, condition, query.Desc("total"), query.Asc("item"))
		s.IDs = []uuid.UUID{id}
		for _, data := range []string{`{"item": "x", "total": 2}`, `{"total": 2}`, `{"item": "x"}`, `{}`} {
			for text, args := range dialect.Pages(s, position(s, []byte(data)), 10) {
				matches := parameter.FindAllString(text, -1)
				for i := range args {
					if len(matches) != len(args) || !strings.HasPrefix(matches[i], fmt.Sprintf("$%d::", i+1)) {
						t.Fatalf("%+v after %s: %d arguments for %s", condition, data, len(args), text)
					}
				}
			}
		}
	}
}

func TestPages_values(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string]struct {
		condition query.Condition
		has       string
		want      []any
	}{
		"a pattern's beginning is a range": {
			query.Like("item", "ab%"), " < $3::text", []any{"ab%", "ab", "ac"},
		},
		"one before the surrogates is": {
			query.Like("item", "\uD7FF%"), " < $3::text", []any{"\uD7FF%", "\uD7FF", "\uE000"},
		},
		"the last letter is carried": {
			query.Like("item", "a\U0010FFFF%"), " < ", []any{"a\U0010FFFF%", "a\U0010FFFF", "b"},
		},
		"a range may have no end": {
			query.Like("item", "\U0010FFFF%"), " >= $2", []any{"\U0010FFFF%", "\U0010FFFF"},
		},
		"a pattern of any beginning has none": {
			query.Like("item", "a_b%"), " LIKE $1::text)", []any{"a_b%"},
		},
		"a pattern without % has none": {
			query.Like("item", "ab"), " LIKE $1::text)", []any{"ab"},
		},
		"a version is a number of its column": {
			query.Equal("version", 7), "(version = $1::integer)", []any{"7"},
		},
		"a version that is none is compared": {
			query.Lower("version", 1<<40), "(version::numeric < $1::numeric)", []any{"1099511627776"},
		},
		"null is beside the values of a list": {
			query.In("done", true, nil), " IS NULL OR ", []any{[]bool{true}},
		},
		"a list of nothing but null is null": {
			query.In("done", nil), " IS NULL", nil,
		},
		"a list of nothing holds for nobody": {
			query.In("done"), " AND (FALSE) ", nil,
		},
		"a list of numbers is passed as texts": {
			query.In("total", 1, 2), "($1::text[]::numeric[])", []any{[]string{"1", "2"}},
		},
		"a collection is compared as JSON": {
			query.Contains("tags", "x"), " @> $1::jsonb)", []any{`"x"`},
		},
		"negation holds for what is not known": {
			query.Not(query.Equal("done", true)), " IS NOT TRUE)", []any{true},
		},
		"a conjunction of nothing always holds": {
			query.And(), " AND TRUE ", nil,
		},
		"a disjunction of nothing never does": {
			query.Or(), " AND FALSE ", nil,
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			for text, args := range dialect.Pages(selection(t, c.condition), nil, 10) {
				if !strings.Contains(text, c.has) || fmt.Sprint(args) != fmt.Sprint(c.want) {
					t.Errorf("got %s of %v, want %s of %v", text, args, c.has, c.want)
				}
			}
		})
	}
}
