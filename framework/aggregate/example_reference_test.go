package aggregate_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/privacy"
)

// References are resolved together, wherever they are: each entity is asked for
// once. What is not found is told, and what is found is there all the same.
func ExampleResolve() {
	ctx := context.Background()
	store, _ := memory.Open(ctx, memory.Config{})
	registry := aggregate.NewRegistry(store)
	cars, _ := aggregate.NewRepository[Car](registry)
	car := &Car{Plate: "AB 1"}
	_ = cars.Create(ctx, car)

	// A service's handlers have a context that resolves.
	ctx = aggregate.WithResolver(ctx, registry)
	trips := []*Trip{
		{Car: aggregate.RefTo[Car](car.UUID)}, {Car: aggregate.RefTo[Car](car.UUID)}, {Car: aggregate.RefTo[Car](aggregate.UUID{15: 7})},
	}
	err := aggregate.Resolve(ctx, trips)
	fmt.Println(trips[0].Car.Value().Plate, trips[1].Car.Value().Plate, trips[2].Car.Value())
	if missing, ok := errors.AsType[*aggregate.RefError](err); ok {
		fmt.Println(missing)
	}
	// Output:
	// AB 1 AB 1 <nil>
	// resolve Car 00000000-0000-0000-0000-000000000007: Car 00000000-0000-0000-0000-000000000007 was not found
}

// A save that refers to nothing names the field.
func ExampleCheckReferences() {
	ctx := context.Background()
	store, _ := memory.Open(ctx, memory.Config{})
	registry := aggregate.NewRegistry(store)
	_, _ = aggregate.NewRepository[Car](registry)
	trips, _ := aggregate.NewRepository[Trip](registry, aggregate.CheckReferences())

	err := trips.Create(ctx, &Trip{Car: aggregate.RefTo[Car](aggregate.UUID{15: 7})})
	if missing, ok := errors.AsType[*aggregate.MissingReferenceError](err); ok {
		fmt.Println(missing)
	}
	// Output: it refers to Car 00000000-0000-0000-0000-000000000007, which does not exist
}

// Subscriber is a root entity with personal data of itself.
type Subscriber struct {
	aggregate.Root
	Plan  string `json:"plan"`
	Email string `json:"email" sensitive:"true"`
}

// Fields that are tagged sensitive are sealed in events, states and messages, by
// a key of the person. Forgetting the person makes all of them unreadable.
func ExampleRegistry_Forget() {
	ctx := context.Background()
	store, _ := memory.Open(ctx, memory.Config{})
	vault, _ := privacy.New(store, privacy.Config{Master: bytes.Repeat([]byte("k"), 32)}) // which a service makes of its configuration
	registry := aggregate.NewRegistry(store)
	registry.Protect(vault)
	subscribers, err := aggregate.NewRepository[Subscriber](registry)
	if err != nil {
		panic(err)
	}
	ann := &Subscriber{Plan: "gold", Email: "ann@example.com"}
	_ = subscribers.Create(ctx, ann)
	loaded, _ := subscribers.Get(ctx, ann.UUID)
	fmt.Printf("%s %q %v\n", loaded.Plan, loaded.Email, loaded.Forgotten())

	_ = registry.Forget(ctx, ann.UUID.String())
	loaded, _ = subscribers.Get(ctx, ann.UUID)
	fmt.Printf("%s %q %v\n", loaded.Plan, loaded.Email, loaded.Forgotten())
	// Output:
	// gold "ann@example.com" []
	// gold "" [email]
}
