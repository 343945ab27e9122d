package demo_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minos-framework/minos-go/cmd/minos/internal/demo"
)

// quickstart answers as the quickstart's services do, and logs what they log.
type quickstart struct {
	mu    sync.Mutex
	log   *demo.Log
	foos  map[string]map[string]any
	reads int
	fault string // what it does wrong
}

func (q *quickstart) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var in map[string]string
	if r.Method == http.MethodPost {
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	switch {
	case r.URL.Path == "/foos":
		q.create(w, in["bar"])
	case in["something"] == "refused":
		q.refuse(w, in["uuid"])
	case r.URL.Path == "/foos/add-foobar" && q.foos[in["uuid"]] == nil:
		q.undo(w)
	case r.URL.Path == "/foos/add-foobar":
		q.foos[in["uuid"]]["foobar"] = map[string]string{"uuid": "bar-1", "something": in["something"]}
		q.logs("foobar", "FooBarCreated", "bar-1")
		q.logs("foo", "FooUpdated.foobar", in["uuid"])
		answer(w, http.StatusCreated, map[string]string{"uuid": "bar-1"})
	default:
		q.read(w, strings.TrimPrefix(r.URL.Path, "/foos/"))
	}
}

func (q *quickstart) create(w http.ResponseWriter, bar string) {
	if q.fault == "broken" {
		http.Error(w, "out of order", http.StatusInternalServerError)
		return
	}
	uuid := fmt.Sprintf("foo-%d", len(q.foos)+1)
	q.foos[uuid] = map[string]any{"uuid": uuid, "bar": bar, "foobar": nil}
	if q.fault != "deaf" {
		q.log.Add("foo", "panic: not a record of FooCreated")
		q.logs("foo", "FooCreated", uuid)
	}
	answer(w, http.StatusCreated, map[string]string{"uuid": uuid})
}

func (q *quickstart) refuse(w http.ResponseWriter, uuid string) {
	if q.fault == "left behind" {
		q.foos[uuid]["foobar"] = map[string]string{"uuid": "bar-2"}
	}
	w.Header().Set("Content-Type", "application/problem+json")
	detail := "saga AddFooBar was undone: refused"
	if q.fault == "silent" {
		detail = ""
	}
	answer(w, http.StatusConflict, map[string]any{"status": 409, "detail": detail})
}

func (q *quickstart) undo(w http.ResponseWriter) {
	q.logs("foobar", "FooBarCreated", "bar-3")
	if q.fault != "not undone" {
		q.logs("foobar", "FooBarDeleted", "bar-3")
	}
	answer(w, http.StatusNotFound, map[string]any{"status": 404, "detail": "saga AddFooBar was undone: not found"})
}

// read resolves the reference only when it was asked for some times.
func (q *quickstart) read(w http.ResponseWriter, uuid string) {
	if q.reads++; q.reads < 3 {
		answer(w, http.StatusBadGateway, nil)
		return
	}
	answer(w, http.StatusOK, q.foos[uuid])
}

func (q *quickstart) logs(service, topic, uuid string) {
	q.log.Add(service, fmt.Sprintf(`{"msg":"it came","service":%q,"topic":%q,"uuid":%q}`, service, topic, uuid))
}

func answer(w http.ResponseWriter, status int, body any) {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// tell plays the story to services with a fault.
func tell(t *testing.T, fault string) ([]demo.Step, error) {
	t.Helper()
	services := &quickstart{log: &demo.Log{}, foos: map[string]map[string]any{}, fault: fault}
	server := httptest.NewServer(services)
	defer server.Close()
	var patience time.Duration
	if fault != "" {
		patience = 500 * time.Millisecond
	}
	var steps []demo.Step
	story := demo.Story{
		Foo: server.URL, Log: services.log, Patience: patience,
		Tell: func(step demo.Step) { steps = append(steps, step) },
	}
	err := story.Play(t.Context())
	return steps, err
}

func TestStory_Play(t *testing.T) {
	t.Parallel()
	t.Run("holds when the services do what the quickstart says", func(t *testing.T) {
		t.Parallel()
		steps, err := tell(t, "")
		if err != nil {
			t.Fatal(err)
		}
		if len(steps) != 8 {
			t.Fatalf("%d steps", len(steps))
		}
		for i, step := range steps {
			if !step.Held || step.Number != i+1 || step.Title == "" || step.Request == nil && len(step.Events) == 0 {
				t.Errorf("%+v", step)
			}
		}
		if event := steps[3].Events[0]; event.Topic != "FooUpdated.foobar" || event.Service != "foo" ||
			event.Text != "it came topic=FooUpdated.foobar uuid=foo-1" {
			t.Errorf("%+v", event)
		}
	})
	for fault, want := range map[string]string{
		"broken":      "step 1, create a Foo over REST, does not hold: expected 201 and a uuid; got 500 Internal Server Error \"out of order\"",
		"deaf":        "step 2, foo's query service handles the event, does not hold: expected foo to handle FooCreated of foo-1 within",
		"silent":      "expected a problem of status 4xx that names the saga and the refusal; got 409 Conflict",
		"not undone":  "expected foobar to handle FooBarDeleted of any aggregate within",
		"left behind": `expected the Foo with bar second and no FooBar; got 200 OK {"bar":"second","foobar":{"uuid":"bar-2"}`,
	} {
		t.Run("says what does not hold when the services are "+fault, func(t *testing.T) {
			t.Parallel()
			steps, err := tell(t, fault)
			e, ok := errors.AsType[*demo.BrokenError](err)
			if !ok || !strings.Contains(err.Error(), want) {
				t.Fatalf("got  %v\nwant %s", err, want)
			}
			if last := steps[len(steps)-1]; last.Held || last.Expected != e.Step.Expected || last.Actual == "" {
				t.Errorf("tells %+v", last)
			}
		})
	}
	t.Run("ends with its context", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		story := demo.Story{Foo: "http://127.0.0.1:1", Log: &demo.Log{}, Tell: func(demo.Step) { t.Error("tells a step") }}
		cancel()
		if err := story.Play(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("says that nobody answers", func(t *testing.T) {
		t.Parallel()
		story := demo.Story{Foo: "http://127.0.0.1:1", Log: &demo.Log{}, Tell: func(demo.Step) {}}
		if err := story.Play(t.Context()); err == nil || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("got %v", err)
		}
	})
}

func TestRequest_Curl(t *testing.T) {
	t.Parallel()
	get := demo.Request{Method: http.MethodGet, URL: "http://h/foos"}
	if got := get.Curl(); got != "curl http://h/foos" {
		t.Errorf("got %s", got)
	}
	post := demo.Request{Method: http.MethodPost, URL: "http://h/foos", Body: json.RawMessage(`{"bar":"test"}`)}
	if got := post.Curl(); got != `curl -X POST http://h/foos -H 'Content-Type: application/json' -d '{"bar":"test"}'` {
		t.Errorf("got %s", got)
	}
}

func TestLog_Tail(t *testing.T) {
	t.Parallel()
	var log demo.Log
	if got := log.Tail(2); len(got) != 0 {
		t.Errorf("got %q", got)
	}
	for _, text := range []string{"one", "two", "three"} {
		log.Add("foo", text)
	}
	if got := log.Tail(2); strings.Join(got, "|") != "foo: two|foo: three" {
		t.Errorf("got %q", got)
	}
}
