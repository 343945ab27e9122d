package aggregate_test

import (
	"encoding/json"
	"testing"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/domain"
	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Cart has fields of all kinds that events tell in their own way.
type Cart struct {
	aggregate.Root
	Status string                  `json:"status"`
	Total  int                     `json:"total"`
	Note   *string                 `json:"note"`
	Tags   domain.ValueSet[string] `json:"tags"`
	Items  domain.EntitySet[Item]  `json:"items"`
}

// Item is an entity of a cart.
type Item struct {
	domain.Entity
	Name  string `json:"name"`
	Count int    `json:"count"`
}

func newItem(name string, count int) *Item {
	return &Item{Entity: domain.NewEntity(), Name: name, Count: count}
}

// Paid is recorded by carts.
type Paid struct {
	Amount int `json:"amount"`
}

// Apply adds up: applied twice it would show.
func (e Paid) Apply(c *Cart) { c.Status, c.Total = "paid", c.Total+e.Amount }

// Tagged is recorded by carts, and has a name of its own.
type Tagged struct {
	Tag string `json:"tag"`
}

// Apply adds to a set.
func (e Tagged) Apply(c *Cart) { c.Tags.Add(e.Tag) }

// Lost is recorded by nobody who registered it.
type Lost struct{}

// Apply does nothing.
func (Lost) Apply(*Cart) {}

type cartBundle struct {
	store    aggregate.Store
	registry *aggregate.Registry
	carts    *aggregate.Repository[Cart]
}

func cartOptions() []aggregate.Option {
	return []aggregate.Option{aggregate.Records[Paid](), aggregate.RecordsAs[Tagged]("GotTag")}
}

func setupCarts(t testing.TB) cartBundle {
	t.Helper()
	store, err := memory.Open(t.Context(), memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return cartsIn(t, store, cartOptions()...)
}

func cartsIn(t testing.TB, store aggregate.Store, options ...aggregate.Option) cartBundle {
	t.Helper()
	registry := aggregate.NewRegistry(store)
	carts, err := aggregate.NewRepository[Cart](registry, options...)
	if err != nil {
		t.Fatal(err)
	}
	return cartBundle{store: store, registry: registry, carts: carts}
}

func (b cartBundle) create(t testing.TB, cart *Cart) *Cart {
	t.Helper()
	if err := b.carts.Create(t.Context(), cart); err != nil {
		t.Fatal(err)
	}
	return cart
}

func (b cartBundle) save(t testing.TB, cart *Cart) {
	t.Helper()
	if err := b.carts.Save(t.Context(), cart); err != nil {
		t.Fatal(err)
	}
}

func (b cartBundle) events(t testing.TB, id uuid.UUID) []unit.Event {
	t.Helper()
	var events []unit.Event
	for e, err := range b.registry.History(t.Context(), id, 0) {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

// messages returns what is published of the last event.
func (b cartBundle) messages(t testing.TB, id uuid.UUID) []unit.Message {
	t.Helper()
	events := b.events(t, id)
	messages, err := aggregate.Messages(events[len(events)-1])
	if err != nil {
		t.Fatal(err)
	}
	return messages
}

// stage commits events that no repository would write.
func (b cartBundle) stage(t testing.TB, id uuid.UUID, version int, e unit.Event) {
	t.Helper()
	w := unit.New(nil)
	e.Aggregate, e.Version, e.Name, e.CreatedAt = id, version, "Cart", w.Now()
	if e.Schema == 0 {
		e.Schema = 1
	}
	state, err := b.store.Snapshot(t.Context(), "Cart", id)
	if err != nil {
		state = unit.Snapshot{Aggregate: id, Name: "Cart", Schema: 1, Data: json.RawMessage(`{}`), CreatedAt: w.Now(), UpdatedAt: w.Now()}
	}
	state.Version = version
	w.Append(e, state)
	if err := b.store.Commit(t.Context(), w); err != nil {
		t.Fatal(err)
	}
}

// plain is what a cart says, without what the repository keeps in it.
func plain(t testing.TB, cart *Cart) string {
	t.Helper()
	data, err := json.Marshal(cart)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
