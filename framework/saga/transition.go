package saga

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/unit"
)

// execution is one transition of an execution while it is made: what it stages
// in work is the whole effect of the transition, so that it can be dropped and
// made again from the row.
type execution struct {
	id       uuid.UUID
	plan     *plan
	config   *Config
	revision int // of the row that it was read from; 0 for a new one
	status   Status
	state    state
	timeout  time.Duration // of the row that is to be written
	log      []json.RawMessage
	work     *unit.Work
}

func newExecution(p *plan, config *Config, id uuid.UUID, data json.RawMessage, headers map[string]string) *execution {
	return &execution{
		id: id, plan: p, config: config, status: Running, state: state{
			Version: p.version, Shape: p.digest, Context: data, Headers: headers,
			Steps: make([]StepStatus, len(p.steps)),
		},
	}
}

// save stages the row.
func (x *execution) save() error {
	data, err := json.Marshal(x.state)
	if err != nil {
		return fmt.Errorf("encode saga %s %s: %w", x.plan.name, x.id, err)
	}
	x.work.SaveSaga(unit.Saga{
		ID: x.id, Definition: x.plan.name, Revision: x.revision + 1, Status: string(x.status),
		Timeout: x.timeout, Data: data, Log: x.log,
	})
	return nil
}

func (x *execution) view() Execution {
	return x.state.execution(unit.Saga{ID: x.id, Definition: x.plan.name, Status: string(x.status)})
}

// current is the step that is executed or undone.
func (x *execution) current() *step { return x.plan.steps[x.state.Step] }

func (x *execution) mark(s StepStatus) { x.state.Steps[x.state.Step] = s }

func (x *execution) note(e entry) {
	line, _ := json.Marshal(e) // strings and numbers always encode
	x.log = append(x.log, line)
}

// forward executes steps, from the current one to one that waits, or to the
// end. Like all that calls callbacks, it returns an error only when ctx ended:
// nothing is decided then, and nothing may be committed.
func (x *execution) forward(ctx context.Context) error {
	x.status = Running
	for ; x.state.Step < len(x.plan.steps); x.state.Step++ {
		s := x.current()
		r, err := x.ask(ctx, s, s.execute)
		if err != nil {
			x.mark(Failed)
			return x.fail(ctx, err)
		}
		if s.remote {
			x.state.Attempt = 1
			x.mark(Requested)
			x.status = Waiting
			x.send(r, strconv.Itoa(x.state.Step), x.wait(s))
			return nil
		}
		x.mark(Executed)
		x.note(entry{What: "executed", Step: s.name})
	}
	x.end(Finished)
	return nil
}

// replied goes on with the reply to the current step's request.
func (x *execution) replied(ctx context.Context, r Response) error {
	s := x.current()
	x.state.Request = uuid.Nil
	x.note(entry{What: "replied", Step: s.name, Status: r.Status})
	refusal := r.Err()
	listen := s.onSuccess
	x.mark(Executed)
	if refusal != nil {
		listen = s.onError
		x.mark(Refused)
	}
	err := refusal
	if listen != nil {
		_, err = x.call(ctx, func(ctx context.Context, c any) (Request, error) {
			return Request{}, listen(ctx, c, r)
		}, refusal == nil)
	}
	if err != nil {
		return x.fail(ctx, err)
	}
	x.state.Step++
	return x.forward(ctx)
}

// unanswered turns around when there is no reply to the current step's request.
func (x *execution) unanswered(ctx context.Context) error {
	x.giveUp()
	return x.backward(ctx)
}

// giveUp records that there is no reply to the current step's request.
func (x *execution) giveUp() {
	x.state.Request = uuid.Nil
	x.mark(Unanswered)
	x.blame(&timeoutError{fmt.Sprintf("no reply from %s within %s", x.state.Topic, x.wait(x.current()))})
}

// fail records why the current step failed, and turns around.
func (x *execution) fail(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	x.blame(err)
	return x.backward(ctx)
}

// blame records why the current step failed.
func (x *execution) blame(err error) {
	x.state.Cause = causeOf(x.current(), err)
	x.note(entry{What: "failed", Step: x.current().name, Status: x.state.Cause.Status, Text: x.state.Cause.Text})
}

// backward undoes steps, from the current one to one that waits, or to the
// first.
func (x *execution) backward(ctx context.Context) error {
	x.status = Compensating
	for ; x.state.Step >= 0; x.state.Step-- {
		s := x.current()
		if !x.undoable() {
			continue
		}
		if x.state.Steps[x.state.Step] != Undoing {
			x.state.Attempt, x.state.Tries = 1, 0
			x.mark(Undoing)
		}
		r, err := x.ask(ctx, s, s.onFailure)
		if err != nil && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			x.tryAgain(err)
			return nil
		}
		if s.remote && r.Topic != "" {
			x.send(r, strconv.Itoa(x.state.Step)+"/undo", x.patience(s))
			return nil
		}
		x.undone()
	}
	x.state.Step = 0
	x.end(Errored)
	return nil
}

// undoable reports whether the current step may have had an effect and has a
// way to undo it.
func (x *execution) undoable() bool {
	switch x.state.Steps[x.state.Step] {
	case Executed, Unanswered, Undoing:
		return x.current().onFailure != nil
	}
	return false
}

func (x *execution) undone() {
	x.mark(Undone)
	x.state.Request, x.state.Undo = uuid.Nil, nil
	x.note(entry{What: "undone", Step: x.current().name})
}

// undoReplied goes on with the reply to a compensation. Refusals that may pass
// are asked again, as a new request, since the other service has settled the
// one that it refused; any other is final.
func (x *execution) undoReplied(ctx context.Context, r Response) error {
	x.note(entry{What: "replied", Step: x.current().name, Status: r.Status})
	err := r.Err()
	switch {
	case err == nil:
		x.undone()
		return x.backward(ctx)
	case passing(r.Status):
		x.state.Request = uuid.Nil
		x.state.Attempt++
		x.tryAgain(err)
	default:
		x.state.Request = uuid.Nil
		x.stop(err)
	}
	return nil
}

// undoUnanswered sends a compensation again when its reply is late. It is the
// same message, so a service that handled it handles it no second time.
func (x *execution) undoUnanswered(ctx context.Context) error {
	x.state.Tries++
	if x.state.Tries >= x.config.Attempts {
		x.stop(&timeoutError{fmt.Sprintf("no reply from %s to %d requests", x.state.Topic, x.state.Tries)})
		return nil
	}
	return x.backward(ctx)
}

// tryAgain lets the timer try the current compensation again, later.
func (x *execution) tryAgain(err error) {
	x.state.Tries++
	if x.state.Tries >= x.config.Attempts {
		x.stop(err)
		return
	}
	x.status = Compensating
	x.timeout = later(x.config.Backoff, x.state.Tries-1)
	x.note(entry{What: "undoing failed", Step: x.current().name, Status: statusOf(err), Text: err.Error()})
}

// stop gives up. A request without a reply stays known, so that a late one
// still lets the compensation go on.
func (x *execution) stop(err error) {
	x.state.Undo = causeOf(x.current(), err)
	x.note(entry{What: "undoing stopped", Step: x.current().name, Status: x.state.Undo.Status, Text: x.state.Undo.Text})
	x.end(NeedsAttention)
}

func (x *execution) end(s Status) {
	x.status, x.timeout = s, 0
	x.note(entry{What: string(s)})
}

// patience is how long the reply to a compensation is waited for.
func (x *execution) patience(s *step) time.Duration {
	wait := x.wait(s)
	return max(wait, later(wait, x.state.Tries))
}

// wait is how long the reply to a step is waited for.
func (x *execution) wait(s *step) time.Duration { return cmp.Or(s.timeout, x.config.Timeout) }

// send stages a request, and waits for its reply.
func (x *execution) send(r Request, step string, wait time.Duration) {
	if x.state.Request == uuid.Nil {
		x.state.Request = unit.NewID()
	}
	x.state.Topic = r.Topic
	x.work.Publish(unit.Message{
		ID: x.state.Request, Topic: r.Topic, Key: cmp.Or(r.Key, x.id.String()), ReplyTo: x.config.ReplyTopic,
		Content: r.Content.(json.RawMessage),
		Headers: map[string]string{
			HeaderSaga: x.id.String(), HeaderStep: step, HeaderAttempt: strconv.Itoa(x.state.Attempt),
		},
	})
	x.timeout = wait
	x.note(entry{What: "requested", Step: x.current().name, Attempt: x.state.Attempt, Request: x.state.Request})
}

// passing reports whether a refusal may not be one for ever.
func passing(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status >= 500 && status != http.StatusNotImplemented
}

// later doubles a pause n times, up to a minute.
func later(pause time.Duration, n int) time.Duration {
	for ; n > 0 && pause < time.Minute; n-- {
		pause *= 2
	}
	return min(pause, time.Minute)
}
