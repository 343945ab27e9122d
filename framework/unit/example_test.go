package unit_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/unit"
)

// What a function stages is committed when it returns nil, and gone when it
// returns an error. Inside of another Do it only joins what the outer one stages.
func ExampleDo() {
	ctx := context.Background()
	store, err := memory.Open(ctx, memory.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	publish := func(ctx context.Context, topic string, end error) error {
		return unit.Do(ctx, store, func(_ context.Context, w *unit.Work) error {
			w.Publish(unit.Message{Topic: topic})
			return end
		})
	}
	fmt.Println(publish(ctx, "Alone", nil))
	fmt.Println(publish(ctx, "Dropped", errors.New("not today")))

	outer := unit.New(nil)
	fmt.Println(publish(unit.With(ctx, outer), "Joined", nil), len(outer.Messages))

	committed, _, err := store.Pending(ctx, 0, 10)
	for _, entry := range committed {
		fmt.Println(entry.Message.Topic, err)
	}
	// Output:
	// <nil>
	// not today
	// <nil> 1
	// Alone <nil>
}
