package cli

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/minos-framework/minos-go/cmd/minos/internal/demo"
	"github.com/minos-framework/minos-go/cmd/minos/internal/terminal"
	"github.com/minos-framework/minos-go/deploy/local"
)

// stage is the screen of the demo: it keeps the services' lines for the story,
// and shows them only once that is over.
type stage struct {
	*screen
	log                   demo.Log
	begin, started, first time.Time
	over                  atomic.Bool
}

var _ local.Observer = (*stage)(nil)

// Event shows a step, and remembers when the processes were started.
func (s *stage) Event(event local.Event) {
	if event.Kind == local.Starting && s.started.IsZero() {
		s.started = time.Now()
	}
	s.screen.Event(event)
}

// Line keeps a line of a service.
func (s *stage) Line(service, text string) {
	s.log.Add(service, text)
	if s.over.Load() {
		s.screen.Line(service, text)
	}
}

// tell shows a step of the story.
func (s *stage) tell(step demo.Step) {
	if s.first.IsZero() {
		s.first = time.Now()
	}
	if s.json {
		s.object(struct {
			Kind string `json:"event"`
			demo.Step
		}{"step", step})
		return
	}
	s.say(s.shown(step))
}

// shown is a step as a person reads it.
func (s *stage) shown(step demo.Step) string {
	paint := s.terminal.Out.Paint
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
		text = append(text, paint(terminal.Green, "held")+paint(terminal.Dim, " after "+step.Took.Round(time.Millisecond).String()))
	} else {
		text = append(text, paint(terminal.Red, "does not hold:")+" expected "+step.Expected, "got "+step.Actual)
	}
	return strings.Join(text, "\n   ")
}

// explain is the story's error, with what the services logged last.
func (s *stage) explain(err error) error {
	if _, broken := errors.AsType[*demo.BrokenError](err); !broken {
		return err
	}
	return failf(Failed, "%w; the services' last lines:\n  %s", err, strings.Join(s.log.Tail(20), "\n  "))
}

// summary says that all held, how long it took, and what to do now.
func (s *stage) summary(system *local.System, project local.Project, ends bool) {
	if s.json {
		s.object(map[string]any{
			"event":                    "story",
			"held":                     true,
			"dir":                      project.Dir,
			"first_request_ms":         s.first.Sub(s.begin).Milliseconds(),
			"first_request_started_ms": s.first.Sub(s.started).Milliseconds(),
		})
		return
	}
	s.say(fmt.Sprintf("\n%s The first request was handled %s after the processes were started, %s after the command.",
		s.terminal.Out.Paint(terminal.Green, "Every step held."),
		s.first.Sub(s.started).Round(time.Millisecond), s.first.Sub(s.begin).Round(10*time.Millisecond)))
	if ends {
		return
	}
	for _, service := range project.Services {
		s.say(fmt.Sprintf("  %-*s %s", s.width, service.Name, system.URL(service.Name)))
	}
	s.say("Ctrl-C stops them. Again: cd " + shellWord(project.Dir) + " && minos dev")
	s.over.Store(true)
}
