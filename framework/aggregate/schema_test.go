package aggregate_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/unit"
)

// cartSchema is the history of Cart: state became status and colour went, then
// total became a number and payments were counted in whole units.
func cartSchema() aggregate.Option {
	renamed, removed := aggregate.Renamed("state", "status"), aggregate.Removed("colour")
	return aggregate.Schema(3, func(action unit.Action, diffs []aggregate.FieldDiff) ([]aggregate.FieldDiff, error) {
		diffs, err := renamed(action, diffs)
		if err != nil {
			return nil, err
		}
		return removed(action, diffs)
	}, numbers)
}

func numbers(action unit.Action, diffs []aggregate.FieldDiff) ([]aggregate.FieldDiff, error) {
	for i, d := range diffs {
		switch {
		case action == unit.Record && d.Name == "Paid":
			var paid struct{ Cents int }
			if err := json.Unmarshal(d.Value, &paid); err != nil {
				return nil, err
			}
			diffs[i].Value = fmt.Appendf(nil, `{"amount":%d}`, paid.Cents/100)
		case action != unit.Record && d.Name == "total":
			var text string
			if err := json.Unmarshal(d.Value, &text); err != nil {
				return nil, err
			}
			if _, err := strconv.Atoi(text); err != nil {
				return nil, err
			}
			diffs[i].Value = json.RawMessage(text)
		}
	}
	return diffs, nil
}

// golden commits the events of a file as a program of its time did.
func (b cartBundle) golden(t *testing.T, file string) aggregate.UUID {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var events []struct {
		Version, Schema int
		Action          unit.Action
		Data            json.RawMessage
	}
	if err := json.Unmarshal(text, &events); err != nil {
		t.Fatal(err)
	}
	w, id := unit.New(nil), unit.NewID()
	for _, e := range events {
		w.Append(unit.Event{
			Aggregate: id, Version: e.Version, Name: "Cart", Action: e.Action, Schema: e.Schema, Data: e.Data, CreatedAt: w.Now(),
		}, unit.Snapshot{
			Aggregate: id, Name: "Cart", Version: e.Version, Schema: e.Schema, CreatedAt: w.Now(), UpdatedAt: w.Now(),
			Data: json.RawMessage(`{"state":"open","status":"open","total":"17","colour":"blue"}`),
		})
	}
	if err := b.store.Commit(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	return id
}

func TestSchema(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/cart/*.json")
	if err != nil || len(files) != 3 {
		t.Fatalf("the golden files are %v, %v", files, err)
	}
	for _, file := range files {
		t.Run("reads historic events of "+filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			b := setupCarts(t)
			b = cartsIn(t, b.store, append(cartOptions(), cartSchema())...)
			id := b.golden(t, file)
			cart, err := b.carts.At(t.Context(), id, 3)
			if err != nil {
				t.Fatal(err)
			}
			want := `"status":"paid","total":17,"note":null,"tags":["a","b","c"],"items":[]}`
			if got := plain(t, cart); !strings.HasSuffix(got, want) {
				t.Errorf("replayed is %s", got)
			}
		})
	}
	t.Run("loads states of an older schema by their events, and saves them in the newer", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		b = cartsIn(t, b.store, append(cartOptions(), cartSchema())...)
		id := b.golden(t, "testdata/cart/v1.json")
		cart, err := b.carts.Get(t.Context(), id)
		if err != nil || cart.Total != 17 || cart.Status != "paid" || cart.Version != 3 {
			t.Fatalf("got %+v, %v", cart, err)
		}
		cart.Total++
		b.save(t, cart)
		s, err := b.store.Snapshot(t.Context(), "Cart", id)
		if err != nil || s.Schema != 3 || !strings.Contains(string(s.Data), `"total":18`) {
			t.Errorf("stored is %+v, %v", s, err)
		}
		if e := b.events(t, id)[3]; e.Schema != 3 || string(e.Data) != `[{"name":"total","value":18}]` {
			t.Errorf("the event is %+v", e)
		}
	})
	t.Run("rebuilds states of an older schema", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		b = cartsIn(t, b.store, append(cartOptions(), cartSchema())...)
		id := b.golden(t, "testdata/cart/v1.json")
		if n, err := b.carts.Rebuild(t.Context()); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		s, err := b.store.Snapshot(t.Context(), "Cart", id)
		want := `{"status":"paid","total":17,"note":null,"tags":["a","b","c"],"items":[]}`
		if err != nil || s.Schema != 3 || s.Version != 3 || string(s.Data) != want {
			t.Errorf("stored is %+v %s, %v", s, s.Data, err)
		}
	})
	runSchemaFaults(t)
}

func runSchemaFaults(t *testing.T) {
	t.Helper()
	t.Run("refuses states of a newer schema", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		id := b.golden(t, "testdata/cart/v3.json")
		if _, err := b.carts.Get(t.Context(), id); err == nil || !strings.Contains(err.Error(), "its schema is 3, which this program, of schema 1") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("names the event that an upcaster refuses", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		b = cartsIn(t, b.store, append(cartOptions(), cartSchema())...)
		id := b.golden(t, "testdata/cart/v2.json")
		b.stage(t, id, 4, unit.Event{Action: unit.Update, Schema: 2, Data: json.RawMessage(`[{"name":"total","value":"many"}]`)})
		_, err := b.carts.Get(t.Context(), id)
		poison, ok := errors.AsType[*aggregate.PoisonError](err)
		if !ok || poison.Version != 4 || !strings.Contains(err.Error(), "upcast it from schema 2 to 3") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("finds the others beside one that cannot be upcast", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		b = cartsIn(t, b.store, append(cartOptions(), cartSchema())...)
		first := b.golden(t, "testdata/cart/v2.json")
		poisoned := b.golden(t, "testdata/cart/v2.json")
		b.stage(t, poisoned, 4, unit.Event{Action: unit.Update, Schema: 2, Data: json.RawMessage(`[{"name":"total","value":"many"}]`)})
		last := b.golden(t, "testdata/cart/v2.json")
		var found []string
		for cart, err := range b.carts.Find(t.Context()) {
			if poison, ok := errors.AsType[*aggregate.PoisonError](err); ok {
				found = append(found, "poisoned "+poison.ID.String())
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, cart.UUID.String())
		}
		if want := []string{first.String(), "poisoned " + poisoned.String(), last.String()}; !slices.Equal(found, want) {
			t.Errorf("found %v, want %v", found, want)
		}
	})
}
