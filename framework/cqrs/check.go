package cqrs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"time"
)

// Retry says how often something is tried, and how long apart.
type Retry struct {
	// Attempts is how often. Zero means once.
	Attempts int
	// Delay is the pause between attempts. Zero means 100 milliseconds.
	Delay time.Duration
}

// check is a precondition of a handler, its input's type checked when it was
// added.
type check struct {
	in    reflect.Type
	holds func(ctx context.Context, in any) error
	retry Retry
}

func (c check) apply(h *Handler) error {
	if c.in != h.In {
		return fmt.Errorf("its check takes %s, and not its input %s", c.in, h.In)
	}
	h.checks = append(h.checks, c)
	return nil
}

// Check adds a precondition to a command or query: fn is called with the
// input before the handler is, and an error of it refuses the request. It is
// tried again as retry says, which helps where the request is ahead of an event
// that is still on its way. The refusal has the error's own status, or 400; its
// text is told to the caller.
//
// The preconditions of a handler are tried in the order in which they are given.
func Check[In any](fn func(ctx context.Context, in In) error, retry Retry) Route {
	retry.Attempts, retry.Delay = cmp.Or(retry.Attempts, 1), cmp.Or(retry.Delay, 100*time.Millisecond)
	return check{in: reflect.TypeFor[In](), retry: retry, holds: func(ctx context.Context, in any) error {
		return fn(ctx, in.(In)) //nolint:forcetypeassert // apply has compared the types
	}}
}

// run tries the precondition until it holds, the attempts are over, or ctx is.
func (c check) run(ctx context.Context, in any) error {
	for n := 1; ; n++ {
		err := c.holds(ctx, in)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if n >= c.retry.Attempts {
			var coder StatusCoder
			if errors.As(err, &coder) {
				return err
			}
			return &Error{Status: http.StatusBadRequest, Detail: err.Error(), Err: err}
		}
		select {
		case <-time.After(c.retry.Delay):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
