package saga_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/saga"
)

// Order is what the saga PlaceOrder is started with and remembers.
type Order struct {
	Product string    `json:"product"`
	Price   int       `json:"price"`
	Payment uuid.UUID `json:"payment,omitzero"` // set by the saga
}

// placeOrder has the price paid and then the product taken from the stock, or
// else leaves neither behind.
func placeOrder() *saga.Definition[Order] {
	return saga.New[Order]("PlaceOrder").
		Remote("pay", pay).OnSuccess(keepPayment).OnFailure(refund).
		Local("take from the stock", takeFromStock).
		Commit()
}

func pay(_ context.Context, o *Order) (saga.Request, error) {
	return saga.Request{Topic: "CreatePayment", Content: o.Price}, nil
}

func keepPayment(_ context.Context, o *Order, r saga.Response) (err error) {
	o.Payment, err = saga.Decode[uuid.UUID](r)
	return err
}

func refund(_ context.Context, o *Order) (saga.Request, error) {
	return saga.Request{Topic: "DeletePayment", Content: o.Payment}, nil
}

func takeFromStock(_ context.Context, o *Order) error {
	fmt.Println("taking", o.Product)
	if o.Product != "tea" {
		return errors.New("it is sold out")
	}
	return nil
}

// payments is another service, which here answers at once.
type payments struct {
	outbox  *memory.Store
	read    int64
	replies chan broker.Message
}

func (p *payments) answer(ctx context.Context) error {
	entries, read, err := p.outbox.Pending(ctx, p.read, 10)
	p.read = read
	for _, e := range entries {
		fmt.Println("asked to", e.Message.Topic)
		p.replies <- broker.Message{
			ID: e.Message.ID, Topic: e.Message.ReplyTo, Status: 200, Headers: e.Message.Headers,
			Content: []byte(`"0198c0de-0000-7000-8000-000000000001"`),
		}
	}
	return err
}

func Example() {
	ctx := context.Background()
	store, _ := memory.Open(ctx, memory.Config{})
	sagas, err := saga.NewManager(store, saga.Config{Service: "order"})
	if err != nil {
		fmt.Println(err)
		return
	}
	place := placeOrder()
	if err := saga.Register(sagas, place); err != nil {
		fmt.Println(err)
		return
	}
	other := &payments{outbox: store, replies: make(chan broker.Message, 10)}
	for _, product := range []string{"tea", "coffee"} {
		id, err := saga.Start(ctx, sagas, place, Order{Product: product, Price: 7})
		if err != nil {
			fmt.Println(err)
			return
		}
		for range 2 { // the payment, and perhaps its refund
			_ = other.answer(ctx)
			for range len(other.replies) {
				if err := sagas.Deliver(ctx, <-other.replies); err != nil {
					fmt.Println(err)
				}
			}
		}
		end, _ := sagas.Get(ctx, id)
		fmt.Println(end.Status, end.Cause)
	}
	// Output:
	// asked to CreatePayment
	// taking tea
	// FINISHED <nil>
	// asked to CreatePayment
	// taking coffee
	// asked to DeletePayment
	// ERRORED it is sold out
}
