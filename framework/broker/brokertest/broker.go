// Package brokertest holds the suites that every driver of package broker
// passes.
package brokertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/unit"
)

// RunBroker checks that brokers keep the promises of package broker. Open is
// called for each subtest, at once from several goroutines, and closes what it
// returns in a cleanup unless the subtest did: Close may be called twice there.
// All may lead to the same servers: the suite uses topics and groups of its own.
func RunBroker(t *testing.T, open func(t *testing.T) broker.Broker) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, *bench){
		"delivers a message as it was sent":                          deliversAsSent,
		"keeps the order of each key":                                keepsOrder,
		"shares the messages of a group among its members":           sharesGroup,
		"loses nothing while members come and go":                    membersComeAndGo,
		"gives every group all messages from the oldest on":          everyGroupAll,
		"gives a member without a group only what comes after Ready": ephemeralAfterReady,
		"delivers again after an error, before what follows the key": redelivers,
		"survives a handler that panics":                             survivesPanic,
		"lets a handler finish when the subscription ends":           drains,
		"delivers after a restart only what was not finished":        restarts,
		"carries requests and their replies":                         carriesRequests,
		"lets other keys flow past one that fails, however many":     flowsPast,
		"refuses a message without an ID":                            refusesWithoutID,
		"takes what a store does, and refuses what no broker takes":  refusesUnfit,
		"refuses to publish in an ended context":                     refusesEndedContext,
		"creates a topic twice and answers a ping":                   createsTwice,
		"refuses to publish when closed":                             refusesWhenClosed,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
			t.Cleanup(cancel)
			b := &bench{Broker: open(t), ctx: ctx, topic: "T" + uuid.NewString()}
			if err := b.CreateTopics(ctx, broker.Topic{Name: b.topic}); err != nil {
				t.Fatalf("create the topic: %v", err)
			}
			test(t, b)
		})
	}
}

// bench is a broker with a topic to test on.
type bench struct {
	broker.Broker
	ctx   context.Context // ends when the test takes too long
	topic string
}

func (b *bench) publish(t *testing.T, messages ...broker.Message) {
	t.Helper()
	if err := b.Publish(b.ctx, messages...); err != nil {
		t.Fatalf("publish: %v", err)
	}
}

// numbered returns messages of one key whose contents are from, ..., to-1.
func (b *bench) numbered(key string, from, to int) []broker.Message {
	var messages []broker.Message
	for n := from; n < to; n++ {
		messages = append(messages, broker.Message{
			ID: unit.NewID(), Topic: b.topic, Key: key, Content: json.RawMessage(fmt.Sprint(n)),
		})
	}
	return messages
}

// subscribe subscribes handle and returns when messages flow. The function that
// it returns ends the subscription and waits for its end.
func (b *bench) subscribe(t *testing.T, group string, handle broker.Handler) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(b.ctx)
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- b.Subscribe(ctx, broker.Subscription{
			Group: group, Topics: []string{b.topic}, Handle: handle, Ready: func() { close(ready) },
		})
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("subscribe: %v", err)
			}
		case <-b.ctx.Done():
			t.Error("subscribe did not return")
		}
	})
	t.Cleanup(stop)
	select {
	case <-ready:
	case <-b.ctx.Done():
		t.Fatal("the subscription did not become ready")
	}
	return stop
}

// log records what was handled, by key.
type log struct {
	mu      sync.Mutex
	byKey   map[string][]string
	count   int
	changed chan struct{}
}

func newLog() *log { return &log{byKey: map[string][]string{}, changed: make(chan struct{})} }

func (l *log) handle(_ context.Context, m broker.Message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.byKey[m.Key] = append(l.byKey[m.Key], string(m.Content))
	l.count++
	close(l.changed)
	l.changed = make(chan struct{})
	return nil
}

func (l *log) get() (map[string][]string, int, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	byKey := map[string][]string{}
	for key, contents := range l.byKey {
		byKey[key] = slices.Clone(contents)
	}
	return byKey, l.count, l.changed
}

// wait waits until done says so.
func (l *log) wait(ctx context.Context, t *testing.T, done func(byKey map[string][]string) bool) map[string][]string {
	t.Helper()
	for {
		byKey, count, changed := l.get()
		if done(byKey) {
			return byKey
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("waited too long; %d messages were handled, of %v", count, slices.Sorted(maps.Keys(byKey)))
		}
	}
}

// reached returns a condition: every key has the message of that content.
func reached(last string, keys ...string) func(map[string][]string) bool {
	return func(byKey map[string][]string) bool {
		return !slices.ContainsFunc(keys, func(key string) bool { return !slices.Contains(byKey[key], last) })
	}
}

// numbers returns the contents that numbered gives.
func numbers(from, to int) []string {
	var contents []string
	for n := from; n < to; n++ {
		contents = append(contents, fmt.Sprint(n))
	}
	return contents
}

func keys(n int) []string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("key-%d", i))
	}
	return names
}

// firsts returns contents without what was there before.
func firsts(contents []string) []string {
	var kept []string
	for _, c := range contents {
		if !slices.Contains(kept, c) {
			kept = append(kept, c)
		}
	}
	return kept
}

var errTest = errors.New("not now")

// overlap notices handlers that run at once for one key.
type overlap struct {
	running sync.Map // key -> *atomic.Int32
	seen    atomic.Bool
}

func (o *overlap) during(handle broker.Handler) broker.Handler {
	return func(ctx context.Context, m broker.Message) error {
		counter, _ := o.running.LoadOrStore(m.Key, new(atomic.Int32))
		running := counter.(*atomic.Int32)
		if running.Add(1) > 1 {
			o.seen.Store(true)
		}
		defer running.Add(-1)
		return handle(ctx, m)
	}
}
