package cqrs

import (
	"context"
	"slices"
)

// CallFunc calls a handler: it decodes the request, runs the function that was
// registered, and encodes what it returned.
type CallFunc func(ctx context.Context, request Request) (Response, error)

// Middleware goes around the calls of a handler, however a request came: over
// HTTP, as a command or query of the broker, or as an event. It is called once
// for each handler, at start-up, and returns what is to be called instead of
// next, or next itself where it has no business: h tells the kind, the topics
// and the paths.
//
// What it returns runs inside the handler's unit of work, as often as the
// handler does: it may stage something that is committed with the handler's
// work, refuse a request by an error, and see the response.
type Middleware func(h *Handler, next CallFunc) CallFunc

// wrap returns the calls of handlers through middleware, the first outermost.
func wrap(handlers []*Handler, middleware []Middleware) map[*Handler]CallFunc {
	calls := make(map[*Handler]CallFunc, len(handlers))
	for _, h := range handlers {
		call := h.call
		for _, m := range slices.Backward(middleware) {
			call = m(h, call)
		}
		calls[h] = call
	}
	return calls
}
