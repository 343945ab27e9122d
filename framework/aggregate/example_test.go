package aggregate_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/query"
)

// Order is a root entity: it embeds aggregate.Root.
type Order struct {
	aggregate.Root
	Item  string `json:"item"`
	Count int    `json:"count"`
}

func exampleOrders(ctx context.Context) (*aggregate.Registry, *aggregate.Repository[Order]) {
	store, err := memory.Open(ctx, memory.Config{})
	if err != nil {
		panic(err)
	}
	registry := aggregate.NewRegistry(store)
	orders, err := aggregate.NewRepository[Order](registry)
	if err != nil {
		panic(err)
	}
	return registry, orders
}

func ExampleRepository() {
	ctx := context.Background()
	registry, orders := exampleOrders(ctx)

	order := &Order{Item: "pencil", Count: 1}
	if err := orders.Create(ctx, order); err != nil {
		panic(err)
	}
	order.Count = 12
	if err := orders.Save(ctx, order); err != nil {
		panic(err)
	}
	for event, err := range registry.History(ctx, order.UUID, 0) {
		if err != nil {
			panic(err)
		}
		fmt.Println(event.Version, event.Action, string(event.Data))
	}
	// Output:
	// 1 create [{"name":"item","value":"pencil"},{"name":"count","value":1}]
	// 2 update [{"name":"count","value":12}]
}

func ExampleConflictError() {
	ctx := context.Background()
	_, orders := exampleOrders(ctx)
	mine := &Order{Item: "pencil"}
	if err := orders.Create(ctx, mine); err != nil {
		panic(err)
	}
	yours, err := orders.Get(ctx, mine.UUID)
	if err != nil {
		panic(err)
	}

	mine.Count, yours.Count = 1, 2
	fmt.Println(orders.Save(ctx, yours))
	var conflict *aggregate.ConflictError
	fmt.Println(errors.As(orders.Save(ctx, mine), &conflict))
	// Output:
	// <nil>
	// true
}

func ExampleRepository_Find() {
	ctx := context.Background()
	_, orders := exampleOrders(ctx)
	for _, item := range []string{"pencil", "paper", "pencil"} {
		if err := orders.Create(ctx, &Order{Item: item}); err != nil {
			panic(err)
		}
	}
	n := 0
	for _, err := range orders.Find(ctx, query.Equal("item", "pencil")) {
		if err != nil {
			panic(err)
		}
		n++
	}
	fmt.Println(n, "orders of pencils")
	// Output: 2 orders of pencils
}

// Parcel refers to an order, which may be another service's.
type Parcel struct {
	aggregate.Root
	Order *aggregate.Ref[Order] `json:"order"`
}

// A reference is stored as the uuid of what it refers to, and none as null.
func ExampleRef() {
	ctx := context.Background()
	registry, _ := exampleOrders(ctx)
	parcels, err := aggregate.NewRepository[Parcel](registry)
	if err != nil {
		panic(err)
	}
	parcel := &Parcel{}
	if err := parcels.Create(ctx, parcel); err != nil {
		panic(err)
	}
	parcel.Order = aggregate.RefTo[Order](aggregate.UUID{15: 7})
	if err := parcels.Save(ctx, parcel); err != nil {
		panic(err)
	}
	for event, err := range registry.History(ctx, parcel.UUID, 0) {
		fmt.Println(string(event.Data), err)
	}
	// Output:
	// [{"name":"order","value":null}] <nil>
	// [{"name":"order","value":"00000000-0000-0000-0000-000000000007"}] <nil>
}
