// Package screen shows what runs on this machine while it runs: to a person, or
// to a program.
package screen

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/minos-framework/minos-go/cmd/minos/internal/servicelog"
	"github.com/minos-framework/minos-go/cmd/minos/internal/terminal"
	"github.com/minos-framework/minos-go/deploy/local"
)

// Screen shows a project that runs on this machine: the services' lines on Out, each
// behind its service's name, and what happens to them on Err. With JSON, both
// are objects on Out, one to a line. It may be used by any number of goroutines.
type Screen struct {
	mu       sync.Mutex // of what is written to terminal
	terminal *terminal.Terminal
	json     bool
	width    int // of the longest name
	styles   map[string]terminal.Style
}

var _ local.Observer = (*Screen)(nil)

// New returns the screen of a project; asJSON says for whom.
func New(t *terminal.Terminal, project local.Project, asJSON bool) *Screen {
	s := &Screen{terminal: t, json: asJSON, styles: map[string]terminal.Style{}}
	colours := []terminal.Style{terminal.Cyan, terminal.Green, terminal.Purple, terminal.Blue, terminal.Yellow}
	for i, service := range project.Services {
		s.width = max(s.width, len(service.Name))
		s.styles[service.Name] = colours[i%len(colours)]
	}
	return s
}

// Event shows a step.
func (s *Screen) Event(event local.Event) {
	s.Object(event)
	if s.json {
		return
	}
	text, out := event.Text, s.terminal.Err
	switch event.Kind {
	case local.Moved, local.Fault:
		text = out.Paint(terminal.Yellow, text)
	case local.Exited, local.Killed:
		text = out.Paint(terminal.Red, text)
	case local.Compiling, local.Broker, local.Starting:
		text = out.Paint(terminal.Dim, text)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintln(out, text)
}

// Paint returns text in a style, where Out welcomes colour.
func (s *Screen) Paint(style terminal.Style, text string) string {
	return s.terminal.Out.Paint(style, text)
}

// Say tells a person something on Out; with JSON, nobody.
func (s *Screen) Say(text string) {
	if s.json {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintln(s.terminal.Out, text)
}

// Line shows a line of a service.
func (s *Screen) Line(service, text string) {
	if s.json {
		s.Object(lineEvent(service, text))
		return
	}
	name := s.Paint(s.styles[service], fmt.Sprintf("%-*s |", s.width, service))
	s.Say(name + " " + s.legible(text))
}

// legible shows a record to a person, and leaves all else as it is.
func (s *Screen) legible(text string) string {
	record, ok := servicelog.Parse(text)
	if !ok {
		return text
	}
	level := record.Level
	switch level {
	case "ERROR":
		level = s.Paint(terminal.Red, level)
	case "WARN":
		level = s.Paint(terminal.Yellow, level)
	}
	return strings.TrimSpace(strings.Join([]string{
		s.Paint(terminal.Dim, record.Clock()), level, record.Text("service"),
	}, " "))
}

// Object tells a program something on Out, as an object of JSON; without JSON,
// nobody. That it cannot be written ends the process by SIGPIPE, or is seen by
// who reads it.
func (s *Screen) Object(value any) {
	if !s.json {
		return
	}
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
