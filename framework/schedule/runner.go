package schedule

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/cqrs"
)

// Task is what is done at its times.
type Task struct {
	// Name is the task's own among those of its service, and stable: what was
	// done of it is remembered by it.
	Name    string
	Timing  Timing
	CatchUp cqrs.CatchUp // empty is cqrs.CatchUpLatest
	// Run does it. Due is the time that the run was due at, and id identifies
	// the run. Ctx ends when the service stops or another replica leads.
	Run func(ctx context.Context, id uuid.UUID, due time.Time) error
}

// Leader gives the lease that the replicas of a service contend for; the stores
// do, see broker.Outbox.
type Leader interface {
	Lead(ctx context.Context, name string) (broker.Lease, error)
}

// Config adjusts a Runner. Its zero value is good.
type Config struct {
	// Name is that of the lease. Empty means "tasks".
	Name string
	// SaveEvery is how often it is noted how far the schedule was followed, and
	// noticed that another replica leads. Zero means once a second.
	SaveEvery time.Duration
	// RetryMin and RetryMax bound the pause before a run that failed is tried
	// again: it doubles from the one to the other. Zero means a second and a
	// minute.
	RetryMin, RetryMax time.Duration
	// Logger hears of faults. Nil means slog.Default.
	Logger *slog.Logger
}

// Runner runs tasks. Make one by New.
type Runner struct {
	leader Leader
	tasks  []Task
	config Config
	booted sync.Map // the names of tasks of @reboot that were run by this process
}

// New returns a runner of tasks. It returns an error when a task has no name,
// or the name of another.
func New(leader Leader, tasks []Task, config Config) (*Runner, error) {
	config.Name = cmp.Or(config.Name, "tasks")
	config.SaveEvery = cmp.Or(config.SaveEvery, time.Second)
	config.RetryMin = cmp.Or(config.RetryMin, time.Second)
	config.RetryMax = cmp.Or(config.RetryMax, time.Minute)
	config.Logger = cmp.Or(config.Logger, slog.Default())
	names := map[string]bool{}
	for _, task := range tasks {
		if task.Name == "" || names[task.Name] {
			return nil, fmt.Errorf("schedule: the name %q is empty or taken by another task", task.Name)
		}
		names[task.Name] = true
	}
	return &Runner{leader: leader, tasks: tasks, config: config}, nil
}

// Run runs the tasks whenever this process leads, until ctx ends; then it waits
// for the runs that go on, whose context has ended with it, and returns nil. It
// returns at once when there are no tasks. Faults are logged and tried again.
func (r *Runner) Run(ctx context.Context) error {
	if len(r.tasks) == 0 {
		return nil
	}
	for ctx.Err() == nil {
		err := r.lead(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
		level := slog.LevelError
		if errors.Is(err, broker.ErrDeposed) {
			level = slog.LevelWarn
		}
		r.config.Logger.Log(ctx, level, "the schedule is interrupted", "error", err)
		sleep(ctx, r.config.RetryMin)
	}
	return nil
}

// lead follows the schedule for as long as this process has the lease.
func (r *Runner) lead(ctx context.Context) (err error) {
	lease, err := r.leader.Lead(ctx, r.config.Name)
	if err != nil {
		return fmt.Errorf("lead %s: %w", r.config.Name, err)
	}
	var running sync.WaitGroup
	leading, stop := context.WithCancel(ctx)
	defer func() {
		stop()
		running.Wait()
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		err = errors.Join(err, lease.Release(ending))
	}()
	now := time.Now()
	from := now
	if position := lease.Position(); position > 0 {
		from = time.UnixMicro(position)
	}
	// What fell due up to the lowest of these times is done.
	done := &progress{times: map[string]time.Time{}}
	for _, task := range r.tasks {
		if task.Timing.reboot {
			running.Go(func() { r.boot(leading, task, now) })
			continue
		}
		done.set(task.Name, from)
		running.Go(func() { r.follow(leading, task, from, done) })
	}
	return r.note(leading, lease, from, done)
}

// note saves how far the schedule was followed, until ctx ends or another
// process leads.
func (r *Runner) note(ctx context.Context, lease broker.Lease, from time.Time, done *progress) error {
	saved := int64(0)
	for going := true; ; going = sleep(ctx, r.config.SaveEvery) {
		if at := max(done.lowest(time.Now()), from.UnixMicro()); at > saved {
			// The last one is saved although ctx has ended.
			saving, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
			err := lease.Save(saving, at)
			cancel()
			if err != nil {
				return fmt.Errorf("note how far the schedule was followed: %w", err)
			}
			saved = at
		}
		if !going {
			return nil
		}
	}
}

// patience bounds what is done with a lease after its context has ended, and
// how long a database that hangs can keep this process from noticing that
// another leads.
const patience = 5 * time.Second

// boot runs a task of @reboot, once in this process, until it succeeds.
func (r *Runner) boot(ctx context.Context, task Task, due time.Time) {
	if _, done := r.booted.Load(task.Name); !done && r.attempt(ctx, task, due, time.Time{}) {
		r.booted.Store(task.Name, true)
	}
}

// follow runs a task whenever it is due, one run after the other.
func (r *Runner) follow(ctx context.Context, task Task, from time.Time, done *progress) {
	for last := from; ; {
		due, after, err := task.due(last, time.Now())
		if err != nil {
			r.config.Logger.ErrorContext(ctx, "a task never falls due again", "task", task.Name, "error", err)
			done.set(task.Name, time.Time{})
			return
		}
		done.set(task.Name, due.Add(-time.Microsecond))
		if !sleep(ctx, time.Until(due)) {
			return
		}
		until := after
		if task.CatchUp == cqrs.CatchUpAll {
			until = time.Time{}
		}
		if !r.attempt(ctx, task, due, until) && ctx.Err() != nil {
			return
		}
		last = due
	}
}

// due returns when a task is to be run next, given that it was run for last,
// and when it is due after that.
func (t Task) due(last, now time.Time) (due, after time.Time, err error) {
	if last.Before(now) && t.CatchUp != cqrs.CatchUpAll {
		latest, err := t.Timing.latest(now)
		switch {
		case err != nil || !latest.After(last): // nothing was missed
		case t.CatchUp == cqrs.CatchUpNone:
			last = latest
		default:
			after, err = t.Timing.next(latest)
			return latest, after, err
		}
	}
	if due, err = t.Timing.next(last); err != nil {
		return due, after, err
	}
	after, err = t.Timing.next(due)
	return due, after, err
}

// attempt runs a task, and again with growing pauses when it fails, until it
// succeeds, ctx ends, or it is until (which may be zero). It reports success.
func (r *Runner) attempt(ctx context.Context, task Task, due, until time.Time) bool {
	for delay := r.config.RetryMin; ; delay = min(2*delay, r.config.RetryMax) {
		err := run(ctx, task, due)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		wait := delay/2 + rand.N(delay/2+1)
		again := until.IsZero() || time.Now().Add(wait).Before(until)
		r.config.Logger.ErrorContext(ctx, "a task failed", "task", task.Name, "due", due, "error", err,
			"again", again, "pause", wait)
		if !again || !sleep(ctx, wait) {
			return false
		}
	}
}

// run runs a task; a panic of it is an error.
func run(ctx context.Context, task Task, due time.Time) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("task %s panicked: %v\n%s", task.Name, p, debug.Stack())
		}
	}()
	return task.Run(ctx, runID(task.Name, due), due)
}

// sleep waits, and reports whether ctx let it.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// progress holds, of each task, the time up to which it is done. A zero time
// says that nothing is left to do. A task that fails holds all of them back, and
// what the others did meanwhile is known by their receipts alone after a restart,
// which are kept for 8 days: so it does for held at most, and of runs that are
// to be made up for those before are lost then.
type progress struct {
	mu    sync.Mutex
	times map[string]time.Time
}

func (p *progress) set(task string, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.times[task] = at
}

// lowest returns the time up to which all tasks are done, at most now, in
// microseconds since 1970.
func (p *progress) lowest(now time.Time) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	lowest, least := now, now.Add(-held)
	for _, at := range p.times {
		if !at.IsZero() && at.Before(lowest) {
			lowest = at
		}
	}
	if lowest.Before(least) {
		lowest = least
	}
	return lowest.UnixMicro()
}

const held = 7 * 24 * time.Hour
