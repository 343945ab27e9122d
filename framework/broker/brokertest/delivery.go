package brokertest

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/unit"
)

func deliversAsSent(t *testing.T, b *bench) {
	id := unit.NewID()
	sent := []broker.Message{
		{ID: unit.NewID(), Topic: b.topic, Key: "bare"},
		{ID: unit.NewID(), Topic: b.topic, Key: "null", Content: json.RawMessage("null")},
		{
			ID: id, Topic: b.topic, Key: "ключ", ReplyTo: "FooReply", Status: 404,
			Content: json.RawMessage(`{"a": [1, "ü", {}]}`),
			Headers: map[string]string{
				"User": "jo", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "empty": "",
				"identifier": "x", "reply-topic": "y", "status": "z", "content-type": "w", "header-status": "v",
			},
		},
	}
	got := make(chan broker.Message, 10)
	b.subscribe(t, "g"+b.topic, func(_ context.Context, m broker.Message) error {
		got <- m
		return nil
	})
	b.publish(t, sent...)
	b.publish(t, broker.Message{ID: id, Topic: b.topic, Key: id.String()})
	b.publish(t, broker.Message{ID: id, Topic: b.topic})
	sent = append(sent, broker.Message{ID: id, Topic: b.topic, Key: id.String()},
		broker.Message{ID: id, Topic: b.topic, Key: id.String()})
	for range sent {
		select {
		case m := <-got:
			if !slices.ContainsFunc(sent, func(s broker.Message) bool { return reflect.DeepEqual(s, m) }) {
				t.Errorf("delivered %+v, which was not sent", m)
			}
		case <-b.ctx.Done():
			t.Fatal("messages are missing")
		}
	}
}

func keepsOrder(t *testing.T, b *bench) {
	keys := keys(20)
	for n := range 10 {
		var messages []broker.Message
		for _, key := range keys {
			messages = append(messages, b.numbered(key, 10*n, 10*n+10)...)
		}
		b.publish(t, messages...)
	}
	l, o := newLog(), &overlap{}
	b.subscribe(t, "g"+b.topic, o.during(l.handle))
	for key, contents := range l.wait(b.ctx, t, reached("99", keys...)) {
		if want := numbers(0, 100); !slices.Equal(contents, want) {
			t.Errorf("%s was handled in the order %v", key, contents)
		}
	}
	if o.seen.Load() {
		t.Error("two messages of one key were handled at once")
	}
}

func sharesGroup(t *testing.T, b *bench) {
	all, first, second, o := newLog(), newLog(), newLog(), &overlap{}
	both := func(own *log) broker.Handler {
		return o.during(func(ctx context.Context, m broker.Message) error {
			_ = own.handle(ctx, m)
			return all.handle(ctx, m)
		})
	}
	keys := keys(20)
	b.subscribe(t, "g"+b.topic, both(first))
	stop := b.subscribe(t, "g"+b.topic, both(second))
	// The members find together while messages flow: nothing may be lost then.
	rounds := 0
	for ; ; rounds++ {
		var messages []broker.Message
		for _, key := range keys {
			messages = append(messages, b.numbered(key, rounds, rounds+1)...)
		}
		b.publish(t, messages...)
		all.wait(b.ctx, t, reached(numbers(rounds, rounds+1)[0], keys...))
		_, handledFirst, _ := first.get()
		_, handledSecond, _ := second.get()
		if handledFirst > 0 && handledSecond > 0 {
			break
		}
	}
	stop()
	for _, key := range keys {
		b.publish(t, b.numbered(key, rounds+1, rounds+2)...)
	}
	last := numbers(rounds+1, rounds+2)[0]
	for key, contents := range all.wait(b.ctx, t, reached(last, keys...)) {
		if want := numbers(0, rounds+2); !slices.Equal(firsts(contents), want) {
			t.Errorf("%s was handled in the order %v", key, contents)
		}
	}
	if o.seen.Load() {
		t.Error("two messages of one key were handled at once")
	}
}

func membersComeAndGo(t *testing.T, b *bench) {
	const rounds = 6
	keys := keys(10)
	all := newLog()
	var stops []func()
	for round := range rounds {
		for _, key := range keys {
			b.publish(t, b.numbered(key, 10*round, 10*round+10)...)
		}
		stops = append(stops, b.subscribe(t, "g"+b.topic, all.handle))
		if round%2 == 1 { // the older of two leaves, with messages under way
			stops[0]()
			stops = stops[1:]
		}
	}
	last := numbers(10*rounds-1, 10*rounds)[0]
	for key, contents := range all.wait(b.ctx, t, reached(last, keys...)) {
		if want := numbers(0, 10*rounds); !slices.Equal(firsts(contents), want) {
			t.Errorf("%s was first handled in the order %v", key, firsts(contents))
		}
	}
}

func everyGroupAll(t *testing.T, b *bench) {
	keys := keys(5)
	for _, key := range keys {
		b.publish(t, b.numbered(key, 0, 10)...)
	}
	one, two := newLog(), newLog()
	b.subscribe(t, "one"+b.topic, one.handle)
	b.subscribe(t, "two"+b.topic, two.handle)
	for _, key := range keys {
		b.publish(t, b.numbered(key, 10, 20)...)
	}
	for _, l := range []*log{one, two} {
		for key, contents := range l.wait(b.ctx, t, reached("19", keys...)) {
			if want := numbers(0, 20); !slices.Equal(contents, want) {
				t.Errorf("%s was handled in the order %v", key, contents)
			}
		}
	}
}

func ephemeralAfterReady(t *testing.T, b *bench) {
	keys := keys(10)
	for round := range 3 { // the second time nothing is remembered of the first
		for _, key := range keys {
			b.publish(t, b.numbered(key, 100*round, 100*round+10)...)
		}
		one, two := newLog(), newLog()
		stops := []func(){b.subscribe(t, "", one.handle), b.subscribe(t, "", two.handle)}
		for _, key := range keys {
			b.publish(t, b.numbered(key, 100*round+10, 100*round+20)...)
		}
		for _, l := range []*log{one, two} {
			last := numbers(100*round+19, 100*round+20)[0]
			for key, contents := range l.wait(b.ctx, t, reached(last, keys...)) {
				if want := numbers(100*round+10, 100*round+20); !slices.Equal(contents, want) {
					t.Errorf("%s was handled in the order %v", key, contents)
				}
			}
		}
		for _, stop := range stops {
			stop()
		}
	}
}

func carriesRequests(t *testing.T, b *bench) {
	b.subscribe(t, "g"+b.topic, func(ctx context.Context, m broker.Message) error {
		reply := broker.Message{ID: m.ID, Topic: m.ReplyTo, Status: 200, Content: m.Content}
		if string(m.Content) == "13" {
			reply.Status, reply.Content = 409, json.RawMessage(`{"title":"Conflict","status":409,"detail":"unlucky"}`)
		}
		return b.Publish(ctx, reply)
	})
	replies := broker.Topic{Name: b.topic + "Reply"}
	if err := b.CreateTopics(b.ctx, replies); err != nil {
		t.Fatalf("create the reply topic: %v", err)
	}
	ctx, cancel := context.WithCancel(b.ctx)
	var clients [2]*broker.Client // which share the reply topic
	var running, asking sync.WaitGroup
	for i := range clients {
		client, err := broker.NewClient(b, b, broker.ClientConfig{ReplyTopic: replies.Name})
		if err != nil {
			t.Fatal(err)
		}
		clients[i] = client
		running.Go(func() {
			if err := client.Run(ctx); err != nil {
				t.Errorf("run: %v", err)
			}
		})
	}
	for n := range 20 {
		asking.Go(func() {
			reply, err := clients[n%2].Request(b.ctx, b.topic, n)
			refused, isRefused := errors.AsType[*broker.ReplyError](err)
			switch {
			case n == 13 && (!isRefused || refused.Status != 409 || refused.Detail != "unlucky"):
				t.Errorf("request 13: %v", err)
			case n != 13 && (err != nil || string(reply.Content) != numbers(n, n+1)[0]):
				t.Errorf("request %d: %s, %v", n, reply.Content, err)
			}
		})
	}
	asking.Wait()
	cancel()
	running.Wait()
}

func refusesWithoutID(t *testing.T, b *bench) {
	if err := b.Publish(b.ctx, broker.Message{Topic: b.topic}); err == nil {
		t.Error("a message without an ID was published")
	}
	if err := b.Publish(b.ctx, broker.Message{ID: uuid.New()}); err == nil {
		t.Error("a message without a topic was published")
	}
}

func survivesPanic(t *testing.T, b *bench) {
	var attempts atomic.Int32
	l := newLog()
	b.subscribe(t, "g"+b.topic, func(ctx context.Context, m broker.Message) error {
		if attempts.Add(1) == 1 {
			panic("on purpose")
		}
		return l.handle(ctx, m)
	})
	b.publish(t, b.numbered("key", 0, 3)...)
	if got := l.wait(b.ctx, t, reached("2", "key"))["key"]; !slices.Equal(got, numbers(0, 3)) {
		t.Errorf("handled %v", got)
	}
}
