package minostest_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/minos-framework/minos-go/framework/cqrs"
	"github.com/minos-framework/minos-go/framework/minostest"
	"github.com/minos-framework/minos-go/framework/saga"
	"github.com/minos-framework/minos-go/framework/service"
)

// order is what the saga PlaceOrder is started with.
type order struct {
	Price int `json:"price"`
}

// orders is the service under test: it asks another one for each payment.
type orders struct {
	sagas *saga.Manager
	place *saga.Definition[order]
}

func newOrders(app *service.App) error {
	place := saga.New[order]("PlaceOrder").
		Remote("pay", func(_ context.Context, o *order) (saga.Request, error) {
			return saga.Request{Topic: "CreatePayment", Content: o.Price}, nil
		}).
		Commit()
	app.Handle(orders{sagas: app.Sagas, place: place})
	return saga.Register(app.Sagas, place)
}

func (o orders) Routes(r *cqrs.Commands) {
	cqrs.Command(r, o.create, cqrs.REST(http.MethodPost, "/orders"))
}

func (o orders) create(ctx context.Context, in order) (cqrs.None, error) {
	_, err := saga.Run(ctx, o.sagas, o.place, in)
	return cqrs.None{}, err
}

// A service runs whole in its test: requests go in, and what another team's
// service would answer is given by the test.
func TestOrders(t *testing.T) {
	t.Parallel()
	s := minostest.Start(t, "order", newOrders)
	s.System.Answer("CreatePayment", func(content json.RawMessage) (int, any) {
		if string(content) == "7" {
			return http.StatusCreated, "paid"
		}
		return http.StatusConflict, cqrs.Problem{Title: "Conflict", Status: http.StatusConflict, Detail: "no money"}
	})
	s.Post("/orders", order{Price: 7}).Want(http.StatusNoContent)

	var problem cqrs.Problem
	s.Post("/orders", order{Price: 700}).Want(http.StatusConflict).Decode(&problem)
	if want := `saga PlaceOrder was undone: step "pay": CreatePayment replied 409: no money`; problem.Detail != want {
		t.Errorf("refused with %q", problem.Detail)
	}
	s.System.Await("orderReply", nil) // replies are messages too
}
