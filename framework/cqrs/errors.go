package cqrs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/minos-framework/minos-go/framework/domain"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Error is a refusal that the caller is told of: a status and a sentence.
type Error struct {
	Status int
	Detail string
	Err    error // the cause, which is logged and not told, or nil
}

// Errorf returns an *Error. The text is for the caller's eyes; a %w in it is
// kept as the cause.
func Errorf(status int, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Status: status, Detail: err.Error(), Err: errors.Unwrap(err)}
}

// Error is what the caller is told.
func (e *Error) Error() string { return e.Detail }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// StatusCode is the status.
func (e *Error) StatusCode() int { return e.Status }

// Problem is how an error is told, over HTTP and over the broker (RFC 9457).
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	// Errors is each thing that is wrong with the content, by its path.
	Errors []FieldProblem `json:"errors,omitempty"`
}

// FieldProblem is one thing that is wrong with the content.
type FieldProblem struct {
	Path   string        `json:"path"`
	Reason domain.Reason `json:"reason"`
	Detail string        `json:"detail"`
}

// ProblemOf returns what the caller is told of an error: the status and text of
// one that is a StatusCoder, 409 for a conflict that was not settled by running
// again, 504 for a deadline, and for any other 500. The text of an error of ours
// (5xx) may hold what a caller must not know: only what its Detail method
// returns is told, where it has one.
func ProblemOf(err error) Problem {
	status, detail := http.StatusInternalServerError, ""
	var coder interface {
		error
		StatusCoder
	}
	var conflict *unit.ConflictError
	switch {
	case errors.As(err, &coder):
		status = coder.StatusCode()
		var detailed interface{ Detail() string }
		if status < http.StatusInternalServerError {
			detail = coder.Error()
		} else if errors.As(err, &detailed) {
			detail = detailed.Detail()
		}
	case errors.As(err, &conflict):
		status, detail = http.StatusConflict, conflict.Error()
	case errors.Is(err, context.DeadlineExceeded):
		status = http.StatusGatewayTimeout
	}
	title := http.StatusText(status)
	if title == "" {
		title = "Unknown"
	}
	problem := Problem{Type: "about:blank", Title: title, Status: status, Detail: detail}
	if faults, ok := errors.AsType[domain.FieldErrors](err); ok && status < http.StatusInternalServerError {
		for _, f := range faults {
			problem.Errors = append(problem.Errors, FieldProblem{f.Path, f.Reason, f.Err.Error()})
		}
	}
	return problem
}

// JSON is the problem's document.
func (p Problem) JSON() json.RawMessage {
	data, _ := json.Marshal(p) // strings and a number always encode
	return data
}
