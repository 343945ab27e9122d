package demo

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/minos-framework/minos-go/cmd/minos/internal/screen"
	"github.com/minos-framework/minos-go/cmd/minos/internal/terminal"
	"github.com/minos-framework/minos-go/deploy/local"
)

// Stage shows a story and the system that it is played on. It keeps the
// services' lines for the story, and shows them only once that is over.
type Stage struct {
	// Log is what the services have logged.
	Log    Log
	screen *screen.Screen

	begin, started, first time.Time
	over                  atomic.Bool
}

var _ local.Observer = (*Stage)(nil)

// NewStage returns a stage of the demo that began at a time.
func NewStage(s *screen.Screen, begin time.Time) *Stage { return &Stage{screen: s, begin: begin} }

// Event shows a step of the system.
func (s *Stage) Event(event local.Event) {
	if event.Kind == local.Starting && s.started.IsZero() {
		s.started = time.Now()
	}
	s.screen.Event(event)
}

// Line keeps a line of a service.
func (s *Stage) Line(service, text string) {
	s.Log.Add(service, text)
	if s.over.Load() {
		s.screen.Line(service, text)
	}
}

// Tell shows a step of the story; it is for Story.Tell.
func (s *Stage) Tell(step Step) {
	if s.first.IsZero() {
		s.first = time.Now()
	}
	s.screen.Say(s.shown(step))
	s.screen.Object(struct {
		Kind string `json:"event"`
		Step
		TookMS int64 `json:"took_ms"`
	}{"step", step, step.Took.Milliseconds()})
}

// shown is a step as a person reads it.
func (s *Stage) shown(step Step) string {
	paint := s.screen.Paint
	text := []string{"\n" + paint(terminal.Bold, fmt.Sprintf("%d. %s", step.Number, step.Title))}
	if step.Request != nil {
		text = append(text, "$ "+step.Request.Curl())
	}
	if step.Response != nil {
		text = append(text, step.Response.StatusLine()+"  "+string(step.Response.Body))
	}
	for _, event := range step.Events {
		text = append(text, paint(terminal.Cyan, event.Service+":")+" "+event.Text)
	}
	if step.Held {
		took := step.Took.Round(time.Millisecond).String()
		text = append(text, paint(terminal.Green, "held")+paint(terminal.Dim, " after "+took))
	} else {
		text = append(text, paint(terminal.Red, "does not hold:")+" expected "+step.Expected, "got "+step.Actual)
	}
	return strings.Join(text, "\n   ")
}

// Explain adds the services' last lines to the error of a story that does not
// hold.
func (s *Stage) Explain(err error) error {
	if _, broken := errors.AsType[*BrokenError](err); !broken {
		return err
	}
	return fmt.Errorf("%w; the services' last lines:\n  %s", err, strings.Join(s.Log.Tail(20), "\n  "))
}

// Finish says that the story held and how long its first request took.
func (s *Stage) Finish() {
	sinceStart, sinceCommand := s.first.Sub(s.started), s.first.Sub(s.begin)
	s.screen.Say(fmt.Sprintf(
		"\n%s The first request was handled %s after the processes were started, %s after the command.",
		s.screen.Paint(terminal.Green, "Every step held."),
		sinceStart.Round(time.Millisecond), sinceCommand.Round(10*time.Millisecond)))
	s.screen.Object(struct {
		Kind           string `json:"event"`
		FirstMS        int64  `json:"first_request_ms"`
		FirstStartedMS int64  `json:"first_request_started_ms"`
	}{"story", sinceCommand.Milliseconds(), sinceStart.Milliseconds()})
}

// Open shows from now on what the services log, and says what to do with them.
func (s *Stage) Open(words string) {
	s.screen.Say(words)
	s.over.Store(true)
}
