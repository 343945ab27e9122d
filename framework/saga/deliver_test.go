package saga_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/saga"
	"github.com/minos-framework/minos-go/framework/unit"
)

// booking is two remote steps and a local one, each with a compensation.
func booking(change func(*saga.RemoteStep[trip])) *saga.Definition[trip] {
	b := saga.New[trip]("Book")
	b.Remote("book the flight", ask("BookFlight")).OnSuccess(keep(flight)).OnFailure(ask("CancelFlight"))
	b.Local("note the flight", do("noted")).OnFailure(do("unnoted"))
	second := b.Remote("book the hotel", ask("BookHotel")).OnFailure(ask("CancelHotel"))
	if change != nil {
		change(second)
	}
	return b.Commit()
}

func TestManager_Deliver(t *testing.T) {
	t.Parallel()
	t.Run("goes from step to step, one commit each", func(t *testing.T) {
		t.Parallel()
		s := setup(t, saga.Config{})
		id := start(s, booking(nil), trip{})
		request := s.request("BookFlight")
		if request.ReplyTo != "tripsReply" || request.Key != id.String() || string(request.Content) != `"BookFlight"` {
			t.Errorf("request %+v", request)
		}
		for name, want := range map[string]string{
			saga.HeaderSaga: id.String(), saga.HeaderStep: "0", saga.HeaderAttempt: "1",
		} {
			if got := request.Headers[name]; got != want {
				t.Errorf("header %s is %q, want %q", name, got, want)
			}
		}
		s.execution(id, saga.Waiting)
		s.answer(request, http.StatusCreated, "IB 3456")
		sent := s.sent()
		if got := topics(sent); !slices.Equal(got, []string{"noted", "BookHotel"}) {
			t.Fatalf("sent %v", got)
		}
		s.execution(id, saga.Waiting)
		s.answer(sent[1], http.StatusNoContent, nil)
		x := s.execution(id, saga.Finished)
		if x.Cause != nil || !slices.Equal(x.Steps, []saga.StepStatus{saga.Executed, saga.Executed, saga.Executed}) {
			t.Errorf("execution %+v", x)
		}
		if c := s.context(id); c.Flight != "IB 3456" || !slices.Equal(c.Trail, []string{"BookFlight", "noted", "BookHotel"}) {
			t.Errorf("context %+v", c)
		}
		want := []string{"started", "requested", "replied", "executed", "requested", "replied", "FINISHED"}
		if got := s.log(id); !slices.Equal(got, want) {
			t.Errorf("log %v, want %v", got, want)
		}
		if row, err := s.store.Saga(t.Context(), id); err != nil || row.Revision != 3 {
			t.Errorf("revision %d after three commits, %v", row.Revision, err)
		}
	})
	t.Run("takes a reply once", func(t *testing.T) {
		t.Parallel()
		s := setup(t, saga.Config{})
		id := start(s, booking(nil), trip{})
		request := s.request("BookFlight")
		s.answer(request, 200, "IB 3456")
		settled(s, request)
		s.sent()
		s.answer(request, 200, "IB 7890")
		s.silent()
		s.execution(id, saga.Waiting)
		if got := s.context(id).Flight; got != "IB 3456" {
			t.Errorf("flight %q", got)
		}
	})
	t.Run("settles and counts what nothing waits for", func(t *testing.T) {
		t.Parallel()
		s := setup(t, saga.Config{})
		id := start(s, booking(nil), trip{})
		request := s.request("BookFlight")
		stale := request
		stale.ID = unit.NewID()
		unknown := request
		unknown.ID, unknown.Headers = unit.NewID(), map[string]string{saga.HeaderSaga: unit.NewID().String()}
		foreign := request
		foreign.ID, foreign.Headers = unit.NewID(), nil
		empty := request
		empty.ID = uuid.Nil
		for i, m := range []unit.Message{stale, unknown, foreign, empty} {
			s.answer(m, 200, "IB 3456")
			s.execution(id, saga.Waiting)
			if got := s.manager.Stats().Stale; got != int64(i+1) {
				t.Errorf("%d stale replies, want %d", got, i+1)
			}
		}
		s.silent()
		settled(s, stale)
	})
	t.Run("ignores a reply after the end", func(t *testing.T) {
		t.Parallel()
		s := setup(t, saga.Config{})
		id := start(s, saga.New[trip]("One").Remote("ask", ask("Ask")).Commit(), trip{})
		request := s.request("Ask")
		s.answer(request, 200, nil)
		s.execution(id, saga.Finished)
		for _, message := range []uuid.UUID{unit.NewID(), uuid.Nil} {
			late := request
			late.ID = message
			s.answer(late, 500, nil)
			s.execution(id, saga.Finished)
		}
		if got := s.manager.Stats().Stale; got != 2 {
			t.Errorf("%d stale replies, want 2", got)
		}
	})
	t.Run("returns an error for a definition that it does not have, and goes on when it has", func(t *testing.T) {
		t.Parallel()
		s := setup(t, saga.Config{})
		id := start(s, booking(nil), trip{})
		request := s.request("BookFlight")
		other := saga.New[trip]("Book").Remote("book the boat", ask("BookBoat")).Commit()
		for _, definitions := range [][]func(*saga.Manager) error{nil, {registering(other)}} {
			s.restart(saga.Config{}, definitions...)
			err := s.manager.Deliver(t.Context(), reply(t, request, 200, "IB 3456"))
			if !errors.Is(err, saga.ErrNotRegistered) {
				t.Errorf("error %v, want ErrNotRegistered", err)
			}
			s.execution(id, saga.Waiting)
		}
		s.restart(saga.Config{}, registering(booking(nil)))
		s.answer(request, 200, "IB 3456")
		s.execution(id, saga.Waiting)
		if got := topics(s.sent()); !slices.Equal(got, []string{"noted", "BookHotel"}) {
			t.Errorf("sent %v", got)
		}
	})
	t.Run("keeps executions to the version that they were started with", func(t *testing.T) {
		t.Parallel()
		s := setup(t, saga.Config{})
		id := start(s, booking(nil), trip{})
		request := s.request("BookFlight")
		next := saga.New[trip]("Book").Version(2).Remote("book the boat", ask("BookBoat")).Commit()
		s.restart(saga.Config{}, registering(booking(nil)), registering(next))
		s.answer(request, 200, "IB 3456")
		if x := s.execution(id, saga.Waiting); x.Version != 1 {
			t.Errorf("version %d", x.Version)
		}
	})
	t.Run("returns what the store returns", func(t *testing.T) {
		t.Parallel()
		s := setup(t, saga.Config{})
		id := start(s, booking(nil), trip{})
		request := s.request("BookFlight")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.manager.Deliver(ctx, reply(t, request, 200, "IB 3456")); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want that of the context", err)
		}
		s.execution(id, saga.Waiting)
		s.silent()
	})
	t.Run("does not take the end of a context for a failure of the step", func(t *testing.T) {
		t.Parallel()
		s := setup(t, saga.Config{})
		ctx, cancel := context.WithCancel(t.Context())
		d := saga.New[trip]("Cut").Remote("ask", ask("Ask")).
			OnSuccess(func(ctx context.Context, _ *trip, _ saga.Response) error {
				cancel()
				return ctx.Err()
			}).
			OnFailure(func(context.Context, *trip) (saga.Request, error) {
				t.Error("the step is undone")
				return saga.Request{}, nil
			}).
			Commit()
		id := start(s, d, trip{})
		request := s.request("Ask")
		if err := s.manager.Deliver(ctx, reply(t, request, 200, nil)); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want that of the context", err)
		}
		s.execution(id, saga.Waiting)
	})
	t.Run("carries the headers of the start with every message", func(t *testing.T) {
		t.Parallel()
		s := setup(t, saga.Config{})
		d := booking(nil)
		if err := saga.Register(s.manager, d); err != nil {
			t.Fatal(err)
		}
		outer := map[string]string{"user": "ada", saga.HeaderSaga: "outer", saga.HeaderStep: "7", saga.HeaderAttempt: "3"}
		w := unit.New(outer)
		id, err := saga.Start(unit.With(t.Context(), w), s.manager, d, trip{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.store.Commit(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		request := s.request("BookFlight")
		answer := reply(t, request, 200, "IB 3456")
		answer.Headers = map[string]string{saga.HeaderSaga: id.String(), "user": "mallory"}
		if err := s.manager.Deliver(t.Context(), answer); err != nil {
			t.Fatal(err)
		}
		for _, m := range append(s.sent(), request) {
			if m.Headers["user"] != "ada" {
				t.Errorf("user of %s is %q", m.Topic, m.Headers["user"])
			}
			if m.Topic != "noted" && m.Headers[saga.HeaderSaga] != id.String() {
				t.Errorf("%s belongs to saga %s", m.Topic, m.Headers[saga.HeaderSaga])
			}
			if m.Topic == "noted" && m.Headers[saga.HeaderSaga] != "" {
				t.Errorf("%s belongs to saga %s", m.Topic, m.Headers[saga.HeaderSaga])
			}
		}
	})
}

func TestRemoteStep_replies(t *testing.T) {
	t.Parallel()
	broken := errors.New("it does not suit")
	fails := func(_ context.Context, c *trip, _ saga.Response) error {
		c.went("listened")
		return broken
	}
	handles := func(_ context.Context, c *trip, r saga.Response) error {
		c.went("listened: " + r.Err().Error())
		return nil
	}
	undone := []string{"CancelHotel", "unnoted", "CancelFlight"}
	cases := []struct {
		name   string
		change func(*saga.RemoteStep[trip])
		status int
		reply  any
		undone []string // what is compensated, in order; nil says that the saga succeeds
		cause  string
		code   int
	}{
		{name: "a success goes on", status: 299},
		{
			name: "an error without OnError fails, and the step is not undone", status: 409,
			reply:  map[string]any{"detail": "no room", "title": "Conflict"},
			undone: undone[1:], cause: "BookHotel replied 409: no room", code: 409,
		},
		{
			name: "an error that OnError handles goes on", status: 404, reply: "no such hotel",
			change: func(r *saga.RemoteStep[trip]) { r.OnError(handles) },
		},
		{
			name: "an error that OnError does not handle fails with its error, and the step is not undone", status: 404,
			change: func(r *saga.RemoteStep[trip]) { r.OnError(fails) },
			undone: undone[1:], cause: "it does not suit", code: 500,
		},
		{
			name: "an OnSuccess that fails fails, and the step is undone first", status: 200,
			change: func(r *saga.RemoteStep[trip]) { r.OnSuccess(fails) },
			undone: undone, cause: "it does not suit", code: 500,
		},
		{
			name: "an OnSuccess that gets another type fails", status: 200, reply: 7,
			change: func(r *saga.RemoteStep[trip]) { r.OnSuccess(keep(hotel)) },
			undone: undone, cause: "decode reply as string", code: 500,
		},
		{
			name: "an OnSuccess that panics fails", status: 200,
			change: func(r *saga.RemoteStep[trip]) {
				r.OnSuccess(func(context.Context, *trip, saga.Response) error { panic("oh no") })
			},
			undone: undone, cause: "panic: oh no", code: 500,
		},
		{name: "a broken service fails", status: 503, undone: undone[1:], cause: "Service Unavailable", code: 503},
		{name: "no status fails", status: 0, undone: undone[1:], cause: "no reason given", code: 0},
		{name: "a redirection fails", status: 302, undone: undone[1:], cause: "Found", code: 302},
		{name: "a status that nobody knows fails", status: 600, undone: undone[1:], cause: "no reason given", code: 600},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := setup(t, saga.Config{})
			id := start(s, booking(c.change), trip{})
			s.answer(s.request("BookFlight"), 200, "IB 3456")
			s.answer(s.sent()[1], c.status, c.reply)
			if c.undone == nil {
				s.execution(id, saga.Finished)
				return
			}
			var order []string
			for messages := s.sent(); len(messages) > 0; messages = s.sent() {
				order = append(order, topics(messages)...)
				if last := messages[len(messages)-1]; last.ReplyTo != "" {
					s.execution(id, saga.Compensating)
					s.answer(last, 200, nil)
				}
			}
			if !slices.Equal(order, c.undone) {
				t.Errorf("undone %v, want %v", order, c.undone)
			}
			x := s.execution(id, saga.Errored)
			if x.Cause.Step != "book the hotel" || !strings.Contains(x.Cause.Text, c.cause) || x.Cause.Status != c.code {
				t.Errorf("cause %+v, want %q with %d", x.Cause, c.cause, c.code)
			}
		})
	}
}

// settled expects that the reply to request has its receipt.
func settled(s *system, request unit.Message) {
	s.t.Helper()
	w := unit.New(nil)
	w.Settle(unit.Receipt{Topic: request.ReplyTo, Message: request.ID})
	err := s.store.Commit(s.t.Context(), w)
	if _, ok := errors.AsType[*unit.DuplicateError](err); !ok {
		s.t.Errorf("the reply to %s was not settled: %v", request.Topic, err)
	}
}
