package cqrs_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/cqrs"
)

func TestTask(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	idle := func(context.Context, time.Time) error { return nil }

	t.Run("takes effect once for a run, however often it is tried", func(t *testing.T) {
		t.Parallel()
		var dues []time.Time
		b := setup(t, func(b bundle, r *cqrs.Commands) {
			cqrs.Task(r, "count", "@hourly", func(ctx context.Context, due time.Time) error {
				dues = append(dues, due)
				if err := b.counters.Create(ctx, &Counter{}); err != nil || len(dues) > 1 {
					return err
				}
				return errors.New("the first time it breaks")
			})
		})
		h, id := b.dispatcher.Router().Handlers()[0], uuid.New()
		if err := b.dispatcher.Run(t.Context(), h, id, at); err == nil ||
			!strings.Contains(err.Error(), `task "count" at task_test.go:`) {
			t.Errorf("the first run: %v", err)
		}
		for range 2 {
			if err := b.dispatcher.Run(t.Context(), h, id, at); err != nil {
				t.Error(err)
			}
		}
		if n := b.count(t); n != 1 || !dues[0].Equal(at) {
			t.Errorf("%d stored; due at %v", n, dues)
		}
		if err := b.dispatcher.Run(t.Context(), h, uuid.New(), at.Add(time.Hour)); err != nil || b.count(t) != 2 {
			t.Errorf("the next run: %v, %d stored", err, b.count(t))
		}
	})
	t.Run("is known with its schedule", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(_ bundle, r *cqrs.Commands) {
			cqrs.Task(r, "a", "@hourly", idle)
			cqrs.Task(r, "b", "@reboot", idle, cqrs.CatchUpNone)
		})
		for i, want := range []cqrs.Schedule{{"a", "@hourly", cqrs.CatchUpLatest}, {"b", "@reboot", cqrs.CatchUpNone}} {
			if h := b.dispatcher.Router().Handlers()[i]; h.Kind != cqrs.KindTask || *h.Schedule != want {
				t.Errorf("got %s %v, want %v", h.Kind, *h.Schedule, want)
			}
		}
	})
	for name, c := range map[string]struct {
		routes func(r *cqrs.Commands)
		want   string
	}{
		"a name used twice names both places": {func(r *cqrs.Commands) {
			cqrs.Task(r, "a", "@hourly", idle)
			cqrs.Task(r, "a", "@daily", idle)
		}, `task "a" is the one of task_test.go:`},
		"a policy is one of three": {func(r *cqrs.Commands) { cqrs.Task(r, "a", "@daily", idle, "lastest") }, `no policy "lastest"`},
		"a name is needed":         {func(r *cqrs.Commands) { cqrs.Task(r, " ", "@daily", idle) }, "has no name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := cqrs.NewRouter(commands(c.routes)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}
