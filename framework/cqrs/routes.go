// Package cqrs connects a service's code to the requests and events it
// handles: commands decide, queries answer, and both may listen to events.
//
// A service registers typed functions by value:
//
//	func (c *Commands) Routes(r *cqrs.Commands) {
//		cqrs.Command(r, c.create, cqrs.Topic("CreateFoo"), cqrs.REST(http.MethodPost, "/foos"))
//	}
//
// What is wrong with the registrations (a route used twice, a path parameter
// that no path has) is found when the Router is made, at start-up, and names
// the line that registered it. The Dispatcher runs a handler in a unit of work,
// commits what it decided, and runs it again when another writer was first.
package cqrs

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
)

// Kind says what a handler is for.
type Kind string

// The kinds of handlers.
const (
	KindCommand Kind = "command"
	KindQuery   Kind = "query"
	KindEvent   Kind = "event"
	KindTask    Kind = "task"
)

// None is the input of a handler that takes nothing, and the output of one
// that answers nothing.
type None = struct{}

// Handler is one registered function.
type Handler struct {
	Kind   Kind
	Topics []string // of the broker
	Paths  []Path   // of REST
	// Schedule is when a task is due; nil for every other handler.
	Schedule *Schedule
	// In and Out are the types that requests are decoded to and answers encoded
	// from; Out is nil for the handler of an event or a task.
	In, Out reflect.Type
	// Place is the file and line of the registration.
	Place string

	call   CallFunc
	checks []check
	faults []error
}

// Path is a REST route.
type Path struct {
	Method  string
	Pattern string // with {name} or {name:regular expression} parameters
}

// Route says what leads to a handler, or what goes before it: Topic, REST, Check.
type Route interface{ apply(h *Handler) error }

type topicRoute string

func (t topicRoute) apply(h *Handler) error {
	if t == "" {
		return fmt.Errorf("the topic is empty")
	}
	h.Topics = append(h.Topics, string(t))
	return nil
}

// Topic leads commands or queries sent to a topic of the broker to a handler.
func Topic(name string) Route { return topicRoute(name) }

type restRoute Path

func (p restRoute) apply(h *Handler) error {
	if !strings.HasPrefix(p.Pattern, "/") {
		return fmt.Errorf("path %q does not start with a slash", p.Pattern)
	}
	if h.Kind == KindQuery && p.Method != http.MethodGet && p.Method != http.MethodPost {
		return fmt.Errorf("%s %s: a query is asked by GET or POST", p.Method, p.Pattern)
	}
	h.Paths = append(h.Paths, Path(p))
	return nil
}

// REST leads HTTP requests to a handler. The pattern may have parameters,
// /foos/{uuid}, which fill the fields of the handler's input tagged
// `path:"uuid"`; fields tagged `query:"limit"` are filled from the query.
func REST(method, pattern string) Route { return restRoute{Method: method, Pattern: pattern} }

// Commands collects the handlers of a command service.
type Commands struct{ handlers []*Handler }

// Queries collects the handlers of a query service.
type Queries struct{ handlers []*Handler }

func (c *Commands) add(h *Handler) { c.handlers = append(c.handlers, h) }
func (q *Queries) add(h *Handler)  { q.handlers = append(q.handlers, h) }

// Registry is *Commands or *Queries: either may listen to events.
type Registry interface{ add(h *Handler) }

// HandlerFunc handles a command or a query. An In that is a struct has its
// fields from the content, and from the path and the query by tags of these
// names. They are read and held to rules as package domain says: hooks ParseX and
// ValidateX, enums, `default:"..."` for what is absent, `required:"true"` for
// what must not be. All that is wrong is told to the caller at once, with 400,
// and fn is not run.
type HandlerFunc[In, Out any] func(ctx context.Context, in In) (Out, error)

// EventFunc handles an event.
type EventFunc[In any] func(ctx context.Context, in In) error

// Command registers fn for commands. fn decides: what it stages through
// repositories, publishers and sagas is committed when it returns nil. It may
// be run again when another writer was first, so it must not act on the
// outside world.
func Command[In, Out any](r *Commands, fn HandlerFunc[In, Out], routes ...Route) {
	r.add(newHandler(KindCommand, fn, routes))
}

// Query registers fn for queries. fn reads only: one that stages a change
// fails.
func Query[In, Out any](r *Queries, fn HandlerFunc[In, Out], routes ...Route) {
	r.add(newHandler(KindQuery, fn, routes))
}

// Event registers fn for the messages of an event's topic, as "FooCreated" or
// "FooUpdated.bar". In is the aggregate.Event of the root or any struct that
// its JSON fits. fn has its effects once for each message, however often the
// message comes; when it returns an error it is run again, after a pause, and
// later events of the same aggregate wait. Several handlers of one topic in one
// service are run in the order of registration and committed together.
func Event[In any](r Registry, topic string, fn EventFunc[In]) {
	h := newHandler(KindEvent, func(ctx context.Context, in In) (None, error) {
		return None{}, fn(ctx, in)
	}, []Route{Topic(topic)})
	h.Out = nil
	r.add(h)
}

// newHandler is called by a registering function, whose caller is the place.
func newHandler[In, Out any](kind Kind, fn HandlerFunc[In, Out], routes []Route) *Handler {
	h := &Handler{Kind: kind, In: reflect.TypeFor[In](), Out: reflect.TypeFor[Out]()}
	if _, file, line, ok := runtime.Caller(2); ok {
		h.Place = fmt.Sprintf("%s:%d", filepath.Base(file), line)
	}
	for _, route := range routes {
		if err := route.apply(h); err != nil {
			h.faults = append(h.faults, err)
		}
	}
	if kind != KindTask && len(h.Topics)+len(h.Paths) == 0 && len(h.faults) == 0 {
		h.faults = append(h.faults, fmt.Errorf("no route leads to it"))
	}
	binder, err := newBinder(h)
	if err != nil {
		h.faults = append(h.faults, err)
	}
	h.call = func(ctx context.Context, request Request) (Response, error) {
		var in In
		if err := binder.bind(request, &in); err != nil {
			return Response{}, err
		}
		ctx = context.WithValue(ctx, requestKey{}, request)
		for _, c := range h.checks {
			if err := c.run(ctx, in); err != nil {
				return Response{}, err
			}
		}
		out, err := fn(ctx, in)
		if err != nil {
			return Response{}, err
		}
		return respond(out)
	}
	return h
}

// parameters lists the names of a pattern's parameters.
func (p Path) parameters() []string {
	var names []string
	for rest := p.Pattern; ; {
		_, after, ok := strings.Cut(rest, "{")
		if !ok {
			return names
		}
		name, _, _ := strings.Cut(after, "}")
		name, _, _ = strings.Cut(name, ":")
		names = append(names, name)
		rest = after
	}
}

func (p Path) has(parameter string) bool { return slices.Contains(p.parameters(), parameter) }
