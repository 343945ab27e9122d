package rest_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/minos-framework/minos-go/framework/cqrs"
	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/rest"
	"github.com/minos-framework/minos-go/framework/unit"
)

// things signals on began, if it has it, that the endless query runs.
type things struct{ began chan struct{} }

type get struct {
	Name  string `path:"name"`
	Limit int    `query:"limit"`
}

type put struct {
	N int `json:"n"`
}

func (t things) Routes(r *cqrs.Queries) {
	cqrs.Query(r, func(_ context.Context, in get) (get, error) { return in, nil }, cqrs.REST(http.MethodGet, "/things/{name}"))
	cqrs.Query(r, func(context.Context, cqrs.None) (string, error) { return "fixed", nil }, cqrs.REST(http.MethodGet, "/things/example"))
	cqrs.Query(r, func(_ context.Context, in put) (int, error) { return in.N, nil }, cqrs.REST(http.MethodPost, "/things"))
	cqrs.Query(r, func(ctx context.Context, _ cqrs.None) (cqrs.None, error) {
		close(t.began)
		<-ctx.Done()
		return cqrs.None{}, ctx.Err()
	}, cqrs.REST(http.MethodGet, "/endless"))
	cqrs.Query(r, func(context.Context, cqrs.None) (cqrs.None, error) { return cqrs.None{}, errors.New("secret") },
		cqrs.REST(http.MethodGet, "/broken"))
	cqrs.Query(r, func(ctx context.Context, _ cqrs.None) (string, error) {
		return unit.From(ctx).Headers()["traceparent"], nil
	},
		cqrs.REST(http.MethodGet, "/trace"))
}

func setup(t *testing.T, config rest.Config) *rest.Server {
	t.Helper()
	return serve(t, things{}, config)
}

func serve(t *testing.T, service any, config rest.Config) *rest.Server {
	t.Helper()
	store, err := memory.Open(t.Context(), memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	router, err := cqrs.NewRouter(service)
	if err != nil {
		t.Fatal(err)
	}
	config.Logger = slog.New(slog.DiscardHandler)
	server, err := rest.New(cqrs.NewDispatcher(router, store, nil, cqrs.Config{Logger: config.Logger}), config)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func TestServer_ServeHTTP(t *testing.T) {
	t.Parallel()
	server := setup(t, rest.Config{MaxBody: 20})
	cases := map[string]struct {
		method, path, body, kind string
		status                   int
		want                     string
	}{
		"path and query parameters fill the input":     {method: "GET", path: "/things/a?limit=3", status: 200, want: `{"Name":"a","Limit":3}`},
		"a literal path wins over one with parameters": {method: "GET", path: "/things/example", status: 200, want: `"fixed"`},
		"a body is decoded":                            {method: "POST", path: "/things", body: `{"n":7}`, kind: "application/json; charset=utf-8", status: 200, want: "7"},
		"a malformed body is 400":                      {method: "POST", path: "/things", body: `{"n":`, status: 400, want: "ends too early"},
		"a parameter that does not fit is 400":         {method: "GET", path: "/things/a?limit=x", status: 400, want: "query parameter limit"},
		"a body that is too long is 413":               {method: "POST", path: "/things", body: `{"n":1111111111111111111}`, status: 413, want: "longer than 20 bytes"},
		"a body that is not JSON is 415":               {method: "POST", path: "/things", body: `n=7`, kind: "text/plain", status: 415, want: "text/plain"},
		"an unknown path is 404":                       {method: "GET", path: "/nowhere", status: 404, want: "nothing at this path"},
		"an unknown method is 405":                     {method: "PUT", path: "/things", status: 405, want: "other methods"},
		"an error is 500 without its text":             {method: "GET", path: "/broken", status: 500, want: `"title":"Internal Server Error"`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := httptest.NewRequestWithContext(t.Context(), c.method, c.path, strings.NewReader(c.body))
			if c.kind != "" {
				request.Header.Set("Content-Type", c.kind)
			}
			answer := httptest.NewRecorder()
			server.ServeHTTP(answer, request)
			body := answer.Body.String()
			if answer.Code != c.status || !strings.Contains(body, c.want) || strings.Contains(body, "secret") {
				t.Errorf("got %d %s", answer.Code, body)
			}
			kind, problem := answer.Header().Get("Content-Type"), cqrs.Problem{}
			if c.status < 400 {
				return
			}
			if err := json.Unmarshal(answer.Body.Bytes(), &problem); err != nil || kind != "application/problem+json" || problem.Status != c.status {
				t.Errorf("the problem is %s: %s", kind, body)
			}
		})
	}
}

func TestServer_headers(t *testing.T) {
	t.Parallel()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/trace", nil)
	request.Header.Set("Traceparent", "00-1-2-01")
	request.Header.Set("User", "forged")
	answer := httptest.NewRecorder()
	setup(t, rest.Config{}).ServeHTTP(answer, request)
	if got := strings.TrimSpace(answer.Body.String()); got != `"00-1-2-01"` {
		t.Errorf("the trace context is %s", got)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection refused")
	for want, health := range map[string]error{
		`{"status":"up","service":"foo","checks":{"database":{"status":"up"}}}`:                                  nil,
		`{"status":"down","service":"foo","checks":{"database":{"status":"down","error":"connection refused"}}}`: broken,
	} {
		server := setup(t, rest.Config{Health: &rest.Health{
			Service: "foo", Checks: map[string]func(context.Context) error{"database": func(context.Context) error { return health }},
		}})
		answer := httptest.NewRecorder()
		server.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/system/health", nil))
		status := http.StatusOK
		if health != nil {
			status = http.StatusServiceUnavailable
		}
		if got := strings.TrimSpace(answer.Body.String()); answer.Code != status || got != want {
			t.Errorf("got %d %s", answer.Code, got)
		}
	}
}

func TestServer_Shutdown(t *testing.T) {
	t.Parallel()
	server := setup(t, rest.Config{Address: "127.0.0.1:0"})
	if err := server.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- server.Serve() }()
	response, err := http.Get("http://" + server.Addr().String() + "/things/example")
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("got %v, %v", response, err)
	}
	_ = response.Body.Close()
	if err := server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	taken := setup(t, rest.Config{Address: "256.0.0.1:1"})
	if err := taken.Listen(t.Context()); err == nil || !strings.Contains(err.Error(), "listen on 256.0.0.1:1") {
		t.Errorf("an address that cannot be had: %v", err)
	}
}

func TestServer_Shutdown_ends(t *testing.T) {
	t.Parallel()
	began := make(chan struct{})
	server := serve(t, things{began}, rest.Config{Address: "127.0.0.1:0"})
	if err := server.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	served, asked := make(chan error), make(chan error)
	go func() { served <- server.Serve() }()
	go func() {
		response, err := http.Get("http://" + server.Addr().String() + "/endless")
		if err == nil {
			err = errors.Join(errors.New("it was answered"), response.Body.Close())
		}
		asked <- err
	}()
	<-began
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := server.Shutdown(over); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := <-asked; err == nil || strings.Contains(err.Error(), "answered") {
		t.Errorf("a request that runs for ever: %v", err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}
