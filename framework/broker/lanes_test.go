package broker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/unit"
)

var errNotNow = errors.New("not now")

func TestLanes(t *testing.T) {
	t.Parallel()
	t.Run("handle different keys at once and one key in order", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var order recorder
			lanes := broker.NewLanes(func(_ context.Context, m broker.Message) error {
				<-time.After(time.Second)
				order.add(m)
				return nil
			}, quiet(broker.LanesConfig{Concurrency: 10}))
			source := lanes.Source(t.Context())
			started := time.Now()
			for n := range 30 {
				source.Add(int64(n), numbered(fmt.Sprint("key-", n%10), n))
			}
			<-time.After(3*time.Second + time.Millisecond)
			synctest.Wait()
			if order.len() != 30 {
				t.Errorf("%d messages were handled after %s", order.len(), time.Since(started))
			}
			for key, contents := range order.byKey() {
				if !slices.IsSorted(contents) {
					t.Errorf("%s was handled in the order %v", key, contents)
				}
			}
		})
	})
	t.Run("run no more handlers at once than configured", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var order recorder
			lanes := broker.NewLanes(func(_ context.Context, m broker.Message) error {
				<-time.After(time.Second)
				order.add(m)
				return nil
			}, quiet(broker.LanesConfig{Concurrency: 2}))
			source := lanes.Source(t.Context())
			for n := range 6 {
				source.Add(int64(n), numbered(fmt.Sprint("key-", n), n))
			}
			<-time.After(2*time.Second + time.Millisecond)
			synctest.Wait()
			if order.len() != 4 {
				t.Errorf("%d messages of a second each were handled in 2 seconds by 2", order.len())
			}
			<-time.After(time.Second)
		})
	})
	t.Run("a failing message holds up its key alone, with growing pauses", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var order recorder
			var attempts []time.Time
			lanes := broker.NewLanes(func(_ context.Context, m broker.Message) error {
				if m.Key == "bad" && string(m.Content) == "0" && len(attempts) < 6 {
					attempts = append(attempts, time.Now())
					return errNotNow
				}
				order.add(m)
				return nil
			}, quiet(broker.LanesConfig{Concurrency: 1, RetryMin: 100 * time.Millisecond, RetryMax: time.Second}))
			source := lanes.Source(t.Context())
			source.Add(0, numbered("bad", 0))
			source.Add(1, numbered("bad", 1))
			source.Add(2, numbered("good", 2))
			synctest.Wait()
			if got := order.byKey(); len(got["good"]) != 1 || len(got["bad"]) != 0 {
				t.Errorf("handled %v while the first message fails", got)
			}
			next, waiting, window := source.Next(), source.Waiting(), source.Window()
			if next != 0 || waiting != 2 || window != 3 {
				t.Errorf("next %d, waiting %d of %d, though the first message is not finished", next, waiting, window)
			}
			<-time.After(10 * time.Second)
			synctest.Wait()
			if got := order.byKey()["bad"]; !slices.Equal(got, []int{0, 1}) {
				t.Errorf("handled %v of the key that failed", got)
			}
			for n := range len(attempts) - 1 {
				limit := min(time.Second, 100*time.Millisecond<<n)
				if pause := attempts[n+1].Sub(attempts[n]); pause < limit/2 || pause > limit {
					t.Errorf("pause %d was %s, not between %s and %s", n+1, pause, limit/2, limit)
				}
			}
			next, waiting, window = source.Next(), source.Waiting(), source.Window()
			if next != 3 || waiting+window != 0 {
				t.Errorf("next %d, waiting %d of %d, though all is finished", next, waiting, window)
			}
		})
	})
	t.Run("the next offset waits for the lowest unfinished one", func(t *testing.T) {
		t.Parallel()
		gates := map[string]chan struct{}{"a": make(chan struct{}), "b": make(chan struct{}), "c": make(chan struct{})}
		lanes := broker.NewLanes(func(_ context.Context, m broker.Message) error {
			<-gates[m.Key]
			return nil
		}, quiet(broker.LanesConfig{}))
		source := lanes.Source(t.Context())
		if source.Next() != -1 {
			t.Errorf("next is %d before the first message", source.Next())
		}
		for n, key := range []string{"a", "b", "c"} { // offsets may leave gaps
			source.Add(int64(10*n+5), numbered(key, n))
		}
		expect := func(want int64) {
			t.Helper()
			for source.Next() != want {
				select {
				case <-t.Context().Done():
					t.Fatalf("next is %d, want %d", source.Next(), want)
				case <-time.After(time.Millisecond):
				}
			}
		}
		close(gates["b"])
		expect(5)
		close(gates["a"])
		expect(16)
		close(gates["c"])
		expect(26)
		source.Drain()
	})
}

func TestSource_Drain(t *testing.T) {
	t.Parallel()
	t.Run("waits for what runs and drops what waits", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var order recorder
			lanes := broker.NewLanes(func(ctx context.Context, m broker.Message) error {
				<-time.After(time.Second)
				order.add(m)
				return ctx.Err()
			}, quiet(broker.LanesConfig{}))
			ctx, cancel := context.WithCancel(t.Context())
			source := lanes.Source(ctx)
			for n := range 3 {
				source.Add(int64(n), numbered("key", n))
			}
			cancel() // must not reach the handlers
			synctest.Wait()
			source.Drain()
			if order.len() != 1 || source.Next() != 1 {
				t.Errorf("%d were handled, next is %d", order.len(), source.Next())
			}
			source.Add(3, numbered("other", 3))
			source.Drain()
			if order.len() != 1 {
				t.Error("a message was handled after the end")
			}
		})
	})
	t.Run("ends the handlers' context after the grace period", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			lanes := broker.NewLanes(func(ctx context.Context, _ broker.Message) error {
				<-ctx.Done()
				return ctx.Err()
			}, quiet(broker.LanesConfig{Grace: 3 * time.Second}))
			source := lanes.Source(t.Context())
			source.Add(7, numbered("key", 0))
			synctest.Wait()
			started := time.Now()
			source.Drain()
			if took := time.Since(started); took != 3*time.Second {
				t.Errorf("drained after %s", took)
			}
			if source.Next() != 7 {
				t.Errorf("next is %d, though the message was not finished", source.Next())
			}
		})
	})
	t.Run("ends the pause of a failing message, whose key is free for another source", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var order recorder
			fail := true
			lanes := broker.NewLanes(func(_ context.Context, m broker.Message) error {
				if fail {
					return errNotNow
				}
				order.add(m)
				return nil
			}, quiet(broker.LanesConfig{RetryMin: time.Hour, RetryMax: time.Hour}))
			first := lanes.Source(t.Context())
			first.Add(0, numbered("key", 0))
			synctest.Wait()
			first.Drain()
			fail = false
			second := lanes.Source(t.Context())
			second.Add(0, numbered("key", 0))
			synctest.Wait()
			if order.len() != 1 || second.Next() != 1 || first.Next() != 0 {
				t.Errorf("%d were handled, next %d and %d", order.len(), first.Next(), second.Next())
			}
		})
	})
}

// Whatever fails, restarts and runs at once: each message is finished at least
// once, and the first time in the order of its key.
func TestLanes_property(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(rapid.IntRange(0, 5), 1, 60).Draw(t, "keys")
		failures := rapid.SliceOfN(rapid.IntRange(0, 2), len(keys), len(keys)).Draw(t, "failures")
		stops := rapid.SliceOfN(rapid.IntRange(0, 20), 0, 3).Draw(t, "handled before a restart")
		concurrency := rapid.IntRange(1, 4).Draw(t, "concurrency")

		var order recorder
		var mu sync.Mutex
		handled := make(chan struct{}, 10*len(keys))
		lanes := broker.NewLanes(func(_ context.Context, m broker.Message) error {
			var n int
			_ = json.Unmarshal(m.Content, &n)
			mu.Lock()
			failures[n]--
			fails := failures[n] >= 0
			mu.Unlock()
			if fails {
				return errNotNow
			}
			order.add(m)
			handled <- struct{}{}
			return nil
		}, quiet(broker.LanesConfig{Concurrency: concurrency, RetryMin: time.Microsecond}))
		from := int64(0)
		read := func() *broker.Source {
			source := lanes.Source(context.Background())
			for n := from; n < int64(len(keys)); n++ {
				source.Add(n, numbered(fmt.Sprint("key-", keys[n]), int(n)))
			}
			return source
		}
		for _, count := range stops {
			source := read()
			for range min(count, source.Waiting()) {
				<-handled
			}
			source.Drain()
			from = max(from, source.Next())
		}
		source := read()
		for source.Waiting() > 0 {
			runtime.Gosched()
		}
		source.Drain()
		for key, contents := range order.byKey() {
			var due []int
			for n := range keys {
				if fmt.Sprint("key-", keys[n]) == key {
					due = append(due, n)
				}
			}
			if got := firsts(contents); !slices.Equal(got, due) {
				t.Fatalf("%s was first handled in the order %v, not %v", key, got, due)
			}
		}
	})
}

func firsts(contents []int) []int {
	var kept []int
	for _, c := range contents {
		if !slices.Contains(kept, c) {
			kept = append(kept, c)
		}
	}
	return kept
}

// recorder keeps the messages that were handled.
type recorder struct {
	mu       sync.Mutex
	messages []broker.Message
}

func (r *recorder) add(messages ...broker.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, messages...)
}

func (r *recorder) len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.messages)
}

func (r *recorder) byKey() map[string][]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	contents := map[string][]int{}
	for _, m := range r.messages {
		var n int
		_ = json.Unmarshal(m.Content, &n)
		contents[m.Key] = append(contents[m.Key], n)
	}
	return contents
}

func numbered(key string, n int) broker.Message {
	return broker.Message{ID: unit.NewID(), Topic: "topic", Key: key, Content: json.RawMessage(fmt.Sprint(n))}
}

func quiet(c broker.LanesConfig) broker.LanesConfig {
	c.Logger = slog.New(slog.DiscardHandler)
	return c
}
