package saga_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/saga"
	"github.com/minos-framework/minos-go/framework/unit"
)

func TestManager_Watch(t *testing.T) {
	t.Parallel()
	t.Run("fails a step without a reply in time, and undoes it first", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := setup(t, saga.Config{Timeout: 10 * time.Second})
			watch(s)
			id := start(s, booking(nil), trip{})
			late := s.request("BookFlight")
			after(9 * time.Second)
			s.execution(id, saga.Waiting)
			after(2 * time.Second)
			cancel := s.request("CancelFlight")
			s.answer(late, http.StatusOK, "IB 3456")
			if got := s.context(id).Flight; got != "" {
				t.Errorf("the late reply was taken: flight %q", got)
			}
			s.execution(id, saga.Compensating)
			s.answer(cancel, http.StatusOK, nil)
			x := s.execution(id, saga.Errored)
			if x.Cause.Text != "no reply from BookFlight within 10s" || x.Cause.Status != http.StatusGatewayTimeout {
				t.Errorf("cause %+v", x.Cause)
			}
			if stats := s.manager.Stats(); stats.Stale != 1 || stats.Errored != 1 {
				t.Errorf("stats %+v", stats)
			}
		})
	})
	t.Run("does not take a deadline for that of the next step", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := setup(t, saga.Config{})
			slow := &slowDue{Store: s.store}
			m, err := saga.NewManager(slow, saga.Config{Service: "trips", Timeout: 10 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			s.manager = m
			id := start(s, booking(nil), trip{})
			request := s.request("BookFlight")
			slow.found = func() { s.answer(request, http.StatusOK, "IB 3456") }
			watch(s)
			after(11 * time.Second)
			s.execution(id, saga.Waiting)
			if got := topics(s.sent()); !slices.Equal(got, []string{"noted", "BookHotel"}) {
				t.Errorf("sent %v", got)
			}
		})
	})
	t.Run("makes each transition once, however many replicas watch", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := setup(t, saga.Config{})
			d := booking(nil)
			var ids []uuid.UUID
			ids = append(ids, start(s, d, trip{}))
			for range 999 {
				id, err := saga.Start(t.Context(), s.manager, d, trip{})
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, id)
			}
			s.sent()
			watch(s)
			for range 3 {
				s.restart(saga.Config{}, registering(d))
				watch(s)
			}
			after(30*time.Second + 300*time.Millisecond)
			if got := len(s.sent()); got != len(ids) {
				t.Errorf("%d compensations for %d sagas", got, len(ids))
			}
			for _, id := range ids {
				s.execution(id, saga.Compensating)
			}
		})
	})
	t.Run("puts off what it cannot go on with, and says so", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := setup(t, saga.Config{})
			id := start(s, booking(nil), trip{})
			s.request("BookFlight")
			var log buffer
			s.restart(saga.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
			watch(s)
			after(5*time.Minute + 31*time.Second)
			if got := strings.Count(log.String(), "saga is not registered: Book version 1"); got < 4 || got > 7 {
				t.Errorf("logged %d times in 5 minutes:\n%s", got, log.String())
			}
			if err := saga.Register(s.manager, booking(nil)); err != nil {
				t.Fatal(err)
			}
			after(61 * time.Second)
			s.execution(id, saga.Compensating)
		})
	})
	t.Run("waits for a store that is out of reach", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := setup(t, saga.Config{})
			slow := &slowDue{Store: s.store}
			var log buffer
			m, err := saga.NewManager(slow, saga.Config{Service: "trips", Logger: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			s.manager = m
			id := start(s, booking(nil), trip{})
			s.request("BookFlight")
			slow.fail(errors.New("connection refused"))
			watch(s)
			after(time.Minute)
			if got := strings.Count(log.String(), "connection refused"); got < 5 || got > 15 {
				t.Errorf("logged %d times in a minute:\n%s", got, log.String())
			}
			slow.fail(nil)
			after(11 * time.Second)
			s.execution(id, saga.Compensating)
		})
	})
}

// slowDue is a store whose answers about deadlines are late or never come.
type slowDue struct {
	saga.Store
	found func() // called once after something was due, before the caller knows

	mu  sync.Mutex
	err error
}

func (s *slowDue) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *slowDue) DueSagas(ctx context.Context, limit int) ([]uuid.UUID, error) {
	s.mu.Lock()
	err := s.err
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	ids, err := s.Store.DueSagas(ctx, limit)
	if len(ids) > 0 && s.found != nil {
		s.found()
		s.found = nil
	}
	return ids, err
}

var _ unit.Store = (*slowDue)(nil)

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
