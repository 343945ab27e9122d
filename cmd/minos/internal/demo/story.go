// Package demo plays the story of the quickstart against its two services: a
// command over REST, the event that follows from it, a saga over both services
// that succeeds, one that is refused, and one that is undone.
package demo

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Story is the quickstart's story. Play may be called again: each time has foos
// of its own.
type Story struct {
	// Foo is where the foo service answers, as "http://127.0.0.1:4545".
	Foo string
	// Log is what the services log.
	Log *Log
	// Tell is called after each step.
	Tell func(step Step)
	// Patience bounds how long a step may take until it holds. Zero means 30
	// seconds.
	Patience time.Duration
}

// Play plays the story. It returns a *BrokenError for the first step that does
// not hold, and ctx's error.
func (s Story) Play(ctx context.Context) error {
	s.Patience = cmp.Or(s.Patience, 30*time.Second)
	p := &play{Story: s}
	for i, scene := range []scene{
		{"create a Foo over REST", p.createFoo},
		{"foo's query service handles the event", p.heardCreated},
		{"run the saga AddFooBar: foobar makes a FooBar, foo refers to it", p.addFooBar},
		{"foo's query service handles the change of one field", p.heardUpdated},
		{"read the Foo, its reference resolved from foobar", p.readFoo},
		{"run the saga for a second Foo: foobar refuses, the saga compensates", p.refused},
		{"read the second Foo: nothing of the saga is left", p.readSecond},
		{"run the saga for a Foo that is not there: the FooBar is made and, in compensation, deleted", p.undone},
	} {
		step := &Step{Number: i + 1, Title: scene.title}
		begin := time.Now()
		within, cancel := context.WithTimeout(ctx, s.Patience)
		fault := scene.play(within, step)
		cancel()
		if ctx.Err() != nil {
			return fmt.Errorf("play the story: %w", ctx.Err())
		}
		step.Took, step.Held = time.Since(begin), fault == nil
		if fault != nil {
			step.Expected, step.Actual = fault.expected, fault.actual
		}
		s.Tell(*step)
		if fault != nil {
			return &BrokenError{Step: *step}
		}
	}
	return nil
}

// scene plays one step and fills it in.
type scene struct {
	title string
	play  func(ctx context.Context, step *Step) *fault
}

// fault is what does not hold.
type fault struct{ expected, actual string }

// play is one performance: what later steps need of earlier ones.
type play struct {
	Story
	first, second, fooBar string // uuids
}

func (p *play) createFoo(ctx context.Context, step *Step) (fault *fault) {
	p.first, fault = p.created(ctx, step, "/foos", map[string]string{"bar": "test"})
	return fault
}

func (p *play) heardCreated(ctx context.Context, step *Step) *fault {
	return p.heard(ctx, step, "foo", "FooCreated", p.first)
}

func (p *play) addFooBar(ctx context.Context, step *Step) (fault *fault) {
	body := map[string]string{"uuid": p.first, "something": "something"}
	p.fooBar, fault = p.created(ctx, step, "/foos/add-foobar", body)
	if fault != nil {
		return fault
	}
	return p.heard(ctx, step, "foobar", "FooBarCreated", p.fooBar)
}

func (p *play) heardUpdated(ctx context.Context, step *Step) *fault {
	return p.heard(ctx, step, "foo", "FooUpdated.foobar", p.first)
}

// foo is what GET /foos/{uuid} answers.
type foo struct {
	UUID   string `json:"uuid"`
	Bar    string `json:"bar"`
	FooBar *struct {
		UUID      string `json:"uuid"`
		Something string `json:"something"`
	} `json:"foobar"`
}

func (p *play) readFoo(ctx context.Context, step *Step) *fault {
	return p.reads(ctx, step, p.first, "the Foo with bar test and its FooBar "+p.fooBar, func(f foo) bool {
		return f.Bar == "test" && f.FooBar != nil && f.FooBar.UUID == p.fooBar && f.FooBar.Something == "something"
	})
}

func (p *play) refused(ctx context.Context, step *Step) (broken *fault) {
	var unseen Step // that a Foo can be created was shown
	if p.second, broken = p.created(ctx, &unseen, "/foos", map[string]string{"bar": "second"}); broken != nil {
		return broken
	}
	body := map[string]string{"uuid": p.second, "something": "refused"}
	if broken = ask(ctx, step, http.MethodPost, p.Foo+"/foos/add-foobar", body); broken != nil {
		return broken
	}
	r := step.Response
	text := string(r.Body)
	clear := strings.Contains(text, "AddFooBar") && strings.Contains(text, "refused")
	if r.Status/100 != 4 || !strings.HasPrefix(r.ContentType, "application/problem+json") || !clear {
		return &fault{"a problem of status 4xx that names the saga and the refusal", step.shown()}
	}
	return nil
}

func (p *play) readSecond(ctx context.Context, step *Step) *fault {
	return p.reads(ctx, step, p.second, "the Foo with bar second and no FooBar", func(f foo) bool {
		return f.Bar == "second" && f.FooBar == nil
	})
}

func (p *play) undone(ctx context.Context, step *Step) *fault {
	body := map[string]string{"uuid": "00000000-0000-4000-8000-000000000000", "something": "in vain"}
	if broken := ask(ctx, step, http.MethodPost, p.Foo+"/foos/add-foobar", body); broken != nil {
		return broken
	}
	if step.Response.Status != http.StatusNotFound {
		return &fault{"a problem of status 404", step.shown()}
	}
	return p.heard(ctx, step, "foobar", "FooBarDeleted", anyUUID)
}
