package query_test

import (
	"context"
	"fmt"
	"time"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/query"
)

// Order is a root entity.
type Order struct {
	aggregate.Root
	Item     string    `json:"item"`
	Total    int       `json:"total"`
	Customer Customer  `json:"customer"`
	Tags     []string  `json:"tags"`
	Paid     time.Time `json:"paid"`
}

// Customer is a part of an Order.
type Customer struct {
	Country string `json:"country"`
}

func orders(ctx context.Context) *aggregate.Repository[Order] {
	store, err := memory.Open(ctx, memory.Config{})
	if err != nil {
		panic(err)
	}
	// An index serves conditions on item, and orders by item and then by total.
	orders, err := aggregate.NewRepository[Order](aggregate.NewRegistry(store), aggregate.Index("item", "total"))
	if err != nil {
		panic(err)
	}
	for i, item := range []string{"pencil", "paper", "pen", "paint"} {
		order := &Order{Item: item, Total: 5 * i, Customer: Customer{Country: "PT"}, Tags: []string{"new", "school"}}
		if err := orders.Create(ctx, order); err != nil {
			panic(err)
		}
	}
	return orders
}

func Example() {
	ctx := context.Background()
	for order, err := range orders(ctx).Find(ctx,
		query.Like("item", "p%"), query.Equal("customer.country", "PT"), query.Contains("tags", "school"),
		query.Or(query.GreaterEqual("total", 10), query.In("item", "pencil", "crayon")),
		query.Desc("total"), query.Limit(2)) {
		fmt.Println(order.Item, order.Total, err)
	}
	// Output:
	// paint 15 <nil>
	// pen 10 <nil>
}

func ExampleCondition() {
	ctx := context.Background()
	_, err := orders(ctx).FindOne(ctx, query.Equal("colour", "red"))
	fmt.Println(err)
	_, err = orders(ctx).FindOne(ctx, query.Equal("total", "ten"))
	fmt.Println(err)
	// Output:
	// find Order: Order has no field "colour"
	// find Order: the value for field "total": "ten" is not a number
}
