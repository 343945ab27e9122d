package dialect_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/minos-framework/minos-go/framework/postgres/internal/dialect"
	"github.com/minos-framework/minos-go/framework/query"
)

func kindOf(path string) (query.Kind, error) {
	kind, ok := map[string]query.Kind{
		"item": query.Text, "total": query.Number, "paid": query.Time, "price": query.Decimal, "customer.id": query.UUID,
		"done": query.Bool, "tags": query.JSON,
	}[path]
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

func TestIndex(t *testing.T) {
	t.Parallel()
	t.Run("has the name that it has in databases", func(t *testing.T) {
		t.Parallel()
		for paths, want := range map[string]string{ // for ever
			"item":        "snapshot_c335d89a15b8caf0",
			"total":       "snapshot_45d800498e1937a7",
			"paid":        "snapshot_de1c4e776fabd135",
			"price":       "snapshot_681403a7d3e7846e",
			"customer.id": "snapshot_bc7764de9cf6cb00",
			"done":        "snapshot_71b73c674a61a70f",
			"item total":  "snapshot_40b61075d9026987",
			"updated_at":  "snapshot_ac5288767006c0b5",
		} {
			if name, definition := dialect.Index(index(t, strings.Fields(paths)...)); name != want {
				t.Errorf("%s: got %s on %s, want %s", paths, name, definition, want)
			}
		}
	})
	t.Run("is on what pages compare and order by", func(t *testing.T) {
		t.Parallel()
		for _, path := range []string{"item", "total", "paid", "price", "customer.id", "done", "created_at"} {
			_, definition := dialect.Index(index(t, path))
			key, ok := strings.CutPrefix(strings.TrimSuffix(definition, ", aggregate)"), "minos.snapshot (name, ")
			if !ok {
				t.Errorf("%s: got %s", path, definition)
			}
			s := selection(t, query.Not(query.Equal(path, nil)), query.Asc(path))
			if pages := slices.Collect(texts(s, nil)); !strings.Contains(pages[0], " ORDER BY "+key+", aggregate") {
				t.Errorf("%s: got %s, want it by %s", path, pages[0], key)
			}
		}
	})
}
