package saga

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/minos-framework/minos-go/framework/unit"
)

// ask calls a callback that leads to a request, and encodes the content.
func (x *execution) ask(ctx context.Context, s *step, fn request) (Request, error) {
	return x.call(ctx, func(ctx context.Context, c any) (Request, error) {
		r, err := fn(ctx, c)
		if err != nil || !s.remote {
			return r, err
		}
		if r.Topic == "" && x.status == Running {
			return r, errNoTopic
		}
		if r.Content == nil {
			r.Content = json.RawMessage(nil)
			return r, nil
		}
		content, err := json.Marshal(r.Content)
		if err != nil {
			return r, fmt.Errorf("encode the request to %s: %w", r.Topic, err)
		}
		r.Content = json.RawMessage(content)
		return r, nil
	}, false)
}

var errNoTopic = errors.New("the request has no topic")

// call runs a callback on a copy of the context, in a work of its own: what it
// changed and staged counts when it returns nil. The changed context counts
// even after an error when keep is set.
func (x *execution) call(ctx context.Context, fn request, keep bool) (r Request, err error) {
	c, err := x.plan.decode(x.state.Context)
	if err != nil {
		return r, fmt.Errorf("read the saga's context: %w", err)
	}
	child := x.work.Child()
	r, err = x.guard(unit.With(context.WithValue(ctx, callbackKey{}, true), child), fn, c)
	if err != nil && !keep {
		return r, err
	}
	data, bad := json.Marshal(c)
	if bad == nil {
		x.state.Context = data
	}
	if err != nil {
		return r, err
	}
	if bad != nil {
		return r, fmt.Errorf("encode the saga's context: %w", bad)
	}
	x.work.Absorb(child)
	return r, nil
}

// guard turns a panic into an error.
func (x *execution) guard(ctx context.Context, fn request, c any) (r Request, err error) {
	defer func() {
		if p := recover(); p != nil {
			x.config.Logger.ErrorContext(ctx, "a callback of a saga panicked", "saga", x.plan.name, "id", x.id,
				"step", x.current().name, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return fn(ctx, c)
}

type callbackKey struct{}

// insideCallback reports whether ctx is that of a saga's callback.
func insideCallback(ctx context.Context) bool { return ctx.Value(callbackKey{}) != nil }
