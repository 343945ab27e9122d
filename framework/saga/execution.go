package saga

import (
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/unit"
)

// Status is the state of an execution.
type Status string

// These words are stored. Add at the end; never change one.
const (
	Running        Status = "RUNNING"         // a transition is being made; never stored. Minos: created, running
	Waiting        Status = "WAITING"         // for a reply. Minos: paused
	Compensating   Status = "COMPENSATING"    // it failed, and executed steps are being undone
	Finished       Status = "FINISHED"        // Minos: finished
	Errored        Status = "ERRORED"         // it failed, and everything was undone. Minos: errored
	NeedsAttention Status = "NEEDS_ATTENTION" // a step could not be undone, and nothing goes on by itself
)

// Ended reports whether nothing more will happen by itself.
func (s Status) Ended() bool { return s == Finished || s == Errored || s == NeedsAttention }

// StepStatus is the state of one step of an execution. The empty one is that
// of a step which was not reached.
type StepStatus string

// These words are stored. Add at the end; never change one. Steps that are
// Executed or Unanswered are undone when the saga fails; the others have had
// no effect.
const (
	Requested  StepStatus = "requested"  // the request is on its way
	Executed   StepStatus = "executed"   // it was done
	Refused    StepStatus = "refused"    // the reply was an error, handled or not
	Failed     StepStatus = "failed"     // its own function failed
	Unanswered StepStatus = "unanswered" // no reply came in time: it may have been done
	Undoing    StepStatus = "undoing"    // its OnFailure was begun
	Undone     StepStatus = "undone"
)

// Execution is what is known of a saga that was started.
type Execution struct {
	ID         uuid.UUID
	Definition string
	Version    int
	Status     Status
	Steps      []StepStatus    // in the order of the definition
	Context    json.RawMessage // as it is now
	Cause      *StepError      // of the failure, or nil
	Undo       *StepError      // why a step could not be undone, or nil
}

// state is what unit.Saga.Data holds.
type state struct {
	Version int               `json:"version"`
	Shape   string            `json:"shape"`
	Context json.RawMessage   `json:"context"`
	Headers map[string]string `json:"headers,omitempty"`
	Steps   []StepStatus      `json:"steps"`
	// Step is the step that is executed or undone.
	Step int `json:"step"`
	// Request is the message whose reply is waited for; it identifies the saga,
	// the step, whether it is done or undone, and the attempt.
	Request uuid.UUID `json:"request,omitzero"`
	Topic   string    `json:"topic,omitempty"` // of Request
	// Attempt numbers the requests of a step, Tries counts how often its
	// compensation has failed.
	Attempt int        `json:"attempt,omitempty"`
	Tries   int        `json:"tries,omitempty"`
	Cause   *StepError `json:"cause,omitempty"`
	Undo    *StepError `json:"undo,omitempty"`
}

// entry is one entry of the log. Its words are stored.
type entry struct {
	What    string    `json:"what"`
	Step    string    `json:"step,omitempty"`
	Attempt int       `json:"attempt,omitempty"`
	Request uuid.UUID `json:"request,omitzero"`
	Status  int       `json:"status,omitempty"`
	Text    string    `json:"text,omitempty"`
}

func parseState(row unit.Saga) (state, error) {
	var s state
	if err := json.Unmarshal(row.Data, &s); err != nil {
		return s, fmt.Errorf("read saga %s %s: %w", row.Definition, row.ID, err)
	}
	return s, nil
}

func (s state) execution(row unit.Saga) Execution {
	return Execution{
		ID: row.ID, Definition: row.Definition, Version: s.Version, Status: Status(row.Status),
		Steps: s.Steps, Context: s.Context, Cause: s.Cause, Undo: s.Undo,
	}
}

// failure is the error that an execution ended with, or nil.
func (e Execution) failure() error {
	if e.Status == Finished {
		return nil
	}
	f := &FailedError{Saga: e.Definition, ID: e.ID, Compensated: e.Status == Errored}
	if e.Cause != nil {
		f.Step, f.Cause = e.Cause.Step, e.Cause
	}
	if e.Undo != nil {
		f.Undo = fmt.Errorf("undoing step %q: %w", e.Undo.Step, e.Undo)
	}
	return f
}
