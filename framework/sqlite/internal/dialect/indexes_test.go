package dialect_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/minos-framework/minos-go/framework/query"
	"github.com/minos-framework/minos-go/framework/sqlite/internal/dialect"
	"github.com/minos-framework/minos-go/framework/unit"
)

func index(tb testing.TB, paths ...string) query.Index {
	tb.Helper()
	i, err := query.BindIndex(kindOf, paths...)
	if err != nil {
		tb.Fatal(err)
	}
	i.Name = "Order"
	return i
}

// planOf returns how SQLite would read a page of a selection.
func planOf(ctx context.Context, db *sql.DB, s query.Selection) (string, error) {
	text, args := dialect.Page(s, s.After, 500)
	rows, err := db.QueryContext(ctx, "EXPLAIN QUERY PLAN SELECT * FROM minos_snapshot WHERE "+text, args...)
	if err != nil {
		return "", err
	}
	defer func() { _ = rows.Close() }()
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			return "", err
		}
		steps = append(steps, step)
	}
	return strings.Join(steps, "; "), rows.Err()
}

func TestIndex(t *testing.T) {
	t.Parallel()
	t.Run("is the one that files have", func(t *testing.T) {
		t.Parallel()
		for _, c := range []struct {
			paths      []string
			name       string // for ever
			definition string
		}{
			{
				[]string{"item"},
				"minos_snapshot_2accdb27f5da4c4f", "minos_snapshot (name, minos_key('item', 2, data), aggregate)",
			},
			{
				[]string{"total", "updated_at"},
				"minos_snapshot_b8234611bf63d5f2", "minos_snapshot (name, minos_key('total', 1, data), updated_at, aggregate)",
			},
			{
				[]string{"it's"},
				"minos_snapshot_8506608386250186", "minos_snapshot (name, minos_key('it''s', 2, data), aggregate)",
			},
		} {
			name, definition := dialect.Index(index(t, c.paths...))
			if name != c.name || definition != c.definition {
				t.Errorf("%q: %s on %s", c.paths, name, definition)
			}
		}
	})
	t.Run("serves conditions and orders", func(t *testing.T) {
		t.Parallel()
		db := connect(t)
		create(t, db)
		for _, path := range []string{"item", "total"} {
			name, definition := dialect.Index(index(t, path))
			if _, err := db.ExecContext(t.Context(), "CREATE INDEX "+name+" ON "+definition); err != nil {
				t.Fatal(err)
			}
		}
		for _, clauses := range [][]query.Clause{
			{query.Equal("item", "item 8")},
			{query.Greater("total", 1990), query.Asc("total")},
			{query.Desc("total")},
		} {
			plan, err := planOf(t.Context(), db, selection(t, clauses...))
			if err != nil || !strings.Contains(plan, "USING INDEX minos_snapshot_") {
				t.Errorf("%+v: %s, %v", clauses, plan, err)
			}
		}
		later := selection(t, query.Asc("total"))
		after := later.Position(unit.Snapshot{Data: []byte(`{"total":7}`)})
		later.After = &after
		plan, err := planOf(t.Context(), db, later)
		if err != nil || !strings.Contains(plan, "(name=? AND <expr>>?)") {
			t.Errorf("a page: %s, %v", plan, err)
		}
	})
}
