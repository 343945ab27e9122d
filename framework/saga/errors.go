package saga

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/google/uuid"
)

// ErrInsideUnit is returned by Run where waiting would never end: what the
// caller has staged, or the message that it settles, is committed only after
// it returned.
var ErrInsideUnit = errors.New("saga.Run waits for the end of the saga, so it cannot be called by a handler of " +
	"messages, by a saga's callback, or after something was staged; saga.Start commits the saga with the caller's work")

// ErrNotRegistered is matched by errors about executions whose definition the
// manager does not have, or has with other steps.
var ErrNotRegistered = errors.New("saga is not registered")

// FailedError says that a saga came to an end, and did not succeed.
type FailedError struct {
	Saga string // name of the definition
	ID   uuid.UUID
	Step string // that failed
	// Cause is why it failed, as it was recorded: its text and status, and no
	// longer the error value that the callback returned.
	Cause error
	// Compensated says that all executed steps were undone. Without it, the
	// execution has stopped half undone: Undo says where and why.
	Compensated bool
	Undo        error
}

// Error tells the caller what failed, and what became of the rest.
func (e *FailedError) Error() string {
	if e.Compensated {
		return fmt.Sprintf("saga %s was undone: step %q: %v", e.Saga, e.Step, e.Cause)
	}
	return fmt.Sprintf("saga %s needs attention: step %q: %v; %v", e.Saga, e.Step, e.Cause, e.Undo)
}

// Unwrap returns the cause.
func (e *FailedError) Unwrap() error { return e.Cause }

// StatusCode is the cause's own where that blames the caller (4xx) and all was
// undone; 504 when a step got no reply in time; 500 otherwise.
func (e *FailedError) StatusCode() int {
	status := statusOf(e.Cause)
	if e.Compensated && status >= 400 && status < 500 || status == http.StatusGatewayTimeout {
		return status
	}
	return http.StatusInternalServerError
}

// Detail is what a caller may know whatever the status: which execution to ask
// after, and how it stands, without the cause.
func (e *FailedError) Detail() string {
	if e.Compensated {
		return fmt.Sprintf("saga %s %s was undone", e.Saga, e.ID)
	}
	return fmt.Sprintf("saga %s %s was neither finished nor undone, and needs attention", e.Saga, e.ID)
}

// PendingError says that the caller's context ended before the saga did. The
// saga goes on; Manager.Get tells how.
type PendingError struct {
	Saga string
	ID   uuid.UUID
	Err  error // of the context
}

// Error names the execution to look at.
func (e *PendingError) Error() string {
	return fmt.Sprintf("saga %s goes on as %s: waiting for its end: %v", e.Saga, e.ID, e.Err)
}

// Unwrap returns the context's error.
func (e *PendingError) Unwrap() error { return e.Err }

// StatusCode is 202: the saga was accepted and is not over.
func (e *PendingError) StatusCode() int { return http.StatusAccepted }

// StepError is why a step failed, as it is recorded.
type StepError struct {
	Step   string `json:"step"`
	Text   string `json:"text"`
	Status int    `json:"status"` // as of HTTP
}

// Error is the text of the error that a callback returned.
func (e *StepError) Error() string { return e.Text }

// StatusCode is that of the error which a callback returned, or 500.
func (e *StepError) StatusCode() int { return e.Status }

func causeOf(s *step, err error) *StepError {
	return &StepError{Step: s.name, Text: err.Error(), Status: statusOf(err)}
}

func statusOf(err error) int {
	var coder interface{ StatusCode() int }
	if errors.As(err, &coder) {
		return coder.StatusCode()
	}
	return http.StatusInternalServerError
}

// timeoutError is the cause of a step that got no reply in time.
type timeoutError struct{ text string }

func (e *timeoutError) Error() string   { return e.text }
func (e *timeoutError) StatusCode() int { return http.StatusGatewayTimeout }
