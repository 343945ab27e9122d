package aggregate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/domain"
	"github.com/minos-framework/minos-go/framework/unit"
)

func TestRepository_At(t *testing.T) {
	t.Parallel()
	t.Run("gives each version as it was saved", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		pen := newItem("pen", 1)
		cart := b.create(t, &Cart{Tags: domain.NewValueSet("a"), Items: domain.NewEntitySet(pen)})
		saved := []string{plain(t, cart)}
		pen.Count = 2
		cart.Tags.Remove("a")
		b.save(t, cart)
		saved = append(saved, plain(t, cart))
		cart.Items.Remove(pen.UUID)
		cart.Status = "empty"
		b.save(t, cart)
		saved = append(saved, plain(t, cart))
		for i, want := range saved {
			was, err := b.carts.At(t.Context(), cart.UUID, i+1)
			if err != nil {
				t.Fatal(err)
			}
			if got := plain(t, was); got != want {
				t.Errorf("version %d is %s, want %s", i+1, got, want)
			}
			if err := b.carts.Save(t.Context(), was); err == nil || !strings.Contains(err.Error(), "not loaded") {
				t.Errorf("version %d could be saved: %v", i+1, err)
			}
		}
	})
	t.Run("tells versions that are not there", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		cart := b.create(t, &Cart{})
		if _, err := b.carts.At(t.Context(), cart.UUID, 2); err == nil || !strings.Contains(err.Error(), "its last version is 1, not 2") {
			t.Errorf("version 2: %v", err)
		}
		for _, version := range []int{0, -1} {
			if _, err := b.carts.At(t.Context(), cart.UUID, version); !errors.Is(err, aggregate.ErrNotFound) {
				t.Errorf("version %d: %v", version, err)
			}
		}
		if _, err := b.carts.At(t.Context(), unit.NewID(), 1); !errors.Is(err, aggregate.ErrNotFound) {
			t.Errorf("another: %v", err)
		}
		if err := b.carts.Delete(t.Context(), cart); err != nil {
			t.Fatal(err)
		}
		_, err := b.carts.At(t.Context(), cart.UUID, 2)
		if gone, ok := errors.AsType[*aggregate.NotFoundError](err); !ok || !gone.Deleted {
			t.Errorf("the deletion: %v", err)
		}
	})
}

func TestRepository_AsOf(t *testing.T) {
	t.Parallel()
	b := setupCarts(t)
	cart := b.create(t, &Cart{Total: 1})
	created := cart.CreatedAt
	for range 3 { // the clock of works has microseconds
		cart.Total++
		b.save(t, cart)
	}
	for at, want := range map[time.Time]string{
		created.Add(-time.Microsecond): "none",
		created:                        "1",
		cart.UpdatedAt:                 "4",
		cart.UpdatedAt.Add(time.Hour):  "4",
	} {
		got := "none"
		was, err := b.carts.AsOf(t.Context(), cart.UUID, at)
		if err == nil {
			got = fmt.Sprint(was.Total)
		} else if !errors.Is(err, aggregate.ErrNotFound) {
			t.Fatal(err)
		}
		if got != want && !created.Equal(cart.UpdatedAt) {
			t.Errorf("as of %s the total was %s, want %s", at.Sub(created), got, want)
		}
	}
}

// bad are events of a cart that cannot be replayed.
func bad() map[string]unit.Event {
	update := func(data string) unit.Event {
		return unit.Event{Action: unit.Update, Data: json.RawMessage(data)}
	}
	return map[string]unit.Event{
		"cannot unmarshal string into":                 update(`[{"name":"total","value":"much"}]`),
		"field wheels: the root has no such field":     update(`[{"name":"wheels","value":4}]`),
		"it is not a set":                              update(`[{"name":"total","action":"create","value":4}]`),
		"an element has no uuid":                       update(`[{"name":"items","action":"create","value":{"name":"x"}}]`),
		"field total is there twice":                   update(`[{"name":"total","value":1},{"name":"total","value":2}]`),
		"field tags is there twice":                    update(`[{"name":"tags","action":"create","value":"x"},{"name":"tags","value":[]}]`),
		`unknown action "move"`:                        update(`[{"name":"tags","action":"move","value":"x"}]`),
		"field 0 has no name":                          update(`[{"value":1}]`),
		"its action is \"create\"":                     {Action: unit.Create, Data: json.RawMessage(`[]`)},
		"its schema is 2, which this program":          {Action: unit.Update, Schema: 2, Data: json.RawMessage(`[{"name":"total","value":1}]`)},
		"the root records no event of this name":       {Action: unit.Record, Data: json.RawMessage(`[{"name":"Gone","value":{}}]`)},
		"event Paid: decode its content":               {Action: unit.Record, Data: json.RawMessage(`[{"name":"Paid","value":{"amount":"x"}}]`)},
		"a recorded event has one name":                {Action: unit.Record, Data: json.RawMessage(`[]`)},
		"only an update has elements of sets":          {Action: unit.Record, Data: json.RawMessage(`[{"name":"Paid","action":"create","value":{}}]`)},
		"event Broken: apply aggregate_test.Broken: p": {Action: unit.Record, Data: json.RawMessage(`[{"name":"Broken","value":{}}]`)},
	}
}

// Broken is an event that cannot be applied.
type Broken struct{}

// Apply panics.
func (Broken) Apply(*Cart) { panic("broken") }

func TestPoisonError(t *testing.T) {
	t.Parallel()
	for want, e := range bad() {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			b := setupCarts(t)
			b = cartsIn(t, b.store, append(cartOptions(), aggregate.Records[Broken]())...)
			poisoned, innocent := b.create(t, &Cart{}), b.create(t, &Cart{Total: 3})
			b.stage(t, poisoned.UUID, 2, e)
			b.stage(t, poisoned.UUID, 3, unit.Event{Action: unit.Update, Data: json.RawMessage(`[{"name":"status","value":"x"}]`)})
			_, err := b.carts.At(t.Context(), poisoned.UUID, 3)
			poison, ok := errors.AsType[*aggregate.PoisonError](err)
			if !ok || poison.ID != poisoned.UUID || poison.Name != "Cart" || poison.Version != 2 {
				t.Fatalf("got %v", err)
			}
			if !strings.Contains(err.Error(), want) {
				t.Errorf("got %v", err)
			}
			n, err := b.carts.Rebuild(t.Context())
			if poison, ok := errors.AsType[*aggregate.PoisonError](err); !ok || n != 1 || poison.ID != poisoned.UUID {
				t.Errorf("rebuilt %d, %v", n, err)
			}
			if _, err := b.carts.At(t.Context(), poisoned.UUID, 1); err != nil {
				t.Errorf("before the event: %v", err)
			}
			if got, err := b.carts.Get(t.Context(), innocent.UUID); err != nil || got.Total != 3 {
				t.Errorf("another is %+v, %v", got, err)
			}
		})
	}
	t.Run("an event after the deletion", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		cart := b.create(t, &Cart{})
		if err := b.carts.Delete(t.Context(), cart); err != nil {
			t.Fatal(err)
		}
		b.stage(t, cart.UUID, 3, unit.Event{Action: unit.Update, Data: json.RawMessage(`[{"name":"total","value":1}]`)})
		_, err := b.carts.At(t.Context(), cart.UUID, 3)
		if poison, ok := errors.AsType[*aggregate.PoisonError](err); !ok || poison.Version != 3 {
			t.Errorf("got %v", err)
		}
	})
}

func TestRepository_Rebuild(t *testing.T) {
	t.Parallel()
	t.Run("gives what is stored", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		var ids []aggregate.UUID
		var before []unit.Snapshot
		for i := range 250 {
			cart := b.create(t, &Cart{Total: i, Tags: domain.NewValueSet("a", "b"), Items: domain.NewEntitySet(newItem("pen", i))})
			cart.Tags.Remove("a")
			cart.Record(Paid{Amount: i})
			b.save(t, cart)
			if i%10 == 0 {
				if err := b.carts.Delete(t.Context(), cart); err != nil {
					t.Fatal(err)
				}
			}
			s, err := b.store.Snapshot(t.Context(), "Cart", cart.UUID)
			if err != nil {
				t.Fatal(err)
			}
			ids, before = append(ids, cart.UUID), append(before, s)
			s.Data = json.RawMessage(`{"wrong":true}`)
			if left, err := b.store.Rewrite(t.Context(), s); len(left) > 0 || err != nil {
				t.Fatal(left, err)
			}
		}
		if n, err := b.carts.Rebuild(t.Context()); n != 250 || err != nil {
			t.Fatalf("rebuilt %d, %v", n, err)
		}
		for i, id := range ids {
			s, err := b.store.Snapshot(t.Context(), "Cart", id)
			if err != nil || fmt.Sprintf("%+v", s) != fmt.Sprintf("%+v", before[i]) {
				t.Fatalf("rebuilt is\n%s\n%+v, %v, stored was\n%s\n%+v", s.Data, s, err, before[i].Data, before[i])
			}
		}
	})
	t.Run("leaves alone what others move on meanwhile", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		cart := b.create(t, &Cart{})
		moved := &moving{Store: b.store, move: func() {
			cart.Total++
			b.save(t, cart)
		}}
		other := cartsIn(t, moved, cartOptions()...)
		if n, err := other.carts.Rebuild(t.Context()); n != 0 || err != nil {
			t.Errorf("rebuilt %d, %v", n, err)
		}
		if stored, err := b.carts.Get(t.Context(), cart.UUID); err != nil || stored.Total != 1 || stored.Version != 2 {
			t.Errorf("stored is %+v, %v", stored, err)
		}
	})
}

// moving is a store in which another writer is always first.
type moving struct {
	aggregate.Store
	move func()
}

func (s *moving) Rewrite(ctx context.Context, states ...unit.Snapshot) ([]aggregate.UUID, error) {
	s.move()
	return s.Store.Rewrite(ctx, states...)
}

func TestRepository_Update(t *testing.T) {
	t.Parallel()
	t.Run("loads, changes and saves", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		cart := b.create(t, &Cart{})
		got, err := b.carts.Update(t.Context(), cart.UUID, func(c *Cart) error { c.Total = 4; return nil })
		if err != nil || got.Total != 4 || got.Version != 2 {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("does so again when another writer was first", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		cart := b.create(t, &Cart{})
		tries := 0
		got, err := b.carts.Update(t.Context(), cart.UUID, func(c *Cart) error {
			if tries++; tries < 4 {
				cart.Total++
				b.save(t, cart)
			}
			c.Status = "mine"
			return nil
		})
		if err != nil || got.Total != 3 || got.Status != "mine" || tries != 4 {
			t.Errorf("after %d tries: %+v, %v", tries, got, err)
		}
	})
	t.Run("gives up after some time, with the conflict", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		cart := b.create(t, &Cart{})
		tries := 0
		_, err := b.carts.Update(t.Context(), cart.UUID, func(c *Cart) error {
			tries++
			cart.Total++
			b.save(t, cart)
			c.Status = "mine"
			return nil
		})
		conflict, ok := errors.AsType[*aggregate.ConflictError](err)
		if !ok || tries != 10 || conflict.Version != 11 || conflict.Current != 11 || conflict.Offset != 11 {
			t.Errorf("after %d tries: %+v", tries, err)
		}
	})
	t.Run("stores nothing when the change is refused, or the entity is not there", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		cart := b.create(t, &Cart{})
		refused := errors.New("no")
		if _, err := b.carts.Update(t.Context(), cart.UUID, func(c *Cart) error { c.Total = 1; return refused }); !errors.Is(err, refused) {
			t.Errorf("got %v", err)
		}
		if n := len(b.events(t, cart.UUID)); n != 1 {
			t.Errorf("%d events are stored", n)
		}
		if _, err := b.carts.Update(t.Context(), unit.NewID(), func(*Cart) error { return nil }); !errors.Is(err, aggregate.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("stages inside a unit", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		cart := b.create(t, &Cart{})
		w := unit.New(nil)
		if _, err := b.carts.Update(unit.With(t.Context(), w), cart.UUID, func(c *Cart) error { c.Total = 1; return nil }); err != nil {
			t.Fatal(err)
		}
		if len(w.Events) != 1 || len(b.events(t, cart.UUID)) != 1 {
			t.Errorf("staged are %+v", w.Events)
		}
	})
}
