package aggregate_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/unit"
)

// told lists the events of a cart: action and data.
func (b cartBundle) told(t testing.TB, id aggregate.UUID) string {
	t.Helper()
	var lines []string
	for _, e := range b.events(t, id) {
		lines = append(lines, fmt.Sprintf("%d %s %s", e.Version, e.Action, e.Data))
	}
	return strings.Join(lines, "\n")
}

func TestRoot_Record(t *testing.T) {
	t.Parallel()
	t.Run("applies the event, and stores it without an update", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		cart := b.create(t, &Cart{})
		cart.Record(Paid{Amount: 5})
		if cart.Total != 5 || cart.Status != "paid" {
			t.Errorf("the cart is %+v", cart)
		}
		cart.Record(Paid{Amount: 2})
		b.save(t, cart)
		lines := strings.SplitN(b.told(t, cart.UUID), "\n", 2)
		want := "2 record [{\"name\":\"Paid\",\"value\":{\"amount\":5}}]\n3 record [{\"name\":\"Paid\",\"value\":{\"amount\":2}}]"
		if lines[1] != want || cart.Version != 3 {
			t.Errorf("version %d, events\n%s", cart.Version, lines[1])
		}
		b.save(t, cart)
		if stored, err := b.carts.Get(t.Context(), cart.UUID); err != nil || stored.Total != 7 || stored.Version != 3 {
			t.Errorf("stored is %+v, %v", stored, err)
		}
	})
	t.Run("whatever else changed follows as one update", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		cart := b.create(t, &Cart{})
		cart.Record(Tagged{Tag: "x"})
		cart.Total = 9
		cart.Record(Paid{Amount: 1})
		cart.Status = "late"
		b.save(t, cart)
		want := `2 record [{"name":"GotTag","value":{"tag":"x"}}]
3 record [{"name":"Paid","value":{"amount":1}}]
4 update [{"name":"status","value":"late"},{"name":"total","value":10}]`
		if got := strings.SplitN(b.told(t, cart.UUID), "\n", 2)[1]; got != want {
			t.Errorf("the events are\n%s", got)
		}
	})
	t.Run("an entity that is new has it applied when it is created", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		cart := &Cart{Status: "new", Total: 1}
		cart.Record(Paid{Amount: 5})
		b.create(t, cart)
		if cart.Total != 6 || cart.Version != 2 || cart.Status != "paid" {
			t.Errorf("the cart is %+v", cart)
		}
		if got := b.told(t, cart.UUID); !strings.HasPrefix(got, `1 create [{"name":"status","value":"new"},{"name":"total","value":1}`) {
			t.Errorf("the events are\n%s", got)
		}
		b.save(t, cart)
		if stored, err := b.carts.Get(t.Context(), cart.UUID); err != nil || stored.Total != 6 || stored.Version != 2 {
			t.Errorf("stored is %+v, %v", stored, err)
		}
	})
	t.Run("a copy of an entity is changed, not the original", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		cart := b.create(t, &Cart{})
		other := *cart
		other.Record(Paid{Amount: 5})
		b.save(t, &other)
		if cart.Total != 0 || other.Total != 5 || other.Version != 2 {
			t.Errorf("the cart is %+v, the copy %+v", cart, other)
		}
	})
	t.Run("a refreshed entity records for itself", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		cart := b.create(t, &Cart{})
		if err := b.carts.Refresh(t.Context(), cart); err != nil {
			t.Fatal(err)
		}
		cart.Record(Paid{Amount: 5})
		if cart.Total != 5 {
			t.Errorf("the cart is %+v", cart)
		}
	})
	t.Run("what was recorded before a deletion is stored", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		cart := b.create(t, &Cart{})
		cart.Record(Paid{Amount: 5})
		cart.Status = "never saved"
		if err := b.carts.Delete(t.Context(), cart); err != nil {
			t.Fatal(err)
		}
		if got := strings.SplitN(b.told(t, cart.UUID), "\n", 2)[1]; got != "2 record [{\"name\":\"Paid\",\"value\":{\"amount\":5}}]\n3 delete []" {
			t.Errorf("the events are\n%s", got)
		}
	})
	t.Run("keeps what was recorded when the save fails", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		cart := b.create(t, &Cart{})
		first, err := b.carts.Get(t.Context(), cart.UUID)
		if err != nil {
			t.Fatal(err)
		}
		first.Total = 1
		b.save(t, first)
		cart.Record(Paid{Amount: 5})
		for range 2 {
			if _, ok := errors.AsType[*aggregate.ConflictError](b.carts.Save(t.Context(), cart)); !ok {
				t.Error("a stale cart was saved")
			}
		}
	})
	runUnregistered(t)
}

func runUnregistered(t *testing.T) {
	t.Helper()
	t.Run("an event that is not registered is refused by the save", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		for event, want := range map[any]string{
			Lost{}:     "event aggregate_test.Lost: it is not registered",
			"anything": "event string: it is not registered",
		} {
			cart := b.create(t, &Cart{})
			cart.Record(event)
			if err := b.carts.Save(t.Context(), cart); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v", err)
			}
			fresh := &Cart{}
			fresh.Record(event)
			if err := b.carts.Create(t.Context(), fresh); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v", err)
			}
		}
	})
	t.Run("an event that is wrongly registered is an error at start-up", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		for want, options := range map[string][]aggregate.Option{
			"is one of aggregate_test.Cart":       {aggregate.Records[Paid]()},
			"is empty, has a dot or is taken":     {aggregate.RecordsAs[Paid]("a.b")},
			"the name \"\" is empty or has a dot": {aggregate.Named("")},
			"schema 3 needs 2 upcasters":          {aggregate.Schema(3, aggregate.Removed("x"))},
			"the upcaster from 1 to 2 is nil":     {aggregate.Schema(2, nil)},
			"schema 0 needs 0 upcasters":          {aggregate.Schema(0)},
		} {
			_, err := aggregate.NewRepository[Order](b.registry, options...)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q is not in: %v", want, err)
			}
		}
		_, err := aggregate.NewRepository[Cart](b.registry, aggregate.RecordsAs[Paid]("Created"))
		if err == nil || !strings.Contains(err.Error(), `two of its events would be published on "CartCreated"`) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("it is published on a topic of its own, with its content", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		cart := b.create(t, &Cart{})
		cart.Record(Paid{Amount: 5})
		b.save(t, cart)
		messages := b.messages(t, cart.UUID)
		if got := topicsOf(messages); got != "CartPaid" {
			t.Fatalf("it is published on %s", got)
		}
		var e aggregate.Recorded[Paid]
		if err := json.Unmarshal(messages[0].Content, &e); err != nil {
			t.Fatal(err)
		}
		if e.Content.Amount != 5 || e.UUID != cart.UUID || e.Version != 2 || e.Action != unit.Record ||
			e.Event != "Paid" || e.Name != "Cart" || !e.CreatedAt.Equal(cart.UpdatedAt) {
			t.Errorf("the message is %+v", e)
		}
	})
}

func TestNamed(t *testing.T) {
	t.Parallel()
	b := setupCarts(t)
	registry := aggregate.NewRegistry(b.store) // one has a type by one name
	baskets, err := aggregate.NewRepository[Cart](registry, append(cartOptions(), aggregate.Named("Basket"))...)
	if err != nil {
		t.Fatal(err)
	}
	basket := &Cart{}
	if err := baskets.Create(t.Context(), basket); err != nil {
		t.Fatal(err)
	}
	if _, err := b.carts.Get(t.Context(), basket.UUID); !errors.Is(err, aggregate.ErrNotFound) {
		t.Errorf("a basket is a cart: %v", err)
	}
	if e := b.events(t, basket.UUID)[0]; e.Name != "Basket" {
		t.Errorf("the event's name is %s", e.Name)
	}
	if got := topicsOf(b.messages(t, basket.UUID)); got != "BasketCreated" {
		t.Errorf("it is published on %s", got)
	}
	if got := strings.Join(registry.Names(), " "); got != "Basket" {
		t.Errorf("the roots are %s", got)
	}
}
