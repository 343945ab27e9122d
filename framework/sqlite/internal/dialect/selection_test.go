package dialect_test

import (
	"database/sql"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/query"
	"github.com/minos-framework/minos-go/framework/sqlite/internal/dialect"
	"github.com/minos-framework/minos-go/framework/unit"
)

func kindOf(path string) (query.Kind, error) {
	kind, ok := map[string]query.Kind{
		"item": query.Text, "it's": query.Text, "total": query.Number, "tags": query.JSON,
	}[path]
	if !ok {
		return 0, fmt.Errorf("there is no field %q", path)
	}
	return kind, nil
}

func selection(tb testing.TB, clauses ...query.Clause) query.Selection {
	tb.Helper()
	s, err := query.Bind(kindOf, clauses...)
	if err != nil {
		tb.Fatal(err)
	}
	s.Name = "Order"
	return s
}

// create makes the tables of a store.
func create(tb testing.TB, db *sql.DB) {
	tb.Helper()
	schema, err := os.ReadFile("../../schema/0001_store.sql")
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := db.ExecContext(tb.Context(), string(schema)); err != nil {
		tb.Fatal(err)
	}
}

// id is the n-th of the ids, by their order.
func id(n int) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[8:], uint64(n)) //nolint:gosec // it is small
	return id
}

// moment is when the n-th microsecond of the tests was.
func moment(n int) time.Time { return time.UnixMicro(1_700_000_000_000_000 + int64(n)).UTC() }

// fill stores states of which one in seven is deleted and some have nulls.
func fill(tb testing.TB, db *sql.DB) (states []unit.Snapshot) {
	tb.Helper()
	for n := range 40 {
		s := unit.Snapshot{
			Aggregate: id(n), Name: "Order", Version: n%4 + 1, CreatedAt: moment(n / 2), UpdatedAt: moment(40 - n),
			Data: fmt.Appendf(nil, `{"item":"item %d","it's":"a","total":%d.5,"tags":["t%d"]}`, n%5, n%3, n%4),
		}
		switch {
		case n%7 == 0:
			s.Data = nil
		case n%11 == 0:
			s.Data = []byte(`{"item":null}`)
		case n == 39:
			s.Name = "Order's other"
		}
		states = append(states, s)
		var data any
		if s.Data != nil {
			data = string(s.Data)
		}
		_, err := db.ExecContext(tb.Context(), `INSERT INTO minos_snapshot
			(name, aggregate, version, schema, data, created_at, updated_at) VALUES (?, ?, ?, 1, ?, ?, ?)`,
			s.Name, s.Aggregate[:], s.Version, data, s.CreatedAt.UnixMicro(), s.UpdatedAt.UnixMicro())
		if err != nil {
			tb.Fatal(err)
		}
	}
	return states
}

// read returns the ids of one page.
func read(t *testing.T, db *sql.DB, s query.Selection, limit int) (ids []uuid.UUID) {
	t.Helper()
	text, args := dialect.Page(s, s.After, limit)
	rows, err := db.QueryContext(t.Context(), "SELECT aggregate FROM minos_snapshot WHERE "+text, args...)
	if err != nil {
		t.Fatalf("%v: %v", s.Where, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var data []byte
		if err := rows.Scan(&data); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, uuid.UUID(data))
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%v: %v", s.Where, err)
	}
	return ids
}

// expect compares a page with what the reference evaluator selects.
func expect(t *testing.T, db *sql.DB, states []unit.Snapshot, s query.Selection) {
	t.Helper()
	s.Limit = 30
	var want []uuid.UUID
	for _, state := range query.Select(s, states) {
		want = append(want, state.Aggregate)
	}
	if got := read(t, db, s, s.Limit); !slices.Equal(got, want) {
		t.Errorf("%v by %v: %d states, not %d:\n%v\n%v", s.Where, s.Order, len(got), len(want), got, want)
	}
}

// items are n texts, of which some are items of states.
func items(n int) (values []any) {
	for i := range n {
		values = append(values, fmt.Sprintf("item %d", i+3))
	}
	return values
}

// numbers are n numbers from 3 on.
func numbers(n int) (values []any) {
	for i := range n {
		values = append(values, i+3)
	}
	return values
}

func TestPage_conditions(t *testing.T) {
	t.Parallel()
	db := connect(t)
	create(t, db)
	states := fill(t, db)
	many := make([]query.Condition, 1200) // more than SQLite nests
	for i := range many {
		many[i] = query.Equal("total", i)
	}
	for _, condition := range []query.Condition{
		query.True(), query.False(), query.And(), query.Or(),
		query.Equal("item", "item 2"), query.NotEqual("item", "item 2"), query.Equal("item", nil),
		query.Equal("it's", "a"), query.Equal("item", "'; DROP TABLE minos_snapshot; --"),
		query.Lower("total", 1.5), query.LowerEqual("total", 1.5),
		query.Greater("total", 0.5), query.GreaterEqual("total", 0.5),
		query.Not(query.Greater("total", 0.5)),
		query.Like("item", "%3"), query.Contains("tags", "t1"), query.Contains("tags", []string{"t1", "t2"}),
		query.In("item"), query.In("item", items(2)...), query.In("item", items(600)...),
		query.In("item", append(items(600), nil)...), query.In("item", "item 1", nil),
		query.Equal("version", 2), query.Equal("version", 2.5), query.Greater("version", -1),
		query.Lower("version", 1e30), query.Equal("version", nil),
		query.In("version", numbers(600)...), query.In("version", append(numbers(600), nil)...),
		query.In("version", 1, nil),
		query.Equal("uuid", id(8).String()), query.Greater("uuid", id(30).String()),
		query.In("uuid", id(8).String(), id(9).String()),
		query.GreaterEqual("created_at", moment(10)), query.Equal("updated_at", moment(5)),
		query.And(query.Greater("version", 1), query.Or(query.Equal("item", "item 1"), query.Equal("total", 2.5))),
		query.Or(many...), query.Not(query.And(many...)),
	} {
		expect(t, db, states, selection(t, condition))
	}
}

func TestPage_ids(t *testing.T) {
	t.Parallel()
	db := connect(t)
	create(t, db)
	states := fill(t, db)
	for _, ids := range [][]uuid.UUID{nil, {}, {id(8)}, {id(7), id(8), id(1000), id(39)}} {
		s := selection(t, query.Desc("uuid"))
		s.IDs = ids
		expect(t, db, states, s)
	}
	other := selection(t)
	other.Name = "Order's other"
	if got := read(t, db, other, 10); !slices.Equal(got, []uuid.UUID{id(39)}) {
		t.Errorf("of another name: %v", got)
	}
}

func TestPage_orders(t *testing.T) {
	t.Parallel()
	db := connect(t)
	create(t, db)
	states := fill(t, db)
	for _, clauses := range [][]query.Clause{
		{},
		{query.Desc("uuid")},
		{query.Asc("item")},
		{query.Desc("item")},
		{query.Asc("version"), query.Desc("created_at")},
		{query.Desc("total"), query.Asc("item"), query.Asc("version")},
		{query.Asc("item"), query.Desc("total"), query.Desc("updated_at")},
		{query.Asc("item"), query.Desc("total"), query.Asc("version")},
	} {
		s := selection(t, clauses...)
		expect(t, db, states, s)
		for _, n := range []int{1, 14, 22, 35} { // states with and without values, and one that is gone
			position := s.Position(states[n])
			s.After = &position
			expect(t, db, states, s)
		}
	}
}
