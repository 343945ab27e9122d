package memory_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Works committed by several writers, while the relay is stopped and started
// and the publisher fails now and then, arrive all, in the order of their key.
func TestRelay_storeToBus(t *testing.T) {
	t.Parallel()
	const writers, works = 8, 100
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	store, bus := openStore(t), memory.NewBus()
	got := make(chan broker.Message, 2*writers*works)
	consumed := make(chan error, 1)
	consuming, stopConsuming := context.WithCancel(ctx)
	go func() {
		consumed <- bus.Subscribe(consuming, broker.Subscription{
			Group: "group", Topics: []string{"topic"},
			Handle: func(_ context.Context, m broker.Message) error {
				got <- m
				return nil
			},
		})
	}()

	relay := newRelay(t, store, &flaky{Publisher: bus})
	var writing sync.WaitGroup
	for key := range writers {
		writing.Go(func() {
			for n := range works {
				commit(t, store, relay, broker.Message{Key: fmt.Sprint(key), Content: json.RawMessage(fmt.Sprint(n))})
			}
		})
	}
	for range 5 {
		running, stop := context.WithTimeout(ctx, 20*time.Millisecond)
		if err := relay.Run(running); err != nil {
			t.Errorf("run: %v", err)
		}
		stop()
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- relay.Run(running) }()
	writing.Wait()

	byKey := map[string][]string{}
	for complete := 0; complete < writers; {
		select {
		case m := <-got:
			if content := string(m.Content); !slices.Contains(byKey[m.Key], content) {
				byKey[m.Key] = append(byKey[m.Key], content)
				if len(byKey[m.Key]) == works {
					complete++
				}
			}
		case <-ctx.Done():
			t.Fatal("messages are missing after a minute")
		}
	}
	for key, contents := range byKey {
		for n, content := range contents {
			if content != fmt.Sprint(n) {
				t.Fatalf("key %s: %s came where %d was due", key, content, n)
			}
		}
	}
	stop()
	stopConsuming()
	if err := <-ended; err != nil {
		t.Errorf("run: %v", err)
	}
	if err := <-consumed; err != nil {
		t.Errorf("subscribe: %v", err)
	}
}

func BenchmarkRelay(b *testing.B) {
	b.Run("throughput", func(b *testing.B) {
		store := openStore(b)
		w := unit.New(nil)
		for range b.N {
			w.Publish(broker.Message{Topic: "topic", Content: json.RawMessage(`{"a":1}`)})
		}
		if err := store.Commit(b.Context(), w); err != nil {
			b.Fatal(err)
		}
		sent := &counting{left: b.N, done: make(chan struct{})}
		relay := newRelay(b, store, sent)
		b.ResetTimer()
		runUntil(b, relay, sent.done)
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	})
	b.Run("wake-to-publish", func(b *testing.B) {
		store := openStore(b)
		sent := &counting{left: -1, each: make(chan struct{}, 1)}
		relay := newRelay(b, store, sent)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for b.Loop() {
				commit(b, store, relay, broker.Message{Content: json.RawMessage(`{"a":1}`)})
				<-sent.each
			}
		}()
		runUntil(b, relay, done)
	})
}

func newRelay(t testing.TB, store *memory.Store, publisher broker.Publisher) *broker.Relay {
	t.Helper()
	relay, err := broker.NewRelay(store, publisher, nil, broker.RelayConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return relay
}

func openStore(t testing.TB) *memory.Store {
	t.Helper()
	store, err := memory.Open(t.Context(), memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func commit(t testing.TB, store *memory.Store, relay *broker.Relay, m broker.Message) {
	t.Helper()
	w := unit.New(nil)
	m.Topic = "topic"
	w.Publish(m)
	if err := unit.Watch(store, relay.Wake).Commit(context.WithoutCancel(t.Context()), w); err != nil {
		t.Errorf("commit: %v", err)
	}
}

func runUntil(t testing.TB, relay *broker.Relay, done <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- relay.Run(ctx) }()
	<-done
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("run: %v", err)
	}
}

// flaky is a publisher that fails after half of each seventh call.
type flaky struct {
	broker.Publisher

	calls int
}

func (p *flaky) Publish(ctx context.Context, messages ...broker.Message) error {
	p.calls++
	if p.calls%7 == 3 {
		_ = p.Publisher.Publish(ctx, messages[:len(messages)/2]...)
		return fmt.Errorf("call %d is to fail", p.calls)
	}
	return p.Publisher.Publish(ctx, messages...)
}

// counting is a publisher that only counts.
type counting struct {
	left int
	done chan struct{} // closed when none is left
	each chan struct{} // gets every call
}

func (p *counting) Publish(_ context.Context, messages ...broker.Message) error {
	if p.each != nil {
		p.each <- struct{}{}
		return nil
	}
	if p.left -= len(messages); p.left <= 0 && p.done != nil {
		close(p.done)
		p.done = nil
	}
	return nil
}
