package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/kafka"
)

// Whatever happens to produce requests, publishers that try again until they
// get nil lose nothing, and each message comes first in the order of its key.
func TestPublish_faults(t *testing.T) {
	t.Parallel()
	for _, fault := range []*kerr.Error{
		kerr.OutOfOrderSequenceNumber,     // fatal to an idempotent producer
		kerr.InvalidProducerEpoch,         // another one has taken over
		kerr.NotEnoughReplicas,            // refused, may be tried again
		kerr.NotEnoughReplicasAfterAppend, // written, and reported as if it were not
		kerr.RequestTimedOut,              // written, and nobody knows
		kerr.ClusterAuthorizationFailed,   // final
		kerr.UnknownTopicOrPartition,      // as a leader that has just moved says
		kerr.PolicyViolation,              // final, to librdkafka's surprise
	} {
		t.Run(fault.Message, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster(t)
			b := open(t, kafka.Config{Servers: cluster.ListenAddrs(), Timeout: 10 * time.Second})
			topic := "T" + uuid.NewString()
			if err := b.CreateTopics(t.Context(), broker.Topic{Name: topic}); err != nil {
				t.Fatal(err)
			}
			requests := 0
			cluster.Fault(kfake.Fault{
				Keys: []kmsg.Key{kmsg.Produce}, Err: fault, Count: 10,
				When: func(kmsg.Request) bool { requests++; return requests%3 == 0 },
			})
			const keys, batches, size = 8, 25, 4
			var publishing sync.WaitGroup
			for key := range keys {
				publishing.Go(func() { publishAll(t, b, topic, fmt.Sprint("key-", key), batches, size) })
			}
			publishing.Wait()
			expectAll(t, b, topic, keys, batches*size)
		})
	}
}

// publishAll publishes numbered messages of one key, in batches, each until it
// succeeds.
func publishAll(t *testing.T, b *kafka.Broker, topic, key string, batches, size int) {
	t.Helper()
	for n := range batches {
		var messages []broker.Message
		for i := range size {
			m := message(topic, key)
			m.Content = fmt.Append(nil, n*size+i)
			messages = append(messages, m)
		}
		for attempt := 1; ; attempt++ {
			err := b.Publish(t.Context(), messages...)
			if err == nil {
				break
			}
			if attempt == 50 {
				t.Errorf("published in vain %d times: %v", attempt, err)
				return
			}
		}
	}
}

// expectAll reads the topic until every key has its n messages.
func expectAll(t *testing.T, b *kafka.Broker, topic string, keys, n int) {
	t.Helper()
	got := make(chan broker.Message, 100_000) // so that no handler waits when the test fails
	defer subscribe(t, b, "group", topic, got)()
	next := map[string]int{}
	for complete := 0; complete < keys; {
		m := receive(t, got)
		var number int
		if _, err := fmt.Sscan(string(m.Content), &number); err != nil {
			t.Fatal(err)
		}
		switch {
		case number > next[m.Key]:
			t.Fatalf("message %d of %s came where %d was due", number, m.Key, next[m.Key])
		case number == next[m.Key]:
			if next[m.Key]++; next[m.Key] == n {
				complete++
			}
		} // else it is there again
	}
}

func TestPublish_endsWhileWaiting(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, b *kafka.Broker, cancel func()) error{
		"with the caller's context": func(_ *testing.T, _ *kafka.Broker, cancel func()) error {
			cancel()
			return context.Canceled
		},
		"with the broker": func(t *testing.T, b *kafka.Broker, _ func()) error {
			t.Helper()
			if err := b.Close(t.Context()); err != nil {
				t.Errorf("close: %v", err)
			}
			return broker.ErrClosed
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster(t)
			b := open(t, kafka.Config{Servers: cluster.ListenAddrs()})
			topic := "T" + uuid.NewString()
			publish(t, b, message(topic, "key"))
			stuck := make(chan struct{})
			cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
				close(stuck)
				return nil, errors.New("the connection breaks"), true
			})
			cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: -1})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			published := make(chan error, 1)
			go func() { published <- b.Publish(ctx, message(topic, "key")) }()
			<-stuck
			within(t, 5*time.Second, "Publish", func() {
				want := end(t, b, cancel)
				if err := <-published; !errors.Is(err, want) {
					t.Errorf("publish: %v, want %v", err, want)
				}
			})
		})
	}
}
