package saga_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/saga"
	"github.com/minos-framework/minos-go/framework/unit"
)

var errKilled = errors.New("the process was killed")

// mortal is the store of a process that is killed at a commit: before it was
// made, or after it was made and before the process knew. A process that is
// killed while callbacks run is one that is killed before their commit.
type mortal struct {
	saga.Store
	at    int // number of the commit; 0 means never
	after bool

	mu      sync.Mutex
	commits int
	dead    bool
}

func (s *mortal) Commit(ctx context.Context, works ...*unit.Work) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commits++
	if s.commits == s.at {
		s.dead = true
		if s.after {
			if err := s.Store.Commit(ctx, works...); err != nil {
				return err
			}
		}
	}
	if s.dead {
		return errKilled
	}
	return s.Store.Commit(ctx, works...)
}

func (s *mortal) killed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dead
}

// life is a system whose process may be killed, and its surroundings, which
// deliver every reply again and again.
type life struct {
	*system
	definition *saga.Definition[trip]
	answers    map[string]int // by topic; 0 means that there is never a reply
	process    *mortal
	stop       context.CancelFunc

	order   []string // topics of the messages, in the order of their first sending
	seen    map[uuid.UUID]bool
	replies []unit.Message
}

// boot starts a process, in place of the one that was.
func (l *life) boot(process *mortal) {
	if l.stop != nil {
		l.stop()
	}
	l.process = process
	m, err := saga.NewManager(process, saga.Config{
		Service: "trips", Attempts: 3, Tick: 5 * time.Second, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		l.t.Fatal(err)
	}
	l.manager = m
	register(l.t, l.system, l.definition)
	ctx, cancel := context.WithCancel(l.t.Context())
	l.stop = cancel
	go func() { _ = m.Watch(ctx) }()
}

// step sends what was committed, delivers all replies so far, and lets some
// time pass. It starts another process when the one that was is dead.
func (l *life) step() {
	for _, m := range l.sent() {
		if l.seen[m.ID] {
			continue
		}
		l.seen[m.ID] = true
		l.order = append(l.order, m.Topic)
		if status := l.answers[m.Topic]; status != 0 {
			l.replies = append(l.replies, reply(l.t, m, status, "done"))
		}
	}
	for _, m := range l.replies {
		if err := l.manager.Deliver(l.t.Context(), m); err != nil && !l.process.killed() {
			l.t.Errorf("deliver %s: %v", m.ID, err)
		}
	}
	after(10 * time.Second)
	if l.process.killed() {
		l.boot(&mortal{Store: l.store})
	}
}

// live runs a saga in a process that is killed at a commit, until it ended. It
// returns the topics of all messages, the last status, and how many commits the
// first process got to.
func live(t *testing.T, answers map[string]int, at int, late bool) (order []string, end saga.Status, commits int) {
	t.Helper()
	first := &mortal{at: at, after: late}
	l := &life{
		system: setup(t, saga.Config{}), definition: booking(nil), answers: answers, seen: map[uuid.UUID]bool{},
	}
	first.Store = l.store
	l.boot(first)
	defer func() { l.stop() }()
	_, err := saga.Start(t.Context(), l.manager, l.definition, trip{})
	if err != nil && !late { // the caller knows that it failed, and tries again
		l.boot(&mortal{Store: l.store})
		_, err = saga.Start(t.Context(), l.manager, l.definition, trip{})
	}
	if err != nil && !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	for range 60 {
		l.step()
		if len(l.replies) == 0 {
			continue
		}
		x, err := l.manager.Get(t.Context(), uuid.MustParse(l.replies[0].Headers[saga.HeaderSaga]))
		if err != nil {
			t.Fatal(err)
		}
		if end = x.Status; end.Ended() {
			break
		}
	}
	l.step() // with every reply once more
	first.mu.Lock()
	defer first.mu.Unlock()
	return l.order, end, first.commits
}

func TestManager_killed(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		reply map[string]int // beside 200
		end   saga.Status
		order []string
	}{
		{
			"while it succeeds", nil, saga.Finished,
			[]string{"BookFlight", "noted", "BookHotel"},
		},
		{
			"while a refusal is undone",
			map[string]int{"BookHotel": http.StatusConflict},
			saga.Errored,
			[]string{"BookFlight", "noted", "BookHotel", "unnoted", "CancelFlight"},
		},
		{
			"while a step without a reply is undone",
			map[string]int{"BookHotel": 0},
			saga.Errored,
			[]string{"BookFlight", "noted", "BookHotel", "CancelHotel", "unnoted", "CancelFlight"},
		},
		{
			"while a compensation is refused again and again",
			map[string]int{"BookHotel": http.StatusConflict, "CancelFlight": http.StatusServiceUnavailable},
			saga.NeedsAttention,
			[]string{"BookFlight", "noted", "BookHotel", "unnoted", "CancelFlight", "CancelFlight", "CancelFlight"},
		},
		{
			"while a compensation has no reply",
			map[string]int{"BookHotel": http.StatusConflict, "CancelFlight": 0},
			saga.NeedsAttention,
			[]string{"BookFlight", "noted", "BookHotel", "unnoted", "CancelFlight"},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			answers := map[string]int{"BookFlight": 200, "BookHotel": 200, "CancelFlight": 200, "CancelHotel": 200}
			for topic, status := range c.reply {
				answers[topic] = status
			}
			var commits int
			synctest.Test(t, func(t *testing.T) { _, _, commits = live(t, answers, 0, false) })
			if commits < 3 {
				t.Fatalf("%d commits without a kill", commits)
			}
			for at := range commits + 1 {
				for _, late := range []bool{false, true} {
					synctest.Test(t, func(t *testing.T) {
						order, end, _ := live(t, answers, at, late)
						if end != c.end || !slices.Equal(order, c.order) {
							t.Errorf("killed %s: %s with %v, want %s with %v", moment(at, late), end, order, c.end, c.order)
						}
					})
				}
			}
		})
	}
}

func moment(at int, late bool) string {
	if late {
		return fmt.Sprintf("after commit %d", at)
	}
	return fmt.Sprintf("before commit %d", at)
}
