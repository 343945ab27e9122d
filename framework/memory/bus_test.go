package memory_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/broker/brokertest"
	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/unit"
)

func TestBus(t *testing.T) {
	t.Parallel()
	brokertest.RunBroker(t, func(*testing.T) broker.Broker { return memory.NewBus() })
}

func TestBus_Subscribe_leaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bus := memory.NewBus()
		finished := [2]int{}
		var ended sync.WaitGroup
		var stops [2]context.CancelFunc
		for i := range finished {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			stops[i] = stop
			ended.Go(func() {
				err := bus.Subscribe(ctx, broker.Subscription{
					Group: "group", Topics: []string{"topic"},
					Handle: func(context.Context, broker.Message) error {
						<-time.After(time.Second)
						finished[i]++
						return nil
					},
				})
				if err != nil || finished[i] != 1 {
					t.Errorf("member %d returned %v after %d of 1 messages", i, err, finished[i])
				}
			})
			synctest.Wait()
		}
		for range finished { // each member has one in its turn
			if err := bus.Publish(t.Context(), broker.Message{ID: unit.NewID(), Topic: "topic"}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		stops[0]() // the other one stays
		<-time.After(2 * time.Second)
		stops[1]()
		ended.Wait()
	})
}

func BenchmarkBus(b *testing.B) {
	brokertest.BenchBroker(b, func(*testing.B) broker.Broker { return memory.NewBus() })
}
