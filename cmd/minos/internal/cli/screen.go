package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/minos-framework/minos-go/cmd/minos/internal/servicelog"
	"github.com/minos-framework/minos-go/cmd/minos/internal/terminal"
	"github.com/minos-framework/minos-go/deploy/local"
)

// screen shows what runs on this machine: the services' lines on Out, each
// behind its service's name, and what happens to them on Err. With JSON, both
// are objects on Out, one to a line. It may be used by any number of goroutines.
type screen struct {
	mu       sync.Mutex // of what is written to terminal
	terminal *terminal.Terminal
	json     bool
	width    int // of the longest name
	styles   map[string]terminal.Style
}

var _ local.Observer = (*screen)(nil)

func newScreen(t *terminal.Terminal, project local.Project, asJSON bool) *screen {
	s := &screen{terminal: t, json: asJSON, styles: map[string]terminal.Style{}}
	colours := []terminal.Style{terminal.Cyan, terminal.Green, terminal.Purple, terminal.Blue, terminal.Yellow}
	for i, service := range project.Services {
		s.width = max(s.width, len(service.Name))
		s.styles[service.Name] = colours[i%len(colours)]
	}
	return s
}

// Event shows a step.
func (s *screen) Event(event local.Event) {
	if s.json {
		s.object(event)
		return
	}
	text, out := event.Text, s.terminal.Err
	switch event.Kind {
	case local.Moved:
		text = out.Paint(terminal.Yellow, text)
	case local.Exited:
		text = out.Paint(terminal.Red, text)
	case local.Compiling, local.Broker, local.Starting:
		text = out.Paint(terminal.Dim, text)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintln(out, text)
}

// say tells a person something; with JSON, nobody.
func (s *screen) say(text string) {
	if s.json {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintln(s.terminal.Out, text)
}

// Line shows a line of a service.
func (s *screen) Line(service, text string) {
	if s.json {
		s.object(lineEvent(service, text))
		return
	}
	out := s.terminal.Out
	name := out.Paint(s.styles[service], fmt.Sprintf("%-*s |", s.width, service))
	s.say(name + " " + s.legible(text))
}

// legible shows a record to a person, and leaves all else as it is.
func (s *screen) legible(text string) string {
	record, ok := servicelog.Parse(text)
	if !ok {
		return text
	}
	out := s.terminal.Out
	level := record.Level
	switch level {
	case "ERROR":
		level = out.Paint(terminal.Red, level)
	case "WARN":
		level = out.Paint(terminal.Yellow, level)
	}
	return strings.TrimSpace(strings.Join([]string{
		out.Paint(terminal.Dim, record.Clock()), level, record.Text("service")}, " "))
}

// object prints a line of JSON. That it cannot be written ends the process by
// SIGPIPE, or is seen by who reads it.
func (s *screen) object(value any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = json.NewEncoder(s.terminal.Out).Encode(value)
}

// lineEvent is a service's line as an event: a record as the object that it is.
func lineEvent(service, text string) any {
	var line any = text
	if _, ok := servicelog.Parse(text); ok {
		line = json.RawMessage(text)
	}
	return struct {
		Kind    string `json:"event"`
		Service string `json:"service"`
		Line    any    `json:"line"`
	}{"line", service, line}
}
