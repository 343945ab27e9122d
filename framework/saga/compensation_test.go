package saga_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/saga"
	"github.com/minos-framework/minos-go/framework/unit"
)

var errNoMoney = errors.New("no money")

// failing is a remote step that can be undone, then a local one that fails.
func failing() *saga.Definition[trip] {
	return saga.New[trip]("Fail").
		Remote("book", ask("Book")).OnSuccess(keep(flight)).OnFailure(ask("Cancel")).Timeout(3*time.Second).
		Local("pay", refuse("paid", errNoMoney)).OnFailure(do("unpaid")).
		Commit()
}

// compensating starts failing, up to the request that undoes the booking.
func compensating(s *system) (uuid.UUID, unit.Message) {
	s.t.Helper()
	id := start(s, failing(), trip{})
	s.answer(s.request("Book"), http.StatusOK, "IB 3456")
	s.execution(id, saga.Compensating)
	return id, s.request("Cancel")
}

// watch runs the manager's deadlines until the test ends.
func watch(s *system) {
	ctx, cancel := context.WithCancel(s.t.Context())
	done, manager := make(chan error), s.manager
	go func() { done <- manager.Watch(ctx) }()
	s.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("watch: %v", err)
		}
	})
}

// after lets d pass in a synctest bubble.
func after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestManager_compensation(t *testing.T) {
	t.Parallel()
	t.Run("drops what a failed local step did, and undoes the ones before it", func(t *testing.T) {
		t.Parallel()
		s := setup(t, saga.Config{})
		id, cancel := compensating(s)
		if got := cancel.Headers[saga.HeaderStep]; got != "0/undo" {
			t.Errorf("header %s is %q", saga.HeaderStep, got)
		}
		s.answer(cancel, http.StatusOK, nil)
		x := s.execution(id, saga.Errored)
		if !slices.Equal(x.Steps, []saga.StepStatus{saga.Undone, saga.Failed}) {
			t.Errorf("steps %v", x.Steps)
		}
		if c := s.context(id); c.Flight != "IB 3456" || !slices.Equal(c.Trail, []string{"Book", "Cancel"}) {
			t.Errorf("context %+v", c)
		}
		want := []string{"started", "requested", "replied", "failed", "requested", "replied", "undone", "ERRORED"}
		if got := s.log(id); !slices.Equal(got, want) {
			t.Errorf("log %v, want %v", got, want)
		}
	})
	t.Run("keeps what a failed OnSuccess learned", func(t *testing.T) {
		t.Parallel()
		s := setup(t, saga.Config{})
		var undone string
		d := saga.New[trip]("Learn").
			Remote("book", ask("Book")).
			OnSuccess(func(ctx context.Context, c *trip, r saga.Response) error {
				c.Flight, _ = saga.Decode[string](r)
				unit.From(ctx).Publish(unit.Message{Topic: "dropped"})
				return errNoMoney
			}).
			OnFailure(func(_ context.Context, c *trip) (saga.Request, error) {
				undone = c.Flight
				return saga.Request{Topic: "Cancel"}, nil
			}).
			Commit()
		start(s, d, trip{})
		s.answer(s.request("Book"), http.StatusOK, "IB 3456")
		s.request("Cancel")
		if undone != "IB 3456" {
			t.Errorf("undone %q", undone)
		}
	})
	t.Run("passes over what has nothing to undo", func(t *testing.T) {
		t.Parallel()
		s := setup(t, saga.Config{})
		nothing := func(context.Context, *trip) (saga.Request, error) { return saga.Request{}, nil }
		d := saga.New[trip]("Nothing").
			Remote("look", ask("Look")).OnFailure(nothing).
			Local("note", do("noted")).
			Local("pay", refuse("paid", errNoMoney)).
			Commit()
		id := start(s, d, trip{})
		s.answer(s.request("Look"), http.StatusOK, nil)
		x := s.execution(id, saga.Errored)
		if !slices.Equal(x.Steps, []saga.StepStatus{saga.Undone, saga.Executed, saga.Failed}) {
			t.Errorf("steps %v", x.Steps)
		}
	})
	t.Run("fails a request that cannot be made", func(t *testing.T) {
		t.Parallel()
		for name, execute := range map[string]func(context.Context, *trip) (saga.Request, error){
			"no money":     func(context.Context, *trip) (saga.Request, error) { return saga.Request{}, errNoMoney },
			"has no topic": func(context.Context, *trip) (saga.Request, error) { return saga.Request{}, nil },
			"panic: oh no": func(context.Context, *trip) (saga.Request, error) { panic("oh no") },
			"encode the request to Book": func(context.Context, *trip) (saga.Request, error) {
				return saga.Request{Topic: "Book", Content: t.Log}, nil
			},
		} {
			s := setup(t, saga.Config{})
			d := saga.New[trip]("Fail").
				Local("note", do("noted")).OnFailure(do("unnoted")).
				Remote("book", execute).OnFailure(ask("Cancel")).
				Commit()
			if err := saga.Register(s.manager, d); err != nil {
				t.Fatal(err)
			}
			id, err := saga.Start(t.Context(), s.manager, d, trip{})
			if failed, ok := errors.AsType[*saga.FailedError](err); !ok || !failed.Compensated || failed.ID != id {
				t.Errorf("error %v, want one of a failed saga", err)
			}
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("error %v, want %q in it", err, name)
			}
			s.execution(id, saga.Errored)
			if got := topics(s.sent()); !slices.Equal(got, []string{"noted", "unnoted"}) {
				t.Errorf("sent %v", got)
			}
		}
	})
	t.Run("stops where a compensation is refused for good", func(t *testing.T) {
		t.Parallel()
		s := setup(t, saga.Config{})
		id, cancel := compensating(s)
		s.answer(cancel, http.StatusForbidden, "flown already")
		x := s.execution(id, saga.NeedsAttention)
		if x.Cause.Text != "no money" || x.Undo == nil || x.Undo.Text != "Cancel replied 403: flown already" {
			t.Errorf("cause %v, undo %v", x.Cause, x.Undo)
		}
		if got := s.manager.Stats().NeedsAttention; got != 1 {
			t.Errorf("%d sagas need attention", got)
		}
		s.silent()
	})
}

func TestManager_compensationTries(t *testing.T) {
	t.Parallel()
	t.Run("sends the same message again when there is no reply, more and more rarely, then stops", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := setup(t, saga.Config{Attempts: 4})
			watch(s)
			id, first := compensating(s)
			for _, wait := range []time.Duration{3 * time.Second, 6 * time.Second} {
				after(wait - time.Second - time.Millisecond)
				s.silent()
				after(1500 * time.Millisecond)
				if again := s.request("Cancel"); again.ID != first.ID || again.Headers[saga.HeaderAttempt] != "1" {
					t.Errorf("sent %+v, want the message %s again", again, first.ID)
				}
			}
			after(time.Minute)
			s.request("Cancel")
			s.execution(id, saga.NeedsAttention)
			after(time.Hour)
			s.silent()
			s.answer(first, http.StatusOK, nil) // it was only late
			if x := s.execution(id, saga.Errored); x.Undo != nil || x.Steps[0] != saga.Undone {
				t.Errorf("execution %+v", x)
			}
		})
	})
	t.Run("never waits longer than a minute before it asks again", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := setup(t, saga.Config{Timeout: 50 * time.Second})
			watch(s)
			id := start(s, booking(nil), trip{})
			s.request("BookFlight")
			after(51 * time.Second)
			s.request("CancelFlight")
			after(51 * time.Second)
			s.request("CancelFlight")
			after(61 * time.Second)
			s.request("CancelFlight")
			s.execution(id, saga.Compensating)
		})
	})
	t.Run("asks again, anew, what may pass, then stops", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := setup(t, saga.Config{Attempts: 3})
			watch(s)
			id, first := compensating(s)
			s.answer(first, http.StatusServiceUnavailable, nil)
			s.silent()
			s.execution(id, saga.Compensating)
			after(500 * time.Millisecond)
			second := s.request("Cancel")
			if second.ID == first.ID || second.Headers[saga.HeaderAttempt] != "2" {
				t.Errorf("second request %+v", second)
			}
			s.answer(first, http.StatusOK, nil) // the reply to the first, once more
			s.execution(id, saga.Compensating)
			s.answer(second, http.StatusTooManyRequests, nil)
			after(time.Second)
			s.answer(s.request("Cancel"), http.StatusConflict, "busy")
			x := s.execution(id, saga.NeedsAttention)
			if x.Undo.Status != http.StatusConflict {
				t.Errorf("undo %+v", x.Undo)
			}
			after(time.Hour)
			s.silent()
		})
	})
	t.Run("calls a failing OnFailure again, and stops", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := setup(t, saga.Config{Attempts: 5})
			watch(s)
			calls := 0
			d := saga.New[trip]("Stuck").
				Local("first", do("done")).OnFailure(do("undone")).
				Local("second", do("done")).OnFailure(func(context.Context, *trip) error {
				calls++
				panic(calls)
			}).
				Remote("third", ask("Ask")).
				Commit()
			id := start(s, d, trip{})
			s.answer(s.sent()[2], http.StatusGone, nil)
			s.execution(id, saga.Compensating)
			after(time.Hour)
			x := s.execution(id, saga.NeedsAttention)
			if calls != 5 || x.Undo.Step != "second" || x.Undo.Text != "panic: 5" {
				t.Errorf("%d calls, undo %+v", calls, x.Undo)
			}
			if !slices.Equal(x.Steps, []saga.StepStatus{saga.Executed, saga.Undoing, saga.Refused}) {
				t.Errorf("steps %v", x.Steps)
			}
			s.silent()
		})
	})
	t.Run("counts a compensation that is never decided on the latest state", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := setup(t, saga.Config{Attempts: 3})
			watch(s)
			counter := unit.NewID()
			d := saga.New[trip]("Late").
				Local("first", do("done")).OnFailure(func(ctx context.Context, _ *trip) error {
				stage(unit.From(ctx), counter, 7)
				return nil
			}).
				Remote("second", ask("Ask")).
				Commit()
			id := start(s, d, trip{})
			after(time.Hour)
			if x := s.execution(id, saga.NeedsAttention); !strings.Contains(x.Undo.Text, "another writer was first") {
				t.Errorf("undo %v", x.Undo)
			}
		})
	})
	t.Run("counts a compensation that the store refuses", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := setup(t, saga.Config{Attempts: 3})
			watch(s)
			d := saga.New[trip]("Refused").
				Local("first", do("done")).OnFailure(func(ctx context.Context, _ *trip) error {
				unit.From(ctx).Exec("drop table done") // memory has no SQL
				return nil
			}).
				Remote("second", ask("Ask")).
				Commit()
			id := start(s, d, trip{})
			after(time.Hour)
			if x := s.execution(id, saga.NeedsAttention); !strings.Contains(x.Undo.Text, "SQL") ||
				x.Cause.Text != "no reply from Ask within 30s" {
				t.Errorf("cause %v, undo %v", x.Cause, x.Undo)
			}
		})
	})
}
