package aggregate_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/cqrs"
	"github.com/minos-framework/minos-go/framework/minostest"
	"github.com/minos-framework/minos-go/framework/service"
	"github.com/minos-framework/minos-go/framework/unit"
)

// shop pays its carts, and hears of that and of the tags that come.
type shop struct {
	carts *aggregate.Repository[Cart]
	paid  chan aggregate.Recorded[Paid]
	tags  chan aggregate.Event[Cart]
}

func (s shop) Routes(r *cqrs.Commands) {
	cqrs.Command(r, s.pay, cqrs.REST(http.MethodPost, "/payments"))
	cqrs.Event(r, "CartPaid", s.onPaid)
	cqrs.Event(r, "CartUpdated.tags.create", s.onTag)
}

func (s shop) pay(ctx context.Context, in Paid) (cqrs.None, error) {
	cart := &Cart{}
	if err := s.carts.Create(ctx, cart); err != nil {
		return cqrs.None{}, err
	}
	cart.Record(in)
	cart.Tags.Add("gold", "new")
	return cqrs.None{}, s.carts.Save(ctx, cart)
}

func (s shop) onPaid(_ context.Context, e aggregate.Recorded[Paid]) error {
	s.paid <- e
	return nil
}

func (s shop) onTag(_ context.Context, e aggregate.Event[Cart]) error {
	s.tags <- e
	return nil
}

// Events that a root recorded, and those of elements, are handled as all others
// are.
func TestRecorded(t *testing.T) {
	t.Parallel()
	s := shop{paid: make(chan aggregate.Recorded[Paid], 1), tags: make(chan aggregate.Event[Cart], 2)}
	running := minostest.Start(t, "shop", func(app *service.App) (err error) {
		s.carts, err = aggregate.NewRepository[Cart](app.Aggregates, cartOptions()...)
		app.Handle(s)
		return err
	})
	running.Post("/payments", Paid{Amount: 7}).Want(http.StatusNoContent)
	if e := <-s.paid; e.Content.Amount != 7 || e.Version != 2 || e.Action != unit.Record {
		t.Errorf("heard of %+v", e)
	}
	for _, want := range []string{"gold", "new"} {
		e := <-s.tags
		if tags, ok := aggregate.Elements[string](e, "tags", unit.Create); !ok || len(tags) != 1 || tags[0] != want || e.Version != 3 {
			t.Errorf("heard of %+v", e)
		}
	}
}
