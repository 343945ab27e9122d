package screen_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/minos-framework/minos-go/cmd/minos/internal/screen"
	"github.com/minos-framework/minos-go/cmd/minos/internal/terminal"
	"github.com/minos-framework/minos-go/deploy/local"
)

func shop() local.Project {
	return local.Project{Services: []local.Service{{Name: "foo"}, {Name: "order-line"}}}
}

const created = `{"time":"2026-11-21T08:31:53.123456Z","level":"WARN","msg":"a foo was created",` +
	`"service":"foo","bar":"x"}`

func TestScreen(t *testing.T) {
	t.Parallel()
	t.Run("shows a person lines behind names and steps apart from them", func(t *testing.T) {
		t.Parallel()
		term, out, err := terminal.Buffers()
		s := screen.New(term, shop(), false)
		s.Event(local.Event{Kind: local.Built, Text: "built foo"})
		s.Line("foo", created)
		s.Line("order-line", "panic: no")
		s.Say("words")
		s.Object("nothing")
		const want = "foo        | 08:31:53.123 WARN a foo was created bar=x\norder-line | panic: no\nwords\n"
		if out.String() != want || err.String() != "built foo\n" {
			t.Errorf("got\n%s\nand\n%s", out, err)
		}
	})
	t.Run("gives each service a colour where colour is welcome", func(t *testing.T) {
		t.Parallel()
		term, out, err := terminal.Buffers()
		term.Out.Colour, term.Err.Colour = true, true
		s := screen.New(term, shop(), false)
		s.Line("foo", created)
		s.Line("order-line", `{"level":"ERROR","msg":"no"}`)
		for _, kind := range []local.Kind{local.Moved, local.Exited, local.Compiling} {
			s.Event(local.Event{Kind: kind, Text: string(kind)})
		}
		for _, want := range []string{"\x1b[36mfoo        |", "\x1b[32morder-line |", "\x1b[33mWARN", "\x1b[31mERROR"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("no %q in %q", want, out)
			}
		}
		const want = "\x1b[33mmoved\x1b[0m\n\x1b[31mexited\x1b[0m\n\x1b[2mcompiling\x1b[0m\n"
		if err.String() != want {
			t.Errorf("got %q", err)
		}
	})
	t.Run("tells a program one object to a line", func(t *testing.T) {
		t.Parallel()
		term, out, err := terminal.Buffers()
		s := screen.New(term, shop(), true)
		s.Event(local.Event{Kind: local.Ready, Service: "foo", Text: "it is", URL: "http://h"})
		s.Line("foo", created)
		s.Line("foo", `{"msg":"cut`)
		s.Say("words")
		want := `{"event":"ready","service":"foo","text":"it is","url":"http://h"}
{"event":"line","service":"foo","line":` + created + `}
{"event":"line","service":"foo","line":"{\"msg\":\"cut"}
`
		if out.String() != want || err.Len() != 0 {
			t.Errorf("got\n%s\nand\n%s", out, err)
		}
	})
	t.Run("keeps lines whole that come at once", func(t *testing.T) {
		t.Parallel()
		term, out, _ := terminal.Buffers()
		s := screen.New(term, shop(), true)
		var writers sync.WaitGroup
		for range 8 {
			writers.Go(func() {
				for range 50 {
					s.Line("foo", created)
				}
			})
		}
		writers.Wait()
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		for _, line := range lines {
			if !json.Valid([]byte(line)) {
				t.Fatalf("%q", line)
			}
		}
		if len(lines) != 400 {
			t.Errorf("%d lines", len(lines))
		}
	})
}
