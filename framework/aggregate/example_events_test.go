package aggregate_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/domain"
	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Tour is a root that records what happens to it.
type Tour struct {
	aggregate.Root
	Status string                  `json:"status"`
	Stops  domain.ValueSet[string] `json:"stops"`
}

// Departed is one of Tour's own events.
type Departed struct {
	From string `json:"from"`
}

// Apply changes the tour, now and whenever the event is replayed.
func (e Departed) Apply(t *Tour) {
	t.Status = "under way"
	t.Stops.Add(e.From)
}

func exampleTours(ctx context.Context, options ...aggregate.Option) (*aggregate.Registry, *aggregate.Repository[Tour]) {
	store, err := memory.Open(ctx, memory.Config{})
	if err != nil {
		panic(err)
	}
	registry := aggregate.NewRegistry(store)
	tours, err := aggregate.NewRepository[Tour](registry, append(options, aggregate.Records[Departed]())...)
	if err != nil {
		panic(err)
	}
	return registry, tours
}

func ExampleRoot_Record() {
	ctx := context.Background()
	registry, tours := exampleTours(ctx)
	tour := &Tour{Status: "planned"}
	if err := tours.Create(ctx, tour); err != nil {
		panic(err)
	}

	tour.Record(Departed{From: "Rome"})
	fmt.Println(tour.Status)
	if err := tours.Save(ctx, tour); err != nil {
		panic(err)
	}
	for event, err := range registry.History(ctx, tour.UUID, 1) {
		if err != nil {
			panic(err)
		}
		messages, err := aggregate.Messages(event)
		fmt.Println(event.Action, string(event.Data), messages[0].Topic, err)
	}
	// Output:
	// under way
	// record [{"name":"Departed","value":{"from":"Rome"}}] TourDeparted <nil>
}

// A name of its own stays when the Go type gets another one.
func ExampleNamed() {
	registry, _ := exampleTours(context.Background(), aggregate.Named("Journey"))
	fmt.Println(registry.Names())
	fmt.Println(registry.Topics())
	// Output:
	// [Journey]
	// [JourneyCreated JourneyDeleted JourneyDeparted JourneyUpdated JourneyUpdated.status JourneyUpdated.stops JourneyUpdated.stops.create JourneyUpdated.stops.delete]
}

// The changes of a set come by element.
func ExampleElements() {
	var event aggregate.Event[Tour] // as a handler of TourUpdated gets it
	err := json.Unmarshal([]byte(`{"action": "update", "fields_diff": [
		{"name": "stops", "action": "create", "value": "Pisa"},
		{"name": "stops", "action": "delete", "value": "Rome"}]}`), &event)
	if err != nil {
		panic(err)
	}
	added, _ := aggregate.Elements[string](event, "stops", unit.Create)
	removed, _ := aggregate.Elements[string](event, "stops", unit.Delete)
	fmt.Println(added, removed)
	// Output: [Pisa] [Rome]
}

// A tour's state was called status in version 2 of its events.
func ExampleSchema() {
	_, tours := exampleTours(context.Background(),
		aggregate.Schema(3, aggregate.Renamed("state", "status"), aggregate.Removed("price")))
	n, err := tours.Rebuild(context.Background())
	fmt.Println(n, err)
	// Output: 0 <nil>
}

func ExampleRepository_At() {
	ctx := context.Background()
	_, tours := exampleTours(ctx)
	tour := &Tour{Status: "planned"}
	if err := tours.Create(ctx, tour); err != nil {
		panic(err)
	}
	tour.Status = "cancelled"
	if err := tours.Save(ctx, tour); err != nil {
		panic(err)
	}
	before, err := tours.At(ctx, tour.UUID, 1)
	fmt.Println(before.Status, err)
	// Output: planned <nil>
}

// Update decides again on a fresh entity when another writer was first.
func ExampleRepository_Update() {
	ctx := context.Background()
	_, tours := exampleTours(ctx)
	tour := &Tour{Status: "planned"}
	if err := tours.Create(ctx, tour); err != nil {
		panic(err)
	}
	updated, err := tours.Update(ctx, tour.UUID, func(t *Tour) error {
		t.Record(Departed{From: "Rome"})
		return nil
	})
	fmt.Println(updated.Status, updated.Version, err)
	// Output: under way 2 <nil>
}
