package broker_test

import (
	"context"
	"fmt"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/unit"
)

// What is committed to a store is sent to the broker, by the relay, when the
// broker can be reached; so neither is done without the other.
func ExampleRelay() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	store, err := memory.Open(ctx, memory.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	bus := memory.NewBus()
	relay, err := broker.NewRelay(store, bus, nil, broker.RelayConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	work := unit.New(map[string]string{"user": "ann"})
	work.Publish(broker.Message{Topic: "Greetings", Content: []byte(`"hello"`)})
	if err := unit.Watch(store, relay.Wake).Commit(ctx, work); err != nil {
		fmt.Println(err)
		return
	}

	go func() { _ = relay.Run(ctx) }()
	_ = bus.Subscribe(ctx, broker.Subscription{
		Group: "listeners", Topics: []string{"Greetings"},
		Handle: func(_ context.Context, m broker.Message) error {
			fmt.Println(string(m.Content), "from", m.Headers["user"])
			stop()
			return nil
		},
	})
	// Output: "hello" from ann
}
