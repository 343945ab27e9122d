package cqrs

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/unit"
)

// CatchUp says what becomes of runs of a task that fell due while nobody could
// do them: no replica was up, or the run before lasted longer.
type CatchUp string

// The policies.
const (
	CatchUpLatest CatchUp = "latest" // only the latest of them is made up for
	CatchUpAll    CatchUp = "all"    // each of them is, one after the other
	CatchUpNone   CatchUp = "none"   // none of them is
)

// Schedule is when a task is due.
type Schedule struct {
	// Name is the task's own among those of the service, and stable.
	Name string
	// Spec is a crontab specification, in UTC, or @reboot; see package schedule.
	Spec    string
	CatchUp CatchUp
}

// TaskFunc does a task that was due at a time.
type TaskFunc func(ctx context.Context, due time.Time) error

// Task registers fn to be run at its times, once among all replicas of the
// service, and never while it runs already: "*/5 * * * *", "@hourly", or
// "@reboot". What fn stages is committed when it returns nil, once for each due
// time however often fn had to be tried. Of runs that were missed the latest is
// made up for, unless a CatchUp says otherwise.
func Task(r *Commands, name, spec string, fn TaskFunc, policy ...CatchUp) {
	h := newHandler(KindTask, func(ctx context.Context, in due) (None, error) {
		return None{}, fn(ctx, in.Due)
	}, nil)
	h.Out = nil
	h.Schedule = &Schedule{Name: name, Spec: spec, CatchUp: CatchUpLatest}
	for _, p := range policy {
		h.Schedule.CatchUp = p
		if p != CatchUpLatest && p != CatchUpAll && p != CatchUpNone {
			h.faults = append(h.faults, fmt.Errorf("task %q: there is no policy %q", name, p))
		}
	}
	if strings.TrimSpace(name) == "" {
		h.faults = append(h.faults, fmt.Errorf("the task has no name"))
	}
	r.add(h)
}

// due is what a task's handler is called with.
type due struct {
	Due time.Time `json:"due"`
}

// Run runs a task that was due at a time, in a unit of work. The id is that of
// the run: what it decides is committed once, however often it is run.
func (d *Dispatcher) Run(ctx context.Context, h *Handler, id uuid.UUID, at time.Time) error {
	content := fmt.Appendf(nil, `{"due":%q}`, at.UTC().Format(time.RFC3339Nano))
	_, err := d.attempt(ctx, nil, func(ctx context.Context, w *unit.Work) (Response, error) {
		w.Settle(unit.Receipt{Topic: taskReceipts, Message: id})
		return d.run(ctx, h, Request{Content: content})
	})
	if err = settled(err); err != nil {
		return fmt.Errorf("task %q at %s: %w", h.Schedule.Name, h.Place, err)
	}
	return nil
}

// taskReceipts stands for a topic in the receipts of tasks; no topic has a name
// with a space.
const taskReceipts = "scheduled tasks"
