package cqrs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/cqrs"
	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/unit"
)

// tracing is middleware that notes when a handler is entered and left.
func tracing(name string, trace *[]string) cqrs.Middleware {
	return func(h *cqrs.Handler, next cqrs.CallFunc) cqrs.CallFunc {
		return func(ctx context.Context, request cqrs.Request) (cqrs.Response, error) {
			*trace = append(*trace, name+" before "+string(h.Kind))
			response, err := next(ctx, request)
			*trace = append(*trace, fmt.Sprint(name, " after ", response.Status, err))
			return response, err
		}
	}
}

func TestMiddleware(t *testing.T) {
	t.Parallel()
	serve := func(t *testing.T, middleware ...cqrs.Middleware) bundle {
		t.Helper()
		b := setup(t, createRoute)
		router, err := cqrs.NewRouter(
			commands(func(r *cqrs.Commands) {
				createRoute(b, r)
				cqrs.Event(r, "Heard", func(ctx context.Context, in add) error {
					_, err := b.create(ctx, in)
					return err
				})
			}),
			queries(func(r *cqrs.Queries) {
				cqrs.Query(r, func(context.Context, cqrs.None) (int, error) { return 1, nil }, cqrs.Topic("Ask"))
			}))
		if err != nil {
			t.Fatal(err)
		}
		b.dispatcher = cqrs.NewDispatcher(router, b.store, b.sent, cqrs.Config{
			Middleware: middleware, Logger: slog.New(slog.DiscardHandler),
		})
		return b
	}
	message := func(topic, content string) broker.Message {
		return broker.Message{ID: uuid.New(), Topic: topic, ReplyTo: "Replies", Content: []byte(content)}
	}

	t.Run("is passed from the first to the last on every transport, and back", func(t *testing.T) {
		t.Parallel()
		var trace []string
		b := serve(t, tracing("outer", &trace), tracing("inner", &trace))
		for _, kind := range []string{"command", "command", "query", "event"} {
			trace = nil
			status := map[string]string{"command": "201", "query": "200", "event": "204"}[kind]
			var err error
			switch {
			case kind == "command" && b.count(t) == 0: // as REST calls it
				_, err = b.call(t, cqrs.Request{Content: []byte(`{"n":1}`)})
			case kind == "command":
				err = b.dispatcher.Deliver(t.Context(), message("Add", `{"n":1}`))
			case kind == "query":
				err = b.dispatcher.Deliver(t.Context(), message("Ask", ``))
			default:
				err = b.dispatcher.Deliver(t.Context(), message("Heard", `{"n":1}`))
			}
			want := []string{
				"outer before " + kind, "inner before " + kind,
				"inner after " + status + " <nil>", "outer after " + status + " <nil>",
			}
			if err != nil || !slices.Equal(trace, want) {
				t.Errorf("%s: %v, went through %q, want %q", kind, err, trace, want)
			}
		}
	})
	t.Run("what it stages is committed with the handler's work, or not at all", func(t *testing.T) {
		t.Parallel()
		audit := func(_ *cqrs.Handler, next cqrs.CallFunc) cqrs.CallFunc {
			return func(ctx context.Context, request cqrs.Request) (cqrs.Response, error) {
				unit.From(ctx).Publish(unit.Message{Topic: "Audit", Content: request.Content})
				return next(ctx, request)
			}
		}
		b := serve(t, audit)
		if _, err := b.call(t, cqrs.Request{Content: []byte(`{"n":-1}`)}); err == nil {
			t.Error("the refusal is lost")
		}
		if _, err := b.call(t, cqrs.Request{Content: []byte(`{"n":2}`)}); err != nil {
			t.Error(err)
		}
		sent := b.outbox(t)
		if len(sent) != 1 || string(sent[0].Content) != `{"n":2}` || b.count(t) != 1 {
			t.Errorf("%d stored, and sent: %v", b.count(t), sent)
		}
	})
	t.Run("refuses a request, or breaks, as a handler does", func(t *testing.T) {
		t.Parallel()
		for _, c := range []struct {
			stop   func() error
			status int
		}{
			{func() error { return cqrs.Errorf(http.StatusForbidden, "not you") }, 403},
			{func() error { panic("oh") }, 500},
		} {
			b := serve(t, func(*cqrs.Handler, cqrs.CallFunc) cqrs.CallFunc {
				return func(context.Context, cqrs.Request) (cqrs.Response, error) { return cqrs.Response{}, c.stop() }
			})
			_, err := b.call(t, cqrs.Request{Content: []byte(`{"n":1}`)})
			if got := cqrs.ProblemOf(err).Status; got != c.status || b.count(t) != 0 {
				t.Errorf("status %d (%v), want %d; %d stored", got, err, c.status, b.count(t))
			}
		}
	})
}

func ExampleMiddleware() {
	ctx := context.Background()
	store, _ := memory.Open(ctx, memory.Config{})
	books, _ := aggregate.NewRepository[Book](aggregate.NewRegistry(store))
	router, _ := cqrs.NewRouter(shelf{books}, catalogue{books})

	// Commands are for members; queries are for everyone.
	members := func(h *cqrs.Handler, next cqrs.CallFunc) cqrs.CallFunc {
		if h.Kind != cqrs.KindCommand {
			return next
		}
		return func(ctx context.Context, request cqrs.Request) (cqrs.Response, error) {
			if request.Headers["member"] == "" {
				return cqrs.Response{}, cqrs.Errorf(http.StatusForbidden, "only members add books")
			}
			return next(ctx, request)
		}
	}
	dispatcher := cqrs.NewDispatcher(router, store, printer{}, cqrs.Config{Middleware: []cqrs.Middleware{members}})

	for _, h := range router.Handlers() {
		_, err := dispatcher.Call(ctx, h, cqrs.Request{Content: []byte(`{"title":"Ulysses"}`)})
		fmt.Println(h.Kind, err)
	}
	// Output:
	// command only members add books
	// query <nil>
}

var errEarly = errors.New("there is no shelf yet")

func TestCheck(t *testing.T) {
	t.Parallel()
	t.Run("goes before the handler, with its input", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(b bundle, c *cqrs.Commands) {
			cqrs.Command(c, b.create, cqrs.Topic("Add"), cqrs.Check(func(_ context.Context, in add) error {
				if in.N > 9 {
					return fmt.Errorf("%d is too much", in.N)
				}
				return nil
			}, cqrs.Retry{}))
		})
		if _, err := b.call(t, cqrs.Request{Content: []byte(`{"n":9}`)}); err != nil {
			t.Error(err)
		}
		_, err := b.call(t, cqrs.Request{Content: []byte(`{"n":10}`)})
		if p := cqrs.ProblemOf(err); p.Status != http.StatusBadRequest || p.Detail != "10 is too much" || b.count(t) != 1 {
			t.Errorf("got %s; %d stored", p.JSON(), b.count(t))
		}
	})
	t.Run("is tried until it holds, or the attempts are over", func(t *testing.T) {
		t.Parallel()
		for attempts, status := range map[int]int{3: 400, 4: 201} {
			tried := 0
			b := setup(t, func(b bundle, c *cqrs.Commands) {
				cqrs.Command(c, b.create, cqrs.Topic("Add"), cqrs.Check(func(context.Context, add) error {
					if tried++; tried < 4 {
						return errEarly
					}
					return nil
				}, cqrs.Retry{Attempts: attempts, Delay: 1}))
			})
			response, err := b.call(t, cqrs.Request{Content: []byte(`{"n":1}`)})
			got := response.Status
			if err != nil {
				got = cqrs.ProblemOf(err).Status
			}
			if got != status || tried != attempts || (err != nil) != errors.Is(err, errEarly) {
				t.Errorf("%d attempts: status %d after %d, %v", attempts, got, tried, err)
			}
		}
	})
	t.Run("keeps a status of its own", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(b bundle, c *cqrs.Commands) {
			cqrs.Command(c, b.create, cqrs.Topic("Add"), cqrs.Check(func(context.Context, add) error {
				return cqrs.Errorf(http.StatusPaymentRequired, "not paid")
			}, cqrs.Retry{}))
		})
		_, err := b.call(t, cqrs.Request{Content: []byte(`{"n":1}`)})
		if p := cqrs.ProblemOf(err); p.Status != http.StatusPaymentRequired {
			t.Errorf("got %s", p.JSON())
		}
	})
	t.Run("waits no longer than its caller", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		b := setup(t, func(b bundle, c *cqrs.Commands) {
			cqrs.Command(c, b.create, cqrs.Topic("Add"), cqrs.Check(func(context.Context, add) error {
				cancel()
				return errEarly
			}, cqrs.Retry{Attempts: 1 << 30, Delay: 1 << 60}))
		})
		h := b.dispatcher.Router().Handlers()[0]
		if _, err := b.dispatcher.Call(ctx, h, cqrs.Request{Content: []byte(`{"n":1}`)}); err == nil {
			t.Error("it went on")
		}
	})
	t.Run("of another input is an error at start-up", func(t *testing.T) {
		t.Parallel()
		_, err := cqrs.NewRouter(commands(func(r *cqrs.Commands) {
			cqrs.Command(r, nothing, cqrs.Topic("Add"), cqrs.Check(func(context.Context, add) error { return nil }, cqrs.Retry{}))
		}))
		if err == nil || !strings.Contains(err.Error(), "its check takes cqrs_test.add, and not its input") {
			t.Errorf("got %v", err)
		}
	})
}
