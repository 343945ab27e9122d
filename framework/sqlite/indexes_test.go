package sqlite_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/query"
	"github.com/minos-framework/minos-go/framework/sqlite"
	"github.com/minos-framework/minos-go/framework/unit"
)

func kindOf(path string) (query.Kind, error) {
	kind, ok := map[string]query.Kind{"item": query.Text, "total": query.Number}[path]
	if !ok {
		return 0, fmt.Errorf("there is no field %q", path)
	}
	return kind, nil
}

func index(tb testing.TB, paths ...string) query.Index {
	tb.Helper()
	i, err := query.BindIndex(kindOf, paths...)
	if err != nil {
		tb.Fatal(err)
	}
	i.Name = "Order"
	return i
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

// fill commits n orders, one of each item in a hundred.
func fill(tb testing.TB, s *sqlite.Store, n int) {
	tb.Helper()
	w := unit.New(nil)
	for i := range n {
		id := uuid.New()
		w.Append(unit.Event{
			Aggregate: id, Version: 1, Name: "Order", Action: unit.Create, Schema: 1, Data: []byte("[]"), CreatedAt: w.Now(),
		}, unit.Snapshot{
			Aggregate: id, Name: "Order", Version: 1, CreatedAt: w.Now(), UpdatedAt: w.Now(),
			Data: fmt.Appendf(nil, `{"item":"item %d","total":%d}`, i%100, i),
		})
	}
	if err := s.Commit(tb.Context(), w); err != nil {
		tb.Fatal(err)
	}
}

func count(tb testing.TB, s *sqlite.Store, clauses ...query.Clause) (n int) {
	tb.Helper()
	for _, err := range s.Snapshots(tb.Context(), selection(tb, clauses...)) {
		if err != nil {
			tb.Fatal(err)
		}
		n++
	}
	return n
}

func TestStore_CreateIndexes(t *testing.T) {
	t.Parallel()
	t.Run("creates each once, whoever starts at the same time", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "store.db")
		stores := []*sqlite.Store{open(t, path), open(t, path), open(t, path)}
		fill(t, stores[0], 1000)
		var starting sync.WaitGroup
		for _, s := range stores {
			starting.Go(func() {
				if err := s.CreateIndexes(t.Context(), index(t, "item"), index(t, "total", "updated_at")); err != nil {
					t.Error(err)
				}
			})
		}
		starting.Wait()
		fill(t, stores[1], 500) // which writes to the indexes
		if n := count(t, stores[2], query.Equal("item", "item 8")); n != 15 {
			t.Errorf("found %d", n)
		}
		// As another program sees it.
		created := "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name GLOB 'minos_snapshot_????????????????'"
		if n := number(t, path, created); n != 2 {
			t.Errorf("%d indexes", n)
		}
		if n := number(t, path, "SELECT count(*) FROM minos_snapshot WHERE version = 1"); n != 1500 {
			t.Errorf("%d states", n)
		}
	})
}
