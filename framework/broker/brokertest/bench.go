package brokertest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/unit"
)

// BenchBroker measures a broker: how long a message takes from Publish to its
// handler, how many can be published and handled in a second, and how long a
// request and its reply take, alone and 64 at once. Open is as for RunBroker.
func BenchBroker(b *testing.B, open func(b *testing.B) broker.Broker) {
	b.Helper()
	b.Run("latency", func(b *testing.B) { benchLatency(b, open(b)) })
	b.Run("publish", func(b *testing.B) { benchPublish(b, open(b)) })
	b.Run("handle", func(b *testing.B) { benchHandle(b, open(b)) })
	for _, flying := range []int{1, 64} {
		b.Run(fmt.Sprint("request-", flying), func(b *testing.B) { benchRequest(b, open(b), flying) })
	}
}

// benchMessages returns n messages of as many keys, with 256 bytes of content.
func benchMessages(topic string, n int) []broker.Message {
	messages := make([]broker.Message, n)
	content := []byte(`"` + strings.Repeat("x", 254) + `"`)
	for i := range messages {
		messages[i] = broker.Message{ID: unit.NewID(), Topic: topic, Content: content}
	}
	return messages
}

func benchSubscribe(b *testing.B, subscriber broker.Subscriber, topic string, handle broker.Handler) {
	b.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(b.Context()))
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- subscriber.Subscribe(ctx, broker.Subscription{
			Group: "g" + topic, Topics: []string{topic}, Handle: handle, Ready: func() { close(ready) },
		})
	}()
	b.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			b.Errorf("subscribe: %v", err)
		}
	})
	<-ready
}

func benchTopic(b *testing.B, br broker.Broker) string {
	b.Helper()
	topic := "T" + uuid.NewString()
	if err := br.CreateTopics(b.Context(), broker.Topic{Name: topic}); err != nil {
		b.Fatalf("create the topic: %v", err)
	}
	return topic
}

func benchLatency(b *testing.B, br broker.Broker) {
	b.Helper()
	topic := benchTopic(b, br)
	handled := make(chan time.Time, 1)
	benchSubscribe(b, br, topic, func(context.Context, broker.Message) error {
		handled <- time.Now()
		return nil
	})
	var took []time.Duration
	for b.Loop() {
		messages := benchMessages(topic, 1)
		started := time.Now()
		if err := br.Publish(b.Context(), messages...); err != nil {
			b.Fatalf("publish: %v", err)
		}
		took = append(took, (<-handled).Sub(started))
	}
	reportPercentiles(b, took)
}

func benchPublish(b *testing.B, br broker.Broker) {
	b.Helper()
	topic := benchTopic(b, br)
	const batch = 500
	for b.Loop() {
		if err := br.Publish(b.Context(), benchMessages(topic, batch)...); err != nil {
			b.Fatalf("publish: %v", err)
		}
	}
	b.ReportMetric(float64(batch*b.N)/b.Elapsed().Seconds(), "messages/s")
}

func benchHandle(b *testing.B, br broker.Broker) {
	b.Helper()
	topic := benchTopic(b, br)
	const batch = 20_000
	var count atomic.Int64
	rounds := make(chan struct{}, 1)
	benchSubscribe(b, br, topic, func(context.Context, broker.Message) error {
		if count.Add(1)%batch == 0 {
			rounds <- struct{}{}
		}
		return nil
	})
	for b.Loop() {
		for range batch / 500 {
			if err := br.Publish(b.Context(), benchMessages(topic, 500)...); err != nil {
				b.Fatalf("publish: %v", err)
			}
		}
		<-rounds
	}
	b.ReportMetric(float64(batch*b.N)/b.Elapsed().Seconds(), "messages/s")
}

func benchRequest(b *testing.B, br broker.Broker, flying int) {
	b.Helper()
	topic, replies := benchTopic(b, br), benchTopic(b, br)
	benchSubscribe(b, br, topic, func(ctx context.Context, m broker.Message) error {
		return br.Publish(ctx, broker.Message{ID: m.ID, Topic: m.ReplyTo, Status: 200, Content: m.Content})
	})
	client, err := broker.NewClient(br, br, broker.ClientConfig{ReplyTopic: replies})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(b.Context()))
	var running sync.WaitGroup
	running.Go(func() { _ = client.Run(ctx) })
	b.Cleanup(func() {
		cancel()
		running.Wait()
	})
	if _, err := client.Request(b.Context(), topic, "first"); err != nil {
		b.Fatalf("request: %v", err)
	}
	var mu sync.Mutex
	var took []time.Duration
	b.ResetTimer()
	var asking sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(b.N))
	for range flying {
		asking.Go(func() {
			for left.Add(-1) >= 0 {
				started := time.Now()
				if _, err := client.Request(b.Context(), topic, "again"); err != nil {
					b.Errorf("request: %v", err)
					return
				}
				mu.Lock()
				took = append(took, time.Since(started))
				mu.Unlock()
			}
		})
	}
	asking.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
	reportPercentiles(b, took)
}

func reportPercentiles(b *testing.B, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	if len(took) == 0 {
		return
	}
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}
