package brokertest

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/unit"
)

func redelivers(t *testing.T, b *bench) {
	keys := keys(20)
	var attempts atomic.Int32
	l, others := newLog(), make(chan struct{})
	b.subscribe(t, "g"+b.topic, func(ctx context.Context, m broker.Message) error {
		if m.Key == "bad" && string(m.Content) == "1" {
			attempts.Add(1)
			select {
			case <-others:
			default:
				return errTest
			}
		}
		return l.handle(ctx, m)
	})
	b.publish(t, b.numbered("bad", 0, 4)...)
	for _, key := range keys {
		b.publish(t, b.numbered(key, 0, 10)...)
	}
	byKey := l.wait(b.ctx, t, reached("9", keys...))
	if len(byKey["bad"]) > 1 {
		t.Errorf("handled %v of a key whose second message fails", byKey["bad"])
	}
	close(others)
	if got := l.wait(b.ctx, t, reached("3", "bad"))["bad"]; !slices.Equal(got, numbers(0, 4)) {
		t.Errorf("handled %v of the key that failed", got)
	}
	if attempts.Load() < 2 {
		t.Error("the failed message was not delivered again")
	}
}

func flowsPast(t *testing.T, b *bench) {
	const others = 3000
	b.topic += "x"
	if err := b.CreateTopics(b.ctx, broker.Topic{Name: b.topic, Partitions: 1}); err != nil {
		t.Fatalf("create the topic: %v", err)
	}
	passed := make(chan struct{})
	l := newLog()
	b.subscribe(t, "g"+b.topic, func(ctx context.Context, m broker.Message) error {
		if m.Key != "bad" {
			return l.handle(ctx, m)
		}
		select {
		case <-passed:
			return l.handle(ctx, m)
		default:
			return errTest
		}
	})
	b.publish(t, b.numbered("bad", 0, 1)...)
	for from := 0; from < others; from += 500 {
		b.publish(t, b.numbered("good", from, from+500)...)
	}
	l.wait(b.ctx, t, reached(strconv.Itoa(others-1), "good"))
	close(passed)
	l.wait(b.ctx, t, reached("0", "bad"))
}

func refusesUnfit(t *testing.T, b *bench) {
	filled := func(size int) json.RawMessage {
		return json.RawMessage(`"` + strings.Repeat("x", size-2) + `"`)
	}
	fits := broker.Message{
		ID: unit.NewID(), Topic: b.topic, Key: "key", Content: filled(unit.MaxContent + 200), // an event's envelope
		Headers: map[string]string{"User": strings.Repeat("x", 8<<10)},
	}
	for name, change := range map[string]func(*broker.Message){
		"content too large": func(m *broker.Message) { m.Content = filled(1 << 20) },
		"headers too large": func(m *broker.Message) { m.Headers = map[string]string{"User": strings.Repeat("x", 64<<10)} },
		"no topic":          func(m *broker.Message) { m.Topic = "" },
		"dots":              func(m *broker.Message) { m.Topic = ".." },
		"a space":           func(m *broker.Message) { m.Topic = "no topic" },
		"too long a name":   func(m *broker.Message) { m.Topic = strings.Repeat("x", 250) },
	} {
		unfit := fits
		change(&unfit)
		if err := b.Publish(b.ctx, fits, unfit); err == nil {
			t.Errorf("%s: published", name)
		}
	}
	l := newLog()
	b.subscribe(t, "g"+b.topic, l.handle)
	b.publish(t, fits)
	b.publish(t, b.numbered("key", 0, 1)...)
	if got := l.wait(b.ctx, t, reached("0", "key"))["key"]; len(got) != 2 {
		t.Errorf("%d messages arrived", len(got))
	}
}

func drains(t *testing.T, b *bench) {
	started, proceed := make(chan struct{}), make(chan struct{})
	l := newLog()
	stop := b.subscribe(t, "g"+b.topic, func(ctx context.Context, m broker.Message) error {
		close(started)
		<-proceed
		if ctx.Err() != nil {
			t.Error("the handler's context ended before its grace period")
		}
		return l.handle(ctx, m)
	})
	b.publish(t, b.numbered("key", 0, 1)...)
	await(b.ctx, t, started, "the handler")
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		stop()
	}()
	select {
	case <-stopped:
		t.Error("Subscribe returned while a handler ran")
	case <-time.After(100 * time.Millisecond):
	}
	close(proceed)
	await(b.ctx, t, stopped, "the end of Subscribe")
	if got, _, _ := l.get(); !slices.Equal(got["key"], numbers(0, 1)) {
		t.Errorf("handled %v", got["key"])
	}
}

func restarts(t *testing.T, b *bench) {
	started, proceed := make(chan struct{}), make(chan struct{})
	first := newLog()
	stop := b.subscribe(t, "g"+b.topic, func(ctx context.Context, m broker.Message) error {
		switch string(m.Content) {
		case "3":
			close(started)
			<-proceed
		case "4": // the stop may be noticed only now
			return errTest
		}
		return first.handle(ctx, m)
	})
	b.publish(t, b.numbered("key", 0, 10)...)
	await(b.ctx, t, started, "the fourth message")
	var stopping sync.WaitGroup
	stopping.Go(stop)
	close(proceed)
	stopping.Wait()
	if got, _, _ := first.get(); !slices.Equal(got["key"], numbers(0, 4)) {
		t.Fatalf("handled %v before the restart", got["key"])
	}
	b.publish(t, b.numbered("key", 10, 12)...)
	second := newLog()
	b.subscribe(t, "g"+b.topic, second.handle)
	if got := second.wait(b.ctx, t, reached("11", "key"))["key"]; !slices.Equal(got, numbers(4, 12)) {
		t.Errorf("handled %v after the restart", got)
	}
}

func createsTwice(t *testing.T, b *bench) {
	fresh := broker.Topic{Name: b.topic + "x", Partitions: 1}
	if err := b.CreateTopics(b.ctx, broker.Topic{Name: b.topic}, fresh, fresh); err != nil {
		t.Errorf("create a topic that exists, and twice one that does not: %v", err)
	}
	if err := b.CreateTopics(b.ctx); err != nil {
		t.Errorf("create no topics: %v", err)
	}
	if err := b.Ping(b.ctx); err != nil {
		t.Errorf("ping: %v", err)
	}
}

func refusesEndedContext(t *testing.T, b *bench) {
	ctx, cancel := context.WithCancel(b.ctx)
	cancel()
	if err := b.Publish(ctx, b.numbered("key", 0, 1)...); !errors.Is(err, context.Canceled) {
		t.Errorf("published in an ended context: %v", err)
	}
}

func refusesWhenClosed(t *testing.T, b *bench) {
	b.publish(t, b.numbered("key", 0, 1)...)
	if err := b.Close(b.ctx); err != nil {
		t.Errorf("close: %v", err)
	}
	if err := b.Publish(b.ctx, b.numbered("key", 0, 1)...); !errors.Is(err, broker.ErrClosed) {
		t.Errorf("published to a closed broker: %v", err)
	}
}

func await(ctx context.Context, t *testing.T, signal <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-signal:
	case <-ctx.Done():
		t.Fatalf("waited too long for %s", what)
	}
}
