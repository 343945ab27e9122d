package saga

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"

	"github.com/minos-framework/minos-go/framework/broker"
)

// Names of the headers of a request. A reply carries HeaderSaga as its request
// had it, and the request's ID; the others are for participants and people.
const (
	HeaderSaga    = "saga"         // id of the execution
	HeaderStep    = "saga-step"    // number of the step from 0, with "/undo" for its compensation
	HeaderAttempt = "saga-attempt" // number of the attempt, from 1
)

// Request is what a remote step sends.
type Request struct {
	// Topic names the command, as "CreateFooBar".
	Topic string
	// Content is sent as JSON; nil is no content.
	Content any
	// Key orders requests of one topic. Empty means the execution's id.
	Key string
}

// Response is the reply to a remote step's request.
type Response struct {
	Topic   string // of the request
	Status  int    // as of HTTP
	Content json.RawMessage
	Headers map[string]string
}

// Err returns nil for a status of 2xx, and a *ReplyError for any other.
func (r Response) Err() error {
	if r.Status >= 200 && r.Status < 300 {
		return nil
	}
	return &ReplyError{Topic: r.Topic, Status: r.Status, Detail: detail(r)}
}

// Decode returns the content of r as a T. A reply without content is an error.
func Decode[T any](r Response) (T, error) {
	var t T
	if len(r.Content) == 0 {
		return t, fmt.Errorf("decode reply as %s: %w", reflect.TypeFor[T](), errNoContent)
	}
	if err := json.Unmarshal(r.Content, &t); err != nil {
		return t, fmt.Errorf("decode reply as %s: %w", reflect.TypeFor[T](), err)
	}
	return t, nil
}

var errNoContent = errors.New("it has no content")

// ReplyError is a refusal by another service.
type ReplyError = broker.ReplyError

// detail finds the words for people in the content of an error reply: a
// string, or the detail or title of a problem (RFC 9457).
func detail(r Response) string {
	var text string
	if json.Unmarshal(r.Content, &text) == nil && text != "" {
		return text
	}
	var problem struct{ Detail, Title string }
	_ = json.Unmarshal(r.Content, &problem) // what is no problem leaves it empty
	return cmp.Or(problem.Detail, problem.Title, http.StatusText(r.Status), "no reason given")
}
