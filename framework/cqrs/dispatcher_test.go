package cqrs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/cqrs"
	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/saga"
	"github.com/minos-framework/minos-go/framework/unit"
)

type Counter struct {
	aggregate.Root
	N int `json:"n"`
}

// outgoing keeps what is published.
type outgoing struct {
	mu       sync.Mutex
	messages []broker.Message
}

func (o *outgoing) Publish(_ context.Context, messages ...broker.Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.messages = append(o.messages, messages...)
	return nil
}

type bundle struct {
	store      *memory.Store
	counters   *aggregate.Repository[Counter]
	sent       *outgoing
	dispatcher *cqrs.Dispatcher
}

// setup serves the routes that a test's function registers.
func setup(t *testing.T, routes func(b bundle, c *cqrs.Commands), asks ...func(b bundle, q *cqrs.Queries)) bundle {
	t.Helper()
	store, err := memory.Open(t.Context(), memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	counters, err := aggregate.NewRepository[Counter](aggregate.NewRegistry(store))
	if err != nil {
		t.Fatal(err)
	}
	b := bundle{store: store, counters: counters, sent: &outgoing{}}
	services := []any{commands(func(c *cqrs.Commands) { routes(b, c) })}
	for _, ask := range asks {
		services = append(services, queries(func(q *cqrs.Queries) { ask(b, q) }))
	}
	router, err := cqrs.NewRouter(services...)
	if err != nil {
		t.Fatal(err)
	}
	b.dispatcher = cqrs.NewDispatcher(router, store, b.sent, cqrs.Config{Logger: slog.New(slog.DiscardHandler)})
	return b
}

func (b bundle) call(t *testing.T, request cqrs.Request) (cqrs.Response, error) {
	t.Helper()
	return b.dispatcher.Call(t.Context(), b.dispatcher.Router().Handlers()[0], request)
}

// outbox returns the messages that were committed.
func (b bundle) outbox(t *testing.T) (messages []unit.Message) {
	t.Helper()
	entries, _, err := b.store.Pending(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Message != nil {
			messages = append(messages, *e.Message)
		}
	}
	return messages
}

func (b bundle) count(t *testing.T) int {
	t.Helper()
	n := 0
	for _, err := range b.counters.Find(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

type add struct {
	N    int    `json:"n"`
	Name string `json:"name" path:"name"`
	Page []int  `json:"-" query:"page"`
}

func (b bundle) create(ctx context.Context, in add) (cqrs.Created, error) {
	counter := &Counter{N: in.N}
	err := b.counters.Create(ctx, counter)
	if in.N < 0 {
		err = cqrs.Errorf(http.StatusConflict, "%d is too little", in.N)
	}
	return cqrs.Created{UUID: counter.UUID}, err
}

func createRoute(b bundle, c *cqrs.Commands) { cqrs.Command(c, b.create, cqrs.Topic("Add")) }

func TestDispatcher_Call(t *testing.T) {
	t.Parallel()
	t.Run("commits what a command decided", func(t *testing.T) {
		t.Parallel()
		b := setup(t, createRoute)
		response, err := b.call(t, cqrs.Request{Content: []byte(`{"n":7}`)})
		if err != nil || response.Status != http.StatusCreated || b.count(t) != 1 {
			t.Errorf("got %d %s, %v; %d stored", response.Status, response.Content, err, b.count(t))
		}
	})
	t.Run("stores nothing of a command that fails", func(t *testing.T) {
		t.Parallel()
		b := setup(t, createRoute)
		if _, err := b.call(t, cqrs.Request{Content: []byte(`{"n":-7}`)}); cqrs.ProblemOf(err).Status != http.StatusConflict {
			t.Errorf("got %v", err)
		}
		if n := b.count(t); n != 0 {
			t.Errorf("%d stored", n)
		}
	})
	t.Run("runs a handler again when another writer was first", func(t *testing.T) {
		t.Parallel()
		runs := 0
		var b bundle
		var counter *Counter
		b = setup(t, func(b bundle, c *cqrs.Commands) {
			cqrs.Command(c, func(ctx context.Context, _ cqrs.None) (cqrs.None, error) {
				runs++
				mine, err := b.counters.Get(ctx, counter.UUID)
				if err != nil {
					return cqrs.None{}, err
				}
				if runs == 1 { // a rival comes between
					rival, _ := b.counters.Get(context.Background(), counter.UUID)
					rival.N = 10
					if err := b.counters.Save(context.Background(), rival); err != nil {
						return cqrs.None{}, err
					}
				}
				mine.N++
				return cqrs.None{}, b.counters.Save(ctx, mine)
			}, cqrs.Topic("Increment"))
		})
		counter = &Counter{}
		if err := b.counters.Create(t.Context(), counter); err != nil {
			t.Fatal(err)
		}
		if _, err := b.call(t, cqrs.Request{}); err != nil {
			t.Fatal(err)
		}
		if stored, _ := b.counters.Get(t.Context(), counter.UUID); stored.N != 11 || runs != 2 {
			t.Errorf("the counter is at %d after %d runs", stored.N, runs)
		}
	})
	t.Run("does not run a pinned handler again", func(t *testing.T) {
		t.Parallel()
		runs := 0
		b := setup(t, func(_ bundle, c *cqrs.Commands) {
			cqrs.Command(c, func(ctx context.Context, _ cqrs.None) (cqrs.None, error) {
				runs++
				unit.From(ctx).Pin()
				unit.From(ctx).SaveSaga(unit.Saga{ID: unit.NewID(), Revision: 2, Data: json.RawMessage("{}")})
				return cqrs.None{}, nil
			}, cqrs.Topic("Pinned"))
		})
		_, err := b.call(t, cqrs.Request{})
		if _, conflict := errors.AsType[*unit.ConflictError](err); !conflict || runs != 1 {
			t.Errorf("%d runs, %v", runs, err)
		}
	})
	t.Run("makes a panic an error that the caller is not told", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(_ bundle, c *cqrs.Commands) {
			cqrs.Command(c, func(context.Context, cqrs.None) (cqrs.None, error) { panic("secret") }, cqrs.Topic("Boom"))
		})
		_, err := b.call(t, cqrs.Request{})
		if p := cqrs.ProblemOf(err); p.Status != http.StatusInternalServerError || strings.Contains(string(p.JSON()), "secret") {
			t.Errorf("the problem is %s", p.JSON())
		}
	})
	t.Run("refuses a query that stages a change", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(bundle, *cqrs.Commands) {}, func(b bundle, q *cqrs.Queries) { cqrs.Query(q, b.create, cqrs.Topic("Ask")) })
		if _, err := b.call(t, cqrs.Request{Content: []byte("{}")}); err == nil || b.count(t) != 0 {
			t.Errorf("got %v; %d stored", err, b.count(t))
		}
	})
}

func TestDispatcher_Call_input(t *testing.T) {
	t.Parallel()
	var got add
	b := setup(t, func(_ bundle, c *cqrs.Commands) {
		cqrs.Command(c, func(_ context.Context, in add) (cqrs.None, error) {
			got = in
			return cqrs.None{}, nil
		}, cqrs.REST(http.MethodPut, "/{name}"))
	})
	response, err := b.call(t, cqrs.Request{
		Content: []byte(`{"n":7,"name":"body"}`), Params: map[string]string{"name": "path"},
		Query: url.Values{"page": {"1", "2"}},
	})
	if err != nil || response.Status != http.StatusNoContent || got.N != 7 || got.Name != "path" || len(got.Page) != 2 {
		t.Errorf("got %+v, %d, %v", got, response.Status, err)
	}
	for content, want := range map[string]string{
		``:                "has no content",
		` null `:          "has no content",
		`{"n":`:           "ends too early",
		`{"n":"seven"}`:   `n is mistyped: "seven" does not fit int`,
		`{} {}`:           "more than one JSON value",
		`nonsense`:        "is not JSON",
		`[1]`:             "an object is wanted",
		`{"n":1e400}`:     "n is mistyped: 1e400 does not fit int",
		`{"n":1, "n":2}x`: "more than one JSON value",
	} {
		_, err := b.call(t, cqrs.Request{Content: []byte(content)})
		if p := cqrs.ProblemOf(err); p.Status != http.StatusBadRequest || !strings.Contains(p.Detail, want) {
			t.Errorf("%s: %s", content, p.JSON())
		}
	}
	_, err = b.call(t, cqrs.Request{Content: []byte(`{}`), Query: url.Values{"page": {"x"}}})
	if p := cqrs.ProblemOf(err); p.Status != http.StatusBadRequest || p.Detail != `query parameter page: "x" is not a number that fits` {
		t.Errorf("a page that is no number: %s", p.JSON())
	}
}

func message(topic, content string) broker.Message {
	return broker.Message{
		ID: unit.NewID(), Topic: topic, Key: "k", ReplyTo: "replies",
		Content: json.RawMessage(content), Headers: map[string]string{"saga": "1"},
	}
}

func TestDispatcher_Deliver(t *testing.T) {
	t.Parallel()
	t.Run("commits a command's reply with what it decided, once", func(t *testing.T) {
		t.Parallel()
		b := setup(t, createRoute)
		m := message("Add", `{"n":7}`)
		for range 3 {
			if err := b.dispatcher.Deliver(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		replies := b.outbox(t)
		if len(replies) != 1 || b.count(t) != 1 {
			t.Fatalf("%d replies, %d stored", len(replies), b.count(t))
		}
		r := replies[0]
		if r.ID != m.ID || r.Topic != "replies" || r.Key != "k" || r.Status != http.StatusCreated || r.Headers["saga"] != "1" {
			t.Errorf("the reply is %+v", r)
		}
	})
	t.Run("replies to a command that is refused, and stores nothing else", func(t *testing.T) {
		t.Parallel()
		b := setup(t, createRoute)
		m := message("Add", `{"n":-7}`)
		for range 2 {
			if err := b.dispatcher.Deliver(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		replies := b.outbox(t)
		if len(replies) != 1 || replies[0].Status != http.StatusConflict || b.count(t) != 0 {
			t.Fatalf("replies %+v, %d stored", replies, b.count(t))
		}
		if !strings.Contains(string(replies[0].Content), "-7 is too little") {
			t.Errorf("the reply says %s", replies[0].Content)
		}
	})
	t.Run("replies to a command whose decision no store takes", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(_ bundle, c *cqrs.Commands) {
			cqrs.Command(c, func(ctx context.Context, _ cqrs.None) (cqrs.None, error) {
				unit.From(ctx).Publish(unit.Message{Topic: "no topic at all"})
				return cqrs.None{}, nil
			}, cqrs.Topic("Stray"))
		})
		if err := b.dispatcher.Deliver(t.Context(), message("Stray", "{}")); err != nil {
			t.Fatal(err)
		}
		if replies := b.outbox(t); len(replies) != 1 || replies[0].Status != http.StatusBadRequest {
			t.Errorf("replies %+v", replies)
		}
	})
	t.Run("is not kept from settling by a key or reply topic of another program", func(t *testing.T) {
		t.Parallel()
		b := setup(t, createRoute)
		binary, nowhere := message("Add", `{"n":1}`), message("Add", `{"n":2}`)
		binary.Key, nowhere.ReplyTo = "\xff\x00", "no topic"
		for _, m := range []broker.Message{binary, nowhere} {
			if err := b.dispatcher.Deliver(t.Context(), m); err != nil {
				t.Error(err)
			}
		}
		if n := b.count(t); n != 2 || len(b.outbox(t)) != 1 {
			t.Errorf("%d stored, replies %+v", n, b.outbox(t))
		}
	})
	t.Run("wants a command without a reply topic again when it broke", func(t *testing.T) {
		t.Parallel()
		broken := true
		b := setup(t, func(b bundle, c *cqrs.Commands) {
			cqrs.Command(c, func(ctx context.Context, in add) (cqrs.Created, error) {
				if broken {
					return cqrs.Created{}, errors.New("the database is away")
				}
				return b.create(ctx, in)
			}, cqrs.Topic("Add"))
		})
		m := message("Add", `{"n":1}`)
		m.ReplyTo = ""
		if err := b.dispatcher.Deliver(t.Context(), m); err == nil {
			t.Error("it was settled")
		}
		broken = false
		if err := b.dispatcher.Deliver(t.Context(), m); err != nil || b.count(t) != 1 {
			t.Errorf("got %v; %d stored", err, b.count(t))
		}
	})
	t.Run("answers a query at once", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(bundle, *cqrs.Commands) {}, func(_ bundle, q *cqrs.Queries) {
			cqrs.Query(q, func(context.Context, cqrs.None) (int, error) { return 42, nil }, cqrs.Topic("Ask"))
		})
		if err := b.dispatcher.Deliver(t.Context(), message("Ask", "null")); err != nil {
			t.Fatal(err)
		}
		if len(b.sent.messages) != 1 || string(b.sent.messages[0].Content) != "42" || len(b.outbox(t)) != 0 {
			t.Errorf("sent %+v, committed %+v", b.sent.messages, b.outbox(t))
		}
	})
	t.Run("runs all handlers of an event in one unit, again after an error", func(t *testing.T) {
		t.Parallel()
		fail := true
		b := setup(t, func(b bundle, c *cqrs.Commands) {
			cqrs.Event(c, "Happened", func(ctx context.Context, in add) error {
				_, err := b.create(ctx, in)
				return err
			})
			cqrs.Event(c, "Happened", func(context.Context, add) error {
				if fail {
					return errors.New("not now")
				}
				return nil
			})
		})
		m := message("Happened", `{"n":1}`)
		if err := b.dispatcher.Deliver(t.Context(), m); err == nil || b.count(t) != 0 {
			t.Fatalf("got %v; %d stored", err, b.count(t))
		}
		fail = false
		for range 2 {
			if err := b.dispatcher.Deliver(t.Context(), m); err != nil || b.count(t) != 1 {
				t.Fatalf("got %v; %d stored", err, b.count(t))
			}
		}
	})
	t.Run("is done with a message that nothing handles", func(t *testing.T) {
		t.Parallel()
		b := setup(t, createRoute)
		if err := b.dispatcher.Deliver(t.Context(), message("Other", "{}")); err != nil {
			t.Error(err)
		}
	})
}

func TestProblemOf(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		err    error
		status int
		detail string
	}{
		"a refusal is told":                {cqrs.Errorf(422, "no %s", "way"), 422, "no way"},
		"a missing aggregate is 404":       {&aggregate.NotFoundError{Name: "Foo", ID: uuid.UUID{1}}, 404, "Foo 01000000-0000-0000-0000-000000000000 was not found"},
		"a conflict is 409":                {&unit.ConflictError{Name: "Foo", Version: 2}, 409, "Foo 00000000-0000-0000-0000-000000000000: version 2 was not the next one: another writer was first"},
		"a deadline is 504":                {context.DeadlineExceeded, 504, ""},
		"anything else keeps its secret":   {errors.New("password"), 500, ""},
		"a server's fault keeps its cause": {cqrs.Errorf(503, "password"), 503, ""},
		"a saga that stuck is named, its cause is not": {
			fmt.Errorf("add: %w", &saga.FailedError{Saga: "Add", Cause: &saga.StepError{Text: "password", Status: 504}}),
			504, "saga Add 00000000-0000-0000-0000-000000000000 was neither finished nor undone, and needs attention",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if p := cqrs.ProblemOf(c.err); p.Status != c.status || p.Detail != c.detail {
				t.Errorf("got %s", p.JSON())
			}
		})
	}
}
