package memory_test

import (
	"context"
	"fmt"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/memory"
)

// Two services of one process: one answers, the other asks and waits.
func ExampleBus() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	bus := memory.NewBus()

	getFooBar := broker.Subscription{
		Group: "foobar", Topics: []string{"GetFooBar"},
		Handle: func(ctx context.Context, m broker.Message) error {
			return bus.Publish(ctx, broker.Message{
				ID: m.ID, Topic: m.ReplyTo, Status: 200, Content: []byte(`{"something":"else"}`),
			})
		},
	}
	go func() { _ = bus.Subscribe(ctx, getFooBar) }() // until stop

	client, err := broker.NewClient(bus, bus, broker.ClientConfig{ReplyTopic: "fooQueryReply"})
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() { _ = client.Run(ctx) }() // until stop

	reply, err := client.Request(ctx, "GetFooBar", map[string]string{"uuid": "1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(reply.Content))
	// Output: {"something":"else"}
}
