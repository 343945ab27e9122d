package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/cqrs"
	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/schedule"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, spec := range []string{"* * * * *", "*/5 9-17 * * 1-5", "0 0 29 2 *", "*/10 * * * * *", "@daily", "@reboot", " @hourly "} {
		if _, err := schedule.Parse(spec); err != nil {
			t.Errorf("%q: %v", spec, err)
		}
	}
	for _, spec := range []string{"", "* * *", "61 * * * *", "every day", "@never", "* * * * * * * *", "0 0 31 2 *"} {
		if _, err := schedule.Parse(spec); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", spec)) {
			t.Errorf("%q: %v", spec, err)
		}
	}
}

// runs keeps what was run.
type runs struct {
	mu  sync.Mutex
	all []string
	ids map[uuid.UUID]int
}

// note returns a task that notes when it was run and what for, and then does
// something.
func (r *runs) note(name, spec string, then func(ctx context.Context) error) schedule.Task {
	timing, err := schedule.Parse(spec)
	if err != nil {
		panic(err)
	}
	return schedule.Task{Name: name, Timing: timing, Run: func(ctx context.Context, id uuid.UUID, due time.Time) error {
		r.mu.Lock()
		r.all = append(r.all, fmt.Sprintf("%s %s at %s", name, due.Format("15:04:05"), time.Now().UTC().Format("15:04:05")))
		if r.ids == nil {
			r.ids = map[uuid.UUID]int{}
		}
		r.ids[id]++
		r.mu.Unlock()
		return then(ctx)
	}}
}

func (r *runs) expect(t *testing.T, want ...string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Equal(r.all, want) {
		t.Errorf("ran\n%s\nwant\n%s", strings.Join(r.all, "\n"), strings.Join(want, "\n"))
	}
}

func nothing(context.Context) error { return nil }

// replica runs tasks in the background, and returns what stops it.
func replica(t *testing.T, leader schedule.Leader, tasks ...schedule.Task) (stop func()) {
	t.Helper()
	return slowReplica(t, leader, 0, tasks...)
}

// slowReplica is a replica that does what it does now and then no more often.
func slowReplica(t *testing.T, leader schedule.Leader, every time.Duration, tasks ...schedule.Task) (stop func()) {
	t.Helper()
	runner, err := schedule.New(leader, tasks, schedule.Config{
		SaveEvery: every, RetryMin: every, RetryMax: every, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func open(t *testing.T) *memory.Store {
	t.Helper()
	store, err := memory.Open(t.Context(), memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// The bubble's clock starts at midnight UTC and moves only when all wait.
func TestRunner(t *testing.T) {
	t.Parallel()
	const minute, second = time.Minute, time.Second

	t.Run("runs each task at its times", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var r runs
			stop := replica(t, open(t), r.note("a", "*/2 * * * *", nothing), r.note("b", "30 */3 * * * *", nothing))
			<-time.After(5 * minute)
			stop()
			r.expect(t, "b 00:00:30 at 00:00:30", "a 00:02:00 at 00:02:00", "b 00:03:30 at 00:03:30", "a 00:04:00 at 00:04:00")
		})
	})
	t.Run("runs a task once among all replicas", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var r runs
			store := open(t)
			first := replica(t, store, r.note("a", "* * * * *", nothing))
			second := replica(t, store, r.note("a", "* * * * *", nothing))
			<-time.After(minute + 30*time.Second)
			first() // whichever led, the other goes on
			<-time.After(minute)
			second()
			r.expect(t, "a 00:01:00 at 00:01:00", "a 00:02:00 at 00:02:00")
		})
	})
	t.Run("catches up on what fell due while nobody was up, as the task wants it", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			for policy, want := range map[cqrs.CatchUp][]string{
				cqrs.CatchUpLatest: {"a 00:01:00 at 00:01:00", "a 00:04:00 at 00:04:30", "a 00:05:00 at 00:05:00"},
				cqrs.CatchUpAll: {
					"a 00:01:00 at 00:01:00", "a 00:02:00 at 00:04:30", "a 00:03:00 at 00:04:30", "a 00:04:00 at 00:04:30",
					"a 00:05:00 at 00:05:00",
				},
				cqrs.CatchUpNone: {"a 00:01:00 at 00:01:00", "a 00:05:00 at 00:05:00"},
			} {
				midnight := time.Now().Truncate(24 * time.Hour).Add(24 * time.Hour)
				<-time.After(time.Until(midnight))
				var r runs
				store := open(t)
				task := r.note("a", "* * * * *", nothing)
				task.CatchUp = policy
				stop := replica(t, store, task)
				<-time.After(minute + 30*second)
				stop()
				<-time.After(3 * minute)
				stop = replica(t, store, task)
				<-time.After(minute)
				stop()
				r.expect(t, want...)
			}
		})
	})
	t.Run("never overlaps a task with itself, and makes up for what it missed meanwhile", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var r runs
			slow := r.note("slow", "* * * * *", func(context.Context) error {
				<-time.After(150 * second)
				return nil
			})
			stop := replica(t, open(t), slow, r.note("quick", "*/4 * * * *", nothing))
			<-time.After(5 * minute)
			stop()
			r.expect(t, "slow 00:01:00 at 00:01:00", "slow 00:03:00 at 00:03:30", "quick 00:04:00 at 00:04:00")
		})
	})
	t.Run("tries a run that failed or panicked again until the next is due, as the same run", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var r runs
			tries := 0
			stop := replica(t, open(t), r.note("a", "0 * * * *", func(context.Context) error {
				switch tries++; tries {
				case 1:
					return errors.New("no")
				case 2:
					panic("oh")
				}
				return nil
			}))
			<-time.After(90 * minute)
			stop()
			if tries != 3 || len(r.ids) != 1 {
				t.Errorf("%d tries of %d runs", tries, len(r.ids))
			}
		})
	})
	t.Run("a run that was interrupted is run again, as the same run", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var r runs
			store := open(t)
			hang := func(ctx context.Context) error {
				<-ctx.Done()
				return ctx.Err()
			}
			stop := replica(t, store, r.note("a", "* * * * *", hang))
			<-time.After(90 * second)
			stop()
			stop = replica(t, store, r.note("a", "* * * * *", nothing))
			<-time.After(second)
			stop()
			r.expect(t, "a 00:01:00 at 00:01:00", "a 00:01:00 at 00:01:30")
			if len(r.ids) != 1 {
				t.Errorf("they have %d ids", len(r.ids))
			}
		})
	})
	t.Run("a task that fails for long does not have the others repeated", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var r runs
			store := open(t)
			broken := r.note("broken", "@hourly", func(context.Context) error { return errors.New("no") })
			broken.CatchUp = cqrs.CatchUpAll
			endless := r.note("endless", "@reboot", func(ctx context.Context) error {
				<-ctx.Done()
				return ctx.Err()
			})
			stop := slowReplica(t, store, time.Hour, r.note("a", "0 0 2 * *", nothing), broken, endless)
			<-time.After(20 * 24 * time.Hour)
			stop()
			stop = replica(t, store, r.note("a", "0 0 2 * *", nothing))
			<-time.After(time.Minute)
			stop()
			ran := slices.DeleteFunc(r.all, func(run string) bool { return !strings.HasPrefix(run, "a ") })
			if len(ran) != 1 {
				t.Errorf("ran %q", ran)
			}
		})
	})
	t.Run("runs what is for a reboot when a process takes the lead, once in it", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var r runs
			store := open(t)
			first := replica(t, store, r.note("a", "@reboot", nothing))
			<-time.After(second)
			second := replica(t, store, r.note("b", "@reboot", nothing))
			<-time.After(minute)
			r.expect(t, "a 00:00:00 at 00:00:00")
			first()
			synctest.Wait()
			second()
			r.expect(t, "a 00:00:00 at 00:00:00", "b 00:01:01 at 00:01:01")
		})
	})
	t.Run("goes on after its lease was taken or its store broke", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var r runs
			stop := replica(t, &flaky{leader: open(t)}, r.note("a", "*/10 * * * * *", nothing))
			<-time.After(35 * second)
			stop()
			if len(r.ids) != 3 { // one may be repeated, by its ID
				t.Errorf("%d runs: %s", len(r.ids), strings.Join(r.all, "\n"))
			}
		})
	})
	t.Run("refuses two tasks of one name", func(t *testing.T) {
		t.Parallel()
		var r runs
		_, err := schedule.New(open(t), []schedule.Task{r.note("a", "@daily", nothing), r.note("a", "@reboot", nothing)}, schedule.Config{})
		if err == nil {
			t.Error("it took them")
		}
	})
}

// flaky gives no lease at first, and then leases that are soon taken away.
type flaky struct {
	leader schedule.Leader
	asked  int
}

func (f *flaky) Lead(ctx context.Context, name string) (broker.Lease, error) {
	if f.asked++; f.asked == 1 {
		return nil, errors.New("away")
	}
	lease, err := f.leader.Lead(ctx, name)
	return &taken{Lease: lease}, err
}

type taken struct {
	broker.Lease
	saved int
}

func (l *taken) Save(ctx context.Context, position int64) error {
	if l.saved++; l.saved == 5 {
		return broker.ErrDeposed
	}
	return l.Lease.Save(ctx, position)
}

// services registers tasks by a function.
type services func(r *cqrs.Commands)

func (s services) Routes(r *cqrs.Commands) { s(r) }

func TestOf(t *testing.T) {
	t.Parallel()
	idle := func(context.Context, time.Time) error { return nil }
	serve := func(t *testing.T, routes func(r *cqrs.Commands)) *cqrs.Dispatcher {
		t.Helper()
		router, err := cqrs.NewRouter(services(routes))
		if err != nil {
			t.Fatal(err)
		}
		return cqrs.NewDispatcher(router, open(t), nil, cqrs.Config{})
	}
	t.Run("finds the tasks among the handlers", func(t *testing.T) {
		t.Parallel()
		ran := 0
		tasks, err := schedule.Of(serve(t, func(r *cqrs.Commands) {
			cqrs.Command(r, func(context.Context, cqrs.None) (cqrs.None, error) { return cqrs.None{}, nil }, cqrs.Topic("A"))
			cqrs.Task(r, "b", "@daily", func(context.Context, time.Time) error {
				ran++
				return nil
			}, cqrs.CatchUpAll)
		}))
		if err != nil || len(tasks) != 1 || tasks[0].Name != "b" || tasks[0].CatchUp != cqrs.CatchUpAll {
			t.Fatalf("got %v, %v", tasks, err)
		}
		id := uuid.New()
		for range 2 {
			if err := tasks[0].Run(t.Context(), id, time.Now()); err != nil {
				t.Error(err)
			}
		}
		if ran != 2 { // the second time its receipt is there, and nothing is committed
			t.Errorf("ran %d times", ran)
		}
	})
	t.Run("names the place of a specification that is wrong", func(t *testing.T) {
		t.Parallel()
		_, err := schedule.Of(serve(t, func(r *cqrs.Commands) { cqrs.Task(r, "a", "every day", idle) }))
		if err == nil || !strings.Contains(err.Error(), `schedule_test.go:`) || !strings.Contains(err.Error(), `"every day"`) {
			t.Errorf("got %v", err)
		}
	})
}

func ExampleRunner() {
	ctx, stop := context.WithCancel(context.Background())
	store, _ := memory.Open(ctx, memory.Config{})
	atStart, _ := schedule.Parse(schedule.Reboot)
	runner, _ := schedule.New(store, []schedule.Task{{
		Name: "greet", Timing: atStart,
		Run: func(context.Context, uuid.UUID, time.Time) error {
			fmt.Println("good morning")
			stop()
			return nil
		},
	}}, schedule.Config{})
	fmt.Println(runner.Run(ctx))
	// Output:
	// good morning
	// <nil>
}
