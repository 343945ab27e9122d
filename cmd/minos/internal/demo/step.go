package demo

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Step is a step of the story that was played.
type Step struct {
	Number   int       `json:"step"`
	Title    string    `json:"title"`
	Request  *Request  `json:"request,omitempty"`
	Response *Response `json:"response,omitempty"`
	// Events are what the services' handlers have seen.
	Events []Event `json:"events,omitempty"`
	Held   bool    `json:"held"`
	// Expected and Actual say what did not hold.
	Expected string        `json:"expected,omitempty"`
	Actual   string        `json:"actual,omitempty"`
	Took     time.Duration `json:"-"`
}

// Request is what a step asked.
type Request struct {
	Method string          `json:"method"`
	URL    string          `json:"url"`
	Body   json.RawMessage `json:"body,omitempty"`
}

// Curl returns the request as the command line that makes it.
func (r Request) Curl() string {
	words := []string{"curl"}
	if r.Method != http.MethodGet {
		words = append(words, "-X", r.Method)
	}
	words = append(words, r.URL)
	if len(r.Body) > 0 {
		words = append(words, "-H", "'Content-Type: application/json'", "-d", "'"+string(r.Body)+"'")
	}
	return strings.Join(words, " ")
}

// Response is what was answered.
type Response struct {
	Status      int             `json:"status"`
	ContentType string          `json:"content_type"`
	Body        json.RawMessage `json:"body,omitempty"`
}

// StatusLine returns the status in number and word.
func (r Response) StatusLine() string {
	return fmt.Sprintf("%d %s", r.Status, http.StatusText(r.Status))
}

// Event is an event that a service has handled, as its log tells it.
type Event struct {
	Service string `json:"service"`
	Topic   string `json:"topic"`
	Text    string `json:"text"`
}

// BrokenError says which step of the story did not hold.
type BrokenError struct{ Step Step }

// Error shows what was expected and what came.
func (e *BrokenError) Error() string {
	return fmt.Sprintf("step %d, %s, does not hold: expected %s; got %s",
		e.Step.Number, e.Step.Title, e.Step.Expected, e.Step.Actual)
}
