package aggregate_test

import (
	"context"
	"encoding/json"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/unit"
)

// edit changes a cart at random: fields, elements of sets, recorded events.
func edit(t *rapid.T, cart *Cart) {
	for range rapid.IntRange(0, 4).Draw(t, "edits") {
		tag := rapid.SampledFrom([]string{"a", "b", "é\"\\", "<&>", ""}).Draw(t, "tag")
		n := rapid.IntRange(-3, 3).Draw(t, "n")
		switch rapid.IntRange(0, 9).Draw(t, "what") {
		case 0:
			cart.Status = tag
		case 1:
			cart.Total = n
		case 2:
			cart.Note = &tag
		case 3:
			cart.Note = nil
		case 4:
			cart.Tags.Add(tag)
		case 5:
			cart.Tags.Remove(tag)
		case 6:
			cart.Items.Add(newItem(tag, n))
		case 7:
			for item := range cart.Items.All() {
				item.Count, item.Name = n, tag
				break
			}
		case 8:
			for item := range cart.Items.All() {
				cart.Items.Remove(item.UUID)
				break
			}
		default:
			cart.Record(Paid{Amount: n})
			cart.Record(Tagged{Tag: tag})
		}
	}
}

func sameState(t *rapid.T, what string, got, want json.RawMessage) {
	var g, w any
	if json.Unmarshal(got, &g) != nil || json.Unmarshal(want, &w) != nil || !reflect.DeepEqual(g, w) {
		t.Fatalf("%s: got %s, want %s", what, got, want)
	}
}

// replayEqualsState saves random changes, and compares what is stored with what
// the events lead to, at each version.
func replayEqualsState(ctx context.Context, t *rapid.T, b cartBundle) {
	cart := &Cart{}
	edit(t, cart)
	saved := map[int]json.RawMessage{}
	for range rapid.IntRange(1, 6).Draw(t, "saves") {
		if err := b.carts.Save(ctx, cart); err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(cart)
		if err != nil {
			t.Fatal(err)
		}
		saved[cart.Version] = data
		if rapid.Bool().Draw(t, "load") {
			if cart, err = b.carts.Get(ctx, cart.UUID); err != nil {
				t.Fatal(err)
			}
			if data, err = json.Marshal(cart); err != nil {
				t.Fatal(err)
			}
			sameState(t, "loaded", data, saved[cart.Version])
		}
		edit(t, cart)
	}
	for version, want := range saved {
		was, err := b.carts.At(ctx, cart.UUID, version)
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(was)
		if err != nil {
			t.Fatal(err)
		}
		sameState(t, "replayed", data, want)
	}
	rebuiltEqualsState(ctx, t, b, cart.UUID)
}

func rebuiltEqualsState(ctx context.Context, t *rapid.T, b cartBundle, id aggregate.UUID) {
	stored, err := b.store.Snapshot(ctx, "Cart", id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.carts.Rebuild(ctx); err != nil {
		t.Fatal(err)
	}
	rebuilt, err := b.store.Snapshot(ctx, "Cart", id)
	if err != nil {
		t.Fatal(err)
	}
	sameState(t, "rebuilt", rebuilt.Data, stored.Data)
	stored.Data, rebuilt.Data = nil, nil
	if !reflect.DeepEqual(rebuilt, stored) {
		t.Fatalf("rebuilt is %+v, want %+v", rebuilt, stored)
	}
	for e, err := range b.store.Events(ctx, aggregate.EventQuery{Aggregate: id}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Action == unit.Update && string(e.Data) == "[]" {
			t.Fatalf("event %d says nothing", e.Version)
		}
		if _, err := aggregate.Messages(e); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReplay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		store, err := memory.Open(t.Context(), memory.Config{})
		if err != nil {
			rt.Fatal(err)
		}
		registry := aggregate.NewRegistry(store)
		carts, err := aggregate.NewRepository[Cart](registry, cartOptions()...)
		if err != nil {
			rt.Fatal(err)
		}
		replayEqualsState(t.Context(), rt, cartBundle{store: store, registry: registry, carts: carts})
	})
}
