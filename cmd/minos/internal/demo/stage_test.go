package demo_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/minos-framework/minos-go/cmd/minos/internal/demo"
	"github.com/minos-framework/minos-go/cmd/minos/internal/screen"
	"github.com/minos-framework/minos-go/cmd/minos/internal/terminal"
	"github.com/minos-framework/minos-go/deploy/local"
)

func step(held bool) demo.Step {
	step := demo.Step{
		Number: 3, Title: "make it", Held: held, Took: 7 * time.Millisecond,
		Request:  &demo.Request{Method: http.MethodPost, URL: "http://h/foos", Body: json.RawMessage(`{"bar":"x"}`)},
		Response: &demo.Response{Status: 201, Body: json.RawMessage(`{"uuid":"u"}`)},
		Events:   []demo.Event{{Service: "foo", Topic: "FooCreated", Text: "it came"}},
	}
	if !held {
		step.Expected, step.Actual = "this", "that"
	}
	return step
}

// play tells a stage of a demo that ran.
func play(asJSON bool) string {
	term, out, _ := terminal.Buffers()
	project := local.Project{Services: []local.Service{{Name: "foo"}}}
	stage := demo.NewStage(screen.New(term, project, asJSON), time.Now())
	stage.Event(local.Event{Kind: local.Starting, Service: "foo", Text: "starting foo"})
	stage.Line("foo", "before")
	stage.Tell(step(true))
	stage.Finish()
	stage.Open("it is up")
	stage.Line("foo", "after")
	return out.String()
}

func TestStage(t *testing.T) {
	t.Parallel()
	t.Run("shows a person the steps, and the log once they are over", func(t *testing.T) {
		t.Parallel()
		got := play(false)
		const want = `
3. make it
   $ curl -X POST http://h/foos -H 'Content-Type: application/json' -d '{"bar":"x"}'
   201 Created  {"uuid":"u"}
   foo: it came
   held after 7ms

Every step held. The first request was handled `
		rest, ok := strings.CutPrefix(got, want)
		if !ok || !strings.HasSuffix(rest, " after the command.\nit is up\nfoo | after\n") || strings.Contains(got, "before") {
			t.Errorf("got %s", got)
		}
	})
	t.Run("tells a program the same", func(t *testing.T) {
		t.Parallel()
		var kinds []string
		for line := range strings.Lines(play(true)) {
			var event struct {
				Event  string
				Step   int
				TookMS int `json:"took_ms"`
			}
			if err := json.Unmarshal([]byte(line), &event); err != nil {
				t.Fatalf("%v in %s", err, line)
			}
			if kinds = append(kinds, event.Event); event.Event == "step" && (event.Step != 3 || event.TookMS != 7) {
				t.Errorf("got %s", line)
			}
		}
		if got := strings.Join(kinds, " "); got != "starting step story line" {
			t.Errorf("got %s", got)
		}
	})
	t.Run("says what does not hold, with what the services logged last", func(t *testing.T) {
		t.Parallel()
		term, out, _ := terminal.Buffers()
		stage := demo.NewStage(screen.New(term, local.Project{}, false), time.Now())
		stage.Line("foo", "no such table")
		stage.Tell(step(false))
		if !strings.HasSuffix(out.String(), "   does not hold: expected this\n   got that\n") {
			t.Errorf("got %s", out)
		}
		err := stage.Explain(&demo.BrokenError{Step: step(false)})
		const want = "step 3, make it, does not hold: expected this; got that; the services' last lines:\n  foo: no such table"
		if err.Error() != want {
			t.Errorf("got %s", err)
		}
		if other := errors.New("x"); stage.Explain(other).Error() != "x" {
			t.Error("explains what is no step")
		}
	})
}
