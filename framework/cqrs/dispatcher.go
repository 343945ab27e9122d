package cqrs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Dispatcher runs handlers in units of work. It is safe for concurrent use.
type Dispatcher struct {
	router    *Router
	store     unit.Store
	publisher broker.Publisher
	config    Config
	calls     map[*Handler]CallFunc // through the middleware
}

// Config tunes a Dispatcher.
type Config struct {
	// Attempts bounds how often a handler is run when another writer was first
	// each time. Zero means 8.
	Attempts int
	// Middleware goes around every handler, the first outermost.
	Middleware []Middleware
	// Logger gets what callers are not told. Nil means slog.Default.
	Logger *slog.Logger
}

// NewDispatcher returns a dispatcher that commits to store. The publisher
// sends replies to queries, which are not worth a commit.
func NewDispatcher(router *Router, store unit.Store, publisher broker.Publisher, config Config) *Dispatcher {
	config.Attempts = cmp.Or(config.Attempts, 8)
	config.Logger = cmp.Or(config.Logger, slog.Default())
	return &Dispatcher{
		router: router, store: store, publisher: publisher, config: config,
		calls: wrap(router.handlers, config.Middleware),
	}
}

// Router returns the routes that the dispatcher serves.
func (d *Dispatcher) Router() *Router { return d.router }

// Call runs a command or query and commits what it decided. It returns the
// handler's error, or the store's; nothing was stored then, unless the store
// cannot tell.
func (d *Dispatcher) Call(ctx context.Context, h *Handler, request Request) (Response, error) {
	return d.attempt(ctx, request.Headers, func(ctx context.Context, w *unit.Work) (Response, error) {
		response, err := d.run(ctx, h, request)
		if err == nil && h.Kind == KindQuery && !w.Empty() {
			return Response{}, fmt.Errorf("query at %s staged a change: only commands and events may", h.Place)
		}
		return response, err
	})
}

// Deliver handles a message of the broker: a command or query is answered on
// the message's reply topic, an event runs all its handlers. It returns nil
// when the message is done with, also when it was done before; after an error
// it is to be delivered again.
func (d *Dispatcher) Deliver(ctx context.Context, m broker.Message) error {
	handlers := d.router.topics[m.Topic]
	if len(handlers) == 0 {
		return nil
	}
	switch handlers[0].Kind {
	case KindQuery:
		return d.answer(ctx, handlers[0], m)
	case KindCommand:
		return d.obey(ctx, handlers[0], m)
	}
	_, err := d.attempt(ctx, m.Headers, func(ctx context.Context, w *unit.Work) (Response, error) {
		w.Settle(unit.Receipt{Topic: m.Topic, Message: m.ID})
		for _, h := range handlers {
			if _, err := d.run(ctx, h, Request{Content: m.Content, Headers: m.Headers}); err != nil {
				return Response{}, fmt.Errorf("handle %s at %s: %w", m.Topic, h.Place, err)
			}
		}
		return Response{}, nil
	})
	return settled(err)
}

// obey runs a command of the broker. Its reply is committed with what it
// decided; a refusal's reply alone.
func (d *Dispatcher) obey(ctx context.Context, h *Handler, m broker.Message) error {
	receipt := unit.Receipt{Topic: m.Topic, Message: m.ID}
	var refusal error
	_, err := d.attempt(ctx, m.Headers, func(ctx context.Context, w *unit.Work) (Response, error) {
		refusal = nil
		w.Settle(receipt)
		response, err := d.run(ctx, h, Request{Content: m.Content, Headers: m.Headers})
		if err != nil {
			refusal = err
			return Response{}, err
		}
		reply(w, m, response)
		return response, nil
	})
	if refused, ok := errors.AsType[*unit.RefusedError](err); ok && refusal == nil {
		refusal = refused
	}
	if refusal == nil || ctx.Err() != nil || errors.Is(refusal, context.Canceled) {
		return settled(err)
	}
	response := d.refuse(ctx, h, refusal)
	if response.Status >= http.StatusInternalServerError && m.ReplyTo == "" {
		return refusal // nobody is there to ask again: it is to be delivered again
	}
	_, err = d.attempt(ctx, m.Headers, func(_ context.Context, w *unit.Work) (Response, error) {
		w.Settle(receipt)
		reply(w, m, response)
		return response, nil
	})
	return settled(err)
}

// answer runs a query of the broker and sends the reply at once: there is
// nothing to commit, and who asked will ask again.
func (d *Dispatcher) answer(ctx context.Context, h *Handler, m broker.Message) error {
	response, err := d.Call(ctx, h, Request{Content: m.Content, Headers: m.Headers})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		response = d.refuse(ctx, h, err)
	}
	w := unit.New(m.Headers)
	reply(w, m, response)
	if len(w.Messages) == 0 {
		return nil
	}
	return d.publisher.Publish(ctx, w.Messages...)
}

// refuse turns an error into what the caller is told, and logs what is not.
func (d *Dispatcher) refuse(ctx context.Context, h *Handler, err error) Response {
	problem := ProblemOf(err)
	if problem.Status >= http.StatusInternalServerError {
		d.config.Logger.ErrorContext(ctx, "a handler broke", "kind", h.Kind, "place", h.Place, "error", err)
	}
	return Response{Status: problem.Status, Content: problem.JSON()}
}

// reply stages the reply to m, if one is wanted and can be sent. What another
// program has put into the message must not keep the command from being
// settled.
func reply(w *unit.Work, m broker.Message, r Response) {
	if !unit.ValidTopic(m.ReplyTo) {
		return
	}
	key := m.Key
	if !utf8.ValidString(key) || strings.ContainsRune(key, 0) {
		key = ""
	}
	w.Publish(unit.Message{ID: m.ID, Topic: m.ReplyTo, Key: key, Status: r.Status, Content: r.Content})
}

// attempt runs fn in a work of its own and commits the work, again from the
// start when another writer was first.
func (d *Dispatcher) attempt(
	ctx context.Context, headers map[string]string, fn func(context.Context, *unit.Work) (Response, error),
) (Response, error) {
	for n := 1; ; n++ {
		w := unit.New(headers)
		response, err := fn(unit.With(ctx, w), w)
		if err == nil && !w.Empty() {
			err = d.store.Commit(ctx, w)
		}
		if err == nil {
			return response, nil
		}
		if _, conflict := errors.AsType[*unit.ConflictError](err); !conflict || w.Pinned() || n == d.config.Attempts {
			return Response{}, err
		}
		if !pause(ctx, n) {
			return Response{}, err
		}
	}
}

// pause waits before attempt n+1, longer each time, and at random so that
// rivals part. It reports whether the wait was over before ctx was.
func pause(ctx context.Context, n int) bool {
	timer := time.NewTimer(time.Duration(rand.Int64N(int64(n) * int64(2*time.Millisecond))))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// settled is nil for a message that was handled before.
func settled(err error) error {
	if _, ok := errors.AsType[*unit.DuplicateError](err); ok {
		return nil
	}
	return err
}

// run calls a handler; a panic of it, or of the middleware, is an error.
func (d *Dispatcher) run(ctx context.Context, h *Handler, request Request) (response Response, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s at %s panicked: %v\n%s", h.Kind, h.Place, p, debug.Stack())
		}
	}()
	return d.calls[h](ctx, request)
}
