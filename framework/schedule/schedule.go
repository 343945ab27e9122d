// Package schedule runs a service's periodic tasks: once among all of its
// replicas, one run of a task at a time, and none lost.
//
// The replica that holds a lease runs the tasks; another takes over when it is
// gone. How far the schedule was followed is kept with the lease, so what fell
// due while no replica was up is caught up on, as each task's CatchUp says. A
// run that ends in an error is tried again, with a growing pause, until it
// succeeds or the next one is due.
//
// The lease alone cannot rule out that a run which outlives it meets its
// repetition elsewhere. Each run is therefore known by its ID, the same for the
// same task and due time: commit it as a receipt with what the run decided, and
// it takes effect once, as cqrs.Dispatcher does.
package schedule

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/adhocore/gronx"
	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/cqrs"
)

// Reboot is the specification of a task that runs when a process takes the
// lead, once in that process: when a service is started, or when a replica
// takes over from one that is gone.
const Reboot = "@reboot"

// Timing is when a task is due. Make one by Parse.
type Timing struct {
	spec   string
	reboot bool
}

// Parse reads a crontab specification, in UTC: five fields (minute, hour, day
// of month, month, day of week), six with seconds first, a name as @hourly,
// or @reboot.
func Parse(spec string) (Timing, error) {
	t := Timing{spec: strings.TrimSpace(spec)}
	if t.spec == Reboot {
		t.reboot = true
		return t, nil
	}
	if !gronx.IsValid(t.spec) {
		return Timing{}, fmt.Errorf("%q is not a crontab specification, as \"*/5 * * * *\", @hourly or @reboot", spec)
	}
	if _, err := t.next(time.Now()); err != nil {
		return Timing{}, fmt.Errorf("%q never falls due: %w", spec, err)
	}
	return t, nil
}

// next returns the first due time after a time.
func (t Timing) next(after time.Time) (time.Time, error) {
	return gronx.NextTickAfter(t.spec, after.UTC(), false)
}

// latest returns the last due time before a time.
func (t Timing) latest(before time.Time) (time.Time, error) {
	return gronx.PrevTickBefore(t.spec, before.UTC(), false)
}

// Of returns the tasks that a dispatcher's handlers are, or all that is wrong
// with their specifications, each with the place of its registration.
func Of(dispatcher *cqrs.Dispatcher) ([]Task, error) {
	var tasks []Task
	var faults []error
	for _, h := range dispatcher.Router().Handlers() {
		if h.Schedule == nil {
			continue
		}
		timing, err := Parse(h.Schedule.Spec)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: task %q: %w", h.Place, h.Schedule.Name, err))
		}
		tasks = append(tasks, Task{
			Name: h.Schedule.Name, Timing: timing, CatchUp: h.Schedule.CatchUp,
			Run: func(ctx context.Context, id uuid.UUID, due time.Time) error { return dispatcher.Run(ctx, h, id, due) },
		})
	}
	return tasks, errors.Join(faults...)
}

// runID identifies the run of a task that is due at a time.
func runID(task string, due time.Time) uuid.UUID {
	space := uuid.NewSHA1(uuid.Nil, []byte("minos schedule "+task))
	return uuid.NewSHA1(space, strconv.AppendInt(nil, due.UnixMicro(), 10))
}
