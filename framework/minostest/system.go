// Package minostest runs microservices in a test: whole, in the test's own
// process, on a store and a broker in memory, without a server.
//
//	func TestFoo(t *testing.T) {
//		foo := minostest.Start(t, "foo", New)
//		foo.Post("/foos", CreateFoo{Bar: "test"}).Want(http.StatusCreated)
//		foo.System.Await("FooCreated", nil)
//	}
//
// Several services started in one System talk to each other as they would over
// Kafka. What another team's service would answer is given by System.Answer.
package minostest

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/config"
	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/service"
)

// deadline is how long a test waits for what must happen before it fails.
const deadline = 20 * time.Second

// privacyKey seals the personal data of tests.
const privacyKey = "bWlub3N0ZXN0IHRha2VzIGFueSBrZXkgYXQgYWxsLi4="

// System is a set of services that share a broker. Its methods are called from
// the test's goroutine; what goes wrong ends the test.
type System struct {
	t   testing.TB
	bus *memory.Bus

	mu        sync.Mutex
	listeners int // numbers the groups that Await listens with
}

// NewSystem returns a system without services, which ends with the test.
func NewSystem(t testing.TB) *System {
	t.Helper()
	return &System{t: t, bus: memory.NewBus()}
}

// Start starts one service in a system of its own.
func Start(t testing.TB, name string, build func(*service.App) error) *Service {
	t.Helper()
	return NewSystem(t).Start(name, build)
}

// sharedBus is the system's broker as one service has it, which does not close
// it for the others.
type sharedBus struct{ *memory.Bus }

func (sharedBus) Close(context.Context) error { return nil }

// Start starts a service, which stops when the test ends. Its log goes to the
// test's.
func (s *System) Start(name string, build func(*service.App) error) *Service {
	s.t.Helper()
	c := config.Config{Name: name, Databases: map[string]config.Database{"default": {Client: "memory"}}}
	c.Interfaces.HTTP.Connector.Host = "127.0.0.1" // and any port
	c.Interfaces.Broker.Client = "memory"
	c.Privacy.Key = privacyKey
	drivers := service.Drivers{
		Databases: map[string]service.OpenDatabase{
			"memory": func(ctx context.Context, _ config.Database) (service.Store, error) {
				return memory.Open(ctx, memory.Config{})
			},
		},
		Brokers: map[string]service.OpenBroker{
			"memory": func(context.Context, string, config.Broker) (broker.Broker, error) {
				return sharedBus{s.bus}, nil
			},
		},
	}
	logger := slog.New(slog.NewTextHandler(s.t.Output(), nil)).With("service", name)
	started, err := service.New(s.t.Context(), c, drivers, logger, build)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(s.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- started.Run(ctx) }()
	s.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			s.t.Error(err)
		}
		if err := started.Close(ctx); err != nil {
			s.t.Error(err)
		}
	})
	return &Service{System: s, handler: started.Handler()}
}

// Await returns the first message on a topic for which match holds, or the
// first at all when match is nil. It sees every message since the system was
// made, and fails the test when there is none in 20 seconds.
func (s *System) Await(topic string, match func(broker.Message) bool) broker.Message {
	s.t.Helper()
	s.mu.Lock()
	s.listeners++
	group := fmt.Sprintf("minostest-%d", s.listeners)
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(s.t.Context(), deadline)
	defer cancel()
	found := make(chan broker.Message, 1)
	err := s.bus.Subscribe(ctx, broker.Subscription{
		Group: group, Topics: []string{topic},
		Handle: func(_ context.Context, m broker.Message) error {
			if match != nil && !match(m) {
				return nil
			}
			select {
			case found <- m:
				cancel()
			default: // the first one was found
			}
			return nil
		},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	select {
	case m := <-found:
		return m
	default:
		s.t.Fatalf("no such message on %s in %s", topic, deadline)
		return broker.Message{}
	}
}

// Answer has commands or queries on a topic answered by a function, in place of
// the service that would: with a status and any value that encodes to JSON. It
// does so until the test ends.
func (s *System) Answer(topic string, answer func(content json.RawMessage) (status int, reply any)) {
	s.t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(s.t.Context()))
	ended := make(chan error, 1)
	go func() {
		ended <- s.bus.Subscribe(ctx, broker.Subscription{
			Group: "minostest-answers", Topics: []string{topic},
			Handle: func(ctx context.Context, m broker.Message) error {
				status, reply := answer(m.Content)
				content, err := json.Marshal(reply)
				if err != nil {
					status, content = http.StatusInternalServerError, []byte("null")
				}
				return s.bus.Publish(ctx, broker.Message{
					ID: m.ID, Topic: m.ReplyTo, Key: m.Key, Status: status, Content: content, Headers: m.Headers,
				})
			},
		})
	}()
	s.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			s.t.Error(err)
		}
	})
}
