package saga_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/saga"
	"github.com/minos-framework/minos-go/framework/unit"
)

func TestRun(t *testing.T) {
	t.Parallel()
	t.Run("returns the context at the end", func(t *testing.T) {
		t.Parallel()
		s := setup(t, saga.Config{})
		p := serve(s, saga.Config{}, nil)
		d := booking(nil)
		register(t, s, d)
		out, err := saga.Run(t.Context(), s.manager, d, trip{Hotel: "Ritz"})
		if err != nil {
			t.Fatal(err)
		}
		if out.Flight != "BookFlight answered" || out.Hotel != "Ritz" {
			t.Errorf("context %+v", out)
		}
		if got := p.asked(); !slices.Equal(got, []string{"BookFlight", "noted", "BookHotel"}) {
			t.Errorf("asked %v", got)
		}
		if got, want := s.manager.Stats(), (saga.Stats{Started: 1, Finished: 1}); got != want {
			t.Errorf("stats %+v, want %+v", got, want)
		}
	})
	t.Run("returns why the saga failed, once all is undone", func(t *testing.T) {
		t.Parallel()
		s := setup(t, saga.Config{})
		p := serve(s, saga.Config{}, map[string]int{"BookHotel": http.StatusConflict})
		d := booking(nil)
		register(t, s, d)
		out, err := saga.Run(t.Context(), s.manager, d, trip{})
		failed, ok := errors.AsType[*saga.FailedError](err)
		if !ok || !failed.Compensated || failed.StatusCode() != http.StatusConflict {
			t.Fatalf("error %v", err)
		}
		want := `saga Book was undone: step "book the hotel": BookHotel replied 409: BookHotel answered`
		if err.Error() != want {
			t.Errorf("error %q, want %q", err, want)
		}
		if out.Flight != "" {
			t.Errorf("context %+v after a failure", out)
		}
		s.execution(failed.ID, saga.Errored)
		if got := p.asked(); !slices.Equal(got, []string{"BookFlight", "noted", "BookHotel", "unnoted", "CancelFlight"}) {
			t.Errorf("asked %v", got)
		}
	})
	t.Run("returns that a saga has stopped half undone", func(t *testing.T) {
		t.Parallel()
		s := setup(t, saga.Config{})
		serve(s, saga.Config{}, map[string]int{"Cancel": http.StatusForbidden})
		d := failing()
		register(t, s, d)
		_, err := saga.Run(t.Context(), s.manager, d, trip{})
		failed, ok := errors.AsType[*saga.FailedError](err)
		if !ok || failed.Compensated || failed.StatusCode() != http.StatusInternalServerError {
			t.Fatalf("error %v", err)
		}
		want := `saga Fail needs attention: step "pay": no money; ` +
			`undoing step "book": Cancel replied 403: Cancel answered`
		if err.Error() != want {
			t.Errorf("error %q, want %q", err, want)
		}
	})
	t.Run("finds the end that another replica brought about", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := setup(t, saga.Config{})
			d := booking(nil)
			register(t, s, d)
			mine := s.manager
			serve(s, saga.Config{}, nil)
			register(t, s, d) // with the replica
			done := make(chan error)
			go func() {
				_, err := saga.Run(t.Context(), mine, d, trip{})
				done <- err
			}()
			synctest.Wait()
			s.answer(s.request("BookFlight"), http.StatusOK, "IB 3456") // commits through the replica, which goes on
			begun := time.Now()
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if took := time.Since(begun); took > 250*time.Millisecond {
				t.Errorf("found after %s", took)
			}
			if mine.Stats().Finished != 0 || s.manager.Stats().Finished != 1 {
				t.Errorf("the saga was not finished by the replica")
			}
		})
	})
	t.Run("says where to look when the caller waits no longer", func(t *testing.T) {
		t.Parallel()
		s := setup(t, saga.Config{})
		d := booking(nil)
		register(t, s, d)
		ctx, cancel := context.WithCancel(t.Context())
		s.changed = cancel
		s.restart(saga.Config{}, registering(d))
		_, err := saga.Run(ctx, s.manager, d, trip{})
		pending, ok := errors.AsType[*saga.PendingError](err)
		if !ok || !errors.Is(err, context.Canceled) || pending.StatusCode() != http.StatusAccepted {
			t.Fatalf("error %v", err)
		}
		if !strings.Contains(err.Error(), pending.ID.String()) {
			t.Errorf("error %q does not name the execution", err)
		}
		s.execution(pending.ID, saga.Waiting)
	})
	t.Run("returns a failure of the first step at once", func(t *testing.T) {
		t.Parallel()
		s := setup(t, saga.Config{})
		d := saga.New[trip]("Fail").Local("pay", refuse("paid", errNoMoney)).Commit()
		register(t, s, d)
		_, err := saga.Run(t.Context(), s.manager, d, trip{})
		if err == nil || err.Error() != `saga Fail was undone: step "pay": no money` {
			t.Errorf("error %v", err)
		}
		s.silent()
	})
	t.Run("refuses where it would wait for ever", func(t *testing.T) {
		t.Parallel()
		s := setup(t, saga.Config{})
		d := booking(nil)
		register(t, s, d)
		staged := unit.New(nil)
		staged.Publish(unit.Message{Topic: "noted"})
		settling := unit.New(nil)
		settling.Settle(unit.Receipt{Topic: "Book", Message: unit.NewID()})
		for name, w := range map[string]*unit.Work{"staged": staged, "settling": settling} {
			_, err := saga.Run(unit.With(t.Context(), w), s.manager, d, trip{})
			if !errors.Is(err, saga.ErrInsideUnit) || !strings.Contains(err.Error(), "saga.Start") {
				t.Errorf("%s: error %v", name, err)
			}
			if w.Pinned() {
				t.Errorf("%s: the handler was pinned", name)
			}
		}
		s.silent()
	})
	t.Run("refuses in a callback", func(t *testing.T) {
		t.Parallel()
		s := setup(t, saga.Config{})
		inner := booking(nil)
		register(t, s, inner)
		outer := saga.New[trip]("Outer").
			Local("run", func(ctx context.Context, c *trip) error {
				_, err := saga.Run(ctx, s.manager, inner, *c)
				return err
			}).
			Commit()
		register(t, s, outer)
		_, err := saga.Run(t.Context(), s.manager, outer, trip{})
		if err == nil || !strings.Contains(err.Error(), saga.ErrInsideUnit.Error()) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("is a work of its own in a handler, which is pinned", func(t *testing.T) {
		t.Parallel()
		s := setup(t, saga.Config{})
		serve(s, saga.Config{}, nil)
		d := booking(nil)
		register(t, s, d)
		w := unit.New(map[string]string{"user": "ada"})
		if _, err := saga.Run(unit.With(t.Context(), w), s.manager, d, trip{}); err != nil {
			t.Fatal(err)
		}
		if !w.Empty() || !w.Pinned() {
			t.Errorf("empty %t, pinned %t", w.Empty(), w.Pinned())
		}
	})
}

func TestStart(t *testing.T) {
	t.Parallel()
	t.Run("is part of the caller's unit", func(t *testing.T) {
		t.Parallel()
		s := setup(t, saga.Config{})
		d := saga.New[trip]("Note").Local("note", do("noted")).Remote("book", ask("Book")).Commit()
		register(t, s, d)
		w := unit.New(nil)
		id, err := saga.Start(unit.With(t.Context(), w), s.manager, d, trip{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.manager.Get(t.Context(), id); !errors.Is(err, saga.ErrNotFound) {
			t.Errorf("the saga is there before the unit is committed: %v", err)
		}
		if err := s.store.Commit(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		s.execution(id, saga.Waiting)
		if got := topics(s.sent()); !slices.Equal(got, []string{"noted", "Book"}) {
			t.Errorf("sent %v", got)
		}
	})
	t.Run("may be called by a local step", func(t *testing.T) {
		t.Parallel()
		s := setup(t, saga.Config{})
		inner := booking(nil)
		register(t, s, inner)
		var id uuid.UUID
		outer := saga.New[trip]("Outer").
			Local("start", func(ctx context.Context, c *trip) (err error) {
				id, err = saga.Start(ctx, s.manager, inner, *c)
				return err
			}).
			Commit()
		s.execution(start(s, outer, trip{}), saga.Finished)
		s.execution(id, saga.Waiting)
		s.request("BookFlight")
	})
	t.Run("refuses a definition that is not registered as it is", func(t *testing.T) {
		t.Parallel()
		s := setup(t, saga.Config{})
		register(t, s, booking(nil))
		for name, d := range map[string]*saga.Definition[trip]{
			"Other version 1":                  saga.New[trip]("Other").Local("note", do("noted")).Commit(),
			"Book version 2":                   saga.New[trip]("Book").Version(2).Local("note", do("noted")).Commit(),
			"changed steps need a new version": saga.New[trip]("Book").Local("note", do("noted")).Commit(),
			"made by saga.New":                 {},
		} {
			_, err := saga.Start(t.Context(), s.manager, d, trip{})
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("error %v, want %q in it", err, name)
			}
		}
		type other struct{ Name string }
		same := saga.New[other]("Same").Local("note", func(context.Context, *other) error { return nil }).Commit()
		register(t, s, saga.New[trip]("Same").Local("note", do("noted")).Commit())
		if _, err := saga.Start(t.Context(), s.manager, same, other{}); !errors.Is(err, saga.ErrNotRegistered) {
			t.Errorf("another context: error %v", err)
		}
		if _, err := saga.Start[trip](t.Context(), s.manager, nil, trip{}); err == nil {
			t.Error("no error without a definition")
		}
	})
	t.Run("refuses a context that does not encode", func(t *testing.T) {
		t.Parallel()
		type score struct{ Value float64 }
		s := setup(t, saga.Config{})
		d := saga.New[score]("Score").
			Local("spoil", func(_ context.Context, c *score) error {
				c.Value = math.NaN()
				return nil
			}).
			Commit()
		register(t, s, d)
		if _, err := saga.Start(t.Context(), s.manager, d, score{math.Inf(1)}); err == nil {
			t.Error("no error for an infinite number")
		}
		_, err := saga.Start(t.Context(), s.manager, d, score{})
		if failed, ok := errors.AsType[*saga.FailedError](err); !ok || failed.Step != "spoil" {
			t.Errorf("error %v, want one of the step that spoils the context", err)
		}
	})
}

func TestManager_conflicts(t *testing.T) {
	t.Parallel()
	t.Run("makes a transition again when a local step was decided on what has changed", func(t *testing.T) {
		t.Parallel()
		s := setup(t, saga.Config{})
		id := unit.NewID()
		calls := 0
		d := saga.New[trip]("Count").
			Remote("ask", ask("Ask")).
			Local("count", func(ctx context.Context, c *trip) error {
				calls++
				c.went("counted")
				seen := version(t, s.store, id)
				if calls <= 3 {
					raise(t, s.store, id, seen) // a rival is faster
				}
				stage(unit.From(ctx), id, seen)
				return nil
			}).
			Commit()
		x := start(s, d, trip{})
		s.answer(s.request("Ask"), http.StatusOK, nil)
		s.execution(x, saga.Finished)
		if calls != 4 || version(t, s.store, id) != 4 || s.manager.Stats().Conflicts != 3 {
			t.Errorf("%d calls, version %d, stats %+v", calls, version(t, s.store, id), s.manager.Stats())
		}
		if got := s.context(x).Trail; !slices.Equal(got, []string{"Ask", "counted"}) {
			t.Errorf("the context has what was dropped: %v", got)
		}
	})
	t.Run("gives up for now when that does not end, and leaves the saga as it was", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := setup(t, saga.Config{})
			id := unit.NewID()
			d := saga.New[trip]("Count").
				Remote("ask", ask("Ask")).
				Local("count", func(ctx context.Context, _ *trip) error {
					stage(unit.From(ctx), id, 7)
					return nil
				}).
				Commit()
			x := start(s, d, trip{})
			request := s.request("Ask")
			err := s.manager.Deliver(t.Context(), reply(t, request, http.StatusOK, nil))
			if _, ok := errors.AsType[*unit.ConflictError](err); !ok {
				t.Errorf("error %v, want a conflict", err)
			}
			s.execution(x, saga.Waiting)
			watch(s)
			after(31 * time.Second)
			if x := s.execution(x, saga.Errored); x.Cause.Status != http.StatusGatewayTimeout {
				t.Errorf("cause %v", x.Cause)
			}
		})
	})
	t.Run("moves each saga on when they share an aggregate", func(t *testing.T) {
		t.Parallel()
		s := setup(t, saga.Config{})
		serve(s, saga.Config{}, nil)
		id := unit.NewID()
		d := saga.New[trip]("Share").
			Local("count", func(ctx context.Context, _ *trip) error {
				stage(unit.From(ctx), id, version(t, s.store, id))
				return nil
			}).
			Remote("ask", ask("Ask")).
			Local("count again", func(ctx context.Context, _ *trip) error {
				stage(unit.From(ctx), id, version(t, s.store, id))
				return nil
			}).
			Commit()
		register(t, s, d)
		faults := make(chan error)
		for range 16 {
			go func() {
				_, err := saga.Run(t.Context(), s.manager, d, trip{})
				faults <- err
			}()
		}
		for range 16 {
			if err := <-faults; err != nil {
				t.Error(err)
			}
		}
		if got := version(t, s.store, id); got != 32 {
			t.Errorf("version %d after 16 sagas of two changes", got)
		}
	})
}

func register[C any](t *testing.T, s *system, d *saga.Definition[C]) {
	t.Helper()
	if err := saga.Register(s.manager, d); err != nil {
		t.Fatal(err)
	}
}

// version returns the version of an aggregate; 0 when there is none.
func version(t *testing.T, store *memory.Store, id uuid.UUID) int {
	t.Helper()
	n := 0
	for _, err := range store.Events(t.Context(), aggregate.EventQuery{Aggregate: id}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// stage stages the event after the version that was seen.
func stage(w *unit.Work, id uuid.UUID, seen int) {
	w.Append(
		unit.Event{Aggregate: id, Version: seen + 1, Name: "Counter", Action: unit.Update, Schema: 1, Data: []byte("[]")},
		unit.Snapshot{Aggregate: id, Name: "Counter", Version: seen + 1, Data: []byte("{}")},
	)
}

func raise(t *testing.T, store *memory.Store, id uuid.UUID, seen int) {
	t.Helper()
	w := unit.New(nil)
	stage(w, id, seen)
	if err := store.Commit(t.Context(), w); err != nil {
		t.Fatal(err)
	}
}
