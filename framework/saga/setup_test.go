package saga_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/saga"
	"github.com/minos-framework/minos-go/framework/unit"
)

// trip is the context of the sagas here.
type trip struct {
	Flight string   `json:"flight,omitempty"`
	Hotel  string   `json:"hotel,omitempty"`
	Trail  []string `json:"trail,omitempty"`
}

func (c *trip) went(where string) { c.Trail = append(c.Trail, where) }

// system is a service with a store, and the test as the other services.
type system struct {
	t       *testing.T
	store   *memory.Store
	changed func() // called after each commit that sends something
	manager *saga.Manager
	read    int64 // of the outbox
}

func setup(t *testing.T, config saga.Config) *system {
	t.Helper()
	store, err := memory.Open(t.Context(), memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s := &system{t: t, store: store, changed: func() {}}
	s.restart(config)
	return s
}

// restart replaces the manager by a new one on the same store, as a crash does.
func (s *system) restart(config saga.Config, definitions ...func(*saga.Manager) error) {
	s.t.Helper()
	config.Service = "trips"
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	m, err := saga.NewManager(watched{s.store, unit.Watch(s.store, s.changed)}, config)
	if err != nil {
		s.t.Fatal(err)
	}
	s.manager = m
	for _, register := range definitions {
		if err := register(m); err != nil {
			s.t.Fatal(err)
		}
	}
}

// watched is a store whose commits are watched.
type watched struct {
	saga.Store
	commits unit.Store
}

func (w watched) Commit(ctx context.Context, works ...*unit.Work) error {
	return w.commits.Commit(ctx, works...)
}

// registering returns what registers d.
func registering[C any](d *saga.Definition[C]) func(*saga.Manager) error {
	return func(m *saga.Manager) error { return saga.Register(m, d) }
}

// start registers d and starts it, expecting no error.
func start(s *system, d *saga.Definition[trip], c trip) uuid.UUID {
	s.t.Helper()
	if err := saga.Register(s.manager, d); err != nil {
		s.t.Fatal(err)
	}
	id, err := saga.Start(s.t.Context(), s.manager, d, c)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

// sent returns the messages that were committed since the last call.
func (s *system) sent() []unit.Message {
	s.t.Helper()
	entries, next, err := s.store.Pending(s.t.Context(), s.read, 10_000)
	if err != nil {
		s.t.Fatal(err)
	}
	s.read = next
	var messages []unit.Message
	for _, e := range entries {
		if e.Message != nil {
			messages = append(messages, *e.Message)
		}
	}
	return messages
}

// request returns the one message that was committed since, which must go to topic.
func (s *system) request(topic string) unit.Message {
	s.t.Helper()
	messages := s.sent()
	if len(messages) != 1 || messages[0].Topic != topic {
		s.t.Fatalf("sent %v, want one message to %s", topics(messages), topic)
	}
	return messages[0]
}

// silent expects that nothing was committed to be sent since.
func (s *system) silent() {
	s.t.Helper()
	if messages := s.sent(); len(messages) > 0 {
		s.t.Fatalf("sent %v, want nothing", topics(messages))
	}
}

// answer delivers the reply to a request.
func (s *system) answer(request unit.Message, status int, content any) {
	s.t.Helper()
	if err := s.manager.Deliver(s.t.Context(), reply(s.t, request, status, content)); err != nil {
		s.t.Fatalf("deliver the reply to %s: %v", request.Topic, err)
	}
}

// execution returns what is stored of an execution, whose status must be as
// given.
func (s *system) execution(id uuid.UUID, status saga.Status) saga.Execution {
	s.t.Helper()
	x, err := s.manager.Get(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	if x.Status != status {
		s.t.Fatalf("status %s, want %s; cause %v, undo %v, steps %v", x.Status, status, x.Cause, x.Undo, x.Steps)
	}
	return x
}

// context returns the context of an execution.
func (s *system) context(id uuid.UUID) trip {
	s.t.Helper()
	x, err := s.manager.Get(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	var c trip
	if err := json.Unmarshal(x.Context, &c); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// log returns the words of an execution's log.
func (s *system) log(id uuid.UUID) []string {
	s.t.Helper()
	entries, err := s.store.SagaLog(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	var words []string
	for _, e := range entries {
		var entry struct{ What string }
		if err := json.Unmarshal(e.Data, &entry); err != nil {
			s.t.Fatal(err)
		}
		words = append(words, entry.What)
	}
	return words
}

func reply(t *testing.T, request unit.Message, status int, content any) unit.Message {
	t.Helper()
	data, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	return unit.Message{
		ID: request.ID, Topic: request.ReplyTo, Key: request.Key, Status: status, Content: data, Headers: request.Headers,
	}
}

func topics(messages []unit.Message) []string {
	var names []string
	for _, m := range messages {
		names = append(names, m.Topic)
	}
	return names
}

// ask returns a remote step's function, which notes that it ran.
func ask(topic string) func(context.Context, *trip) (saga.Request, error) {
	return func(_ context.Context, c *trip) (saga.Request, error) {
		c.went(topic)
		return saga.Request{Topic: topic, Content: topic}, nil
	}
}

// do returns a local step's function, whose effect is a message to topic.
func do(topic string) func(context.Context, *trip) error {
	return func(ctx context.Context, c *trip) error {
		c.went(topic)
		unit.From(ctx).Publish(unit.Message{Topic: topic})
		return nil
	}
}

// refuse returns a function that stages an effect and fails.
func refuse(topic string, err error) func(context.Context, *trip) error {
	return func(ctx context.Context, c *trip) error {
		_ = do(topic)(ctx, c)
		return err
	}
}

// keep returns what an OnSuccess does with a reply that is a string.
func keep(field func(*trip) *string) func(context.Context, *trip, saga.Response) error {
	return func(_ context.Context, c *trip, r saga.Response) (err error) {
		*field(c), err = saga.Decode[string](r)
		return err
	}
}

func flight(c *trip) *string { return &c.Flight }
func hotel(c *trip) *string  { return &c.Hotel }
