package kafka_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/kafka"
)

// What flows past a message that does not finish is bounded, for a restart
// repeats it; when the message finishes, the rest follows.
func TestBroker_Subscribe_window(t *testing.T) {
	t.Parallel()
	const bound, all = 50_000, 51_000 // bound as the package's wideMark
	b := open(t, kafka.Config{Servers: newCluster(t).ListenAddrs(), Partitions: 1})
	topic := "T" + uuid.NewString()
	publish(t, b, message(topic, "slow"))
	for range all / 500 {
		messages := make([]broker.Message, 500)
		for i := range messages {
			messages[i] = message(topic, strconv.Itoa(i%50))
		}
		publish(t, b, messages...)
	}
	var handled atomic.Int64
	finish, reached, beyond, done := make(chan struct{}), make(chan struct{}), make(chan struct{}), make(chan struct{})
	subscribeWith(t, b, broker.Subscription{
		Group: "group", Topics: []string{topic},
		Handle: func(_ context.Context, m broker.Message) error {
			if m.Key == "slow" {
				<-finish
				return nil
			}
			switch handled.Add(1) {
			case bound:
				close(reached)
			case bound + 1:
				close(beyond)
			case all:
				close(done)
			}
			return nil
		},
	})
	within(t, 30*time.Second, "what flows past", func() { <-reached })
	select {
	case <-beyond:
		t.Errorf("more than %d messages flowed past one that is not finished", bound)
	case <-time.After(200 * time.Millisecond):
	}
	close(finish)
	within(t, 30*time.Second, "the rest", func() { <-done })
}
