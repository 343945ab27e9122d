package cqrs_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/minos-framework/minos-go/framework/cqrs"
)

type commands func(r *cqrs.Commands)

func (f commands) Routes(r *cqrs.Commands) { f(r) }

type queries func(r *cqrs.Queries)

func (f queries) Routes(r *cqrs.Queries) { f(r) }

func nothing(context.Context, cqrs.None) (cqrs.None, error) { return cqrs.None{}, nil }

func heard(context.Context, cqrs.None) error { return nil }

type byUUID struct {
	UUID string `path:"uuid"`
}

func find(context.Context, byUUID) (cqrs.None, error) { return cqrs.None{}, nil }

type unreadable struct {
	At map[string]int `query:"at"`
}

func search(context.Context, unreadable) (cqrs.None, error) { return cqrs.None{}, nil }

func TestNewRouter(t *testing.T) {
	t.Parallel()
	t.Run("collects the topics of commands, queries and events", func(t *testing.T) {
		t.Parallel()
		router, err := cqrs.NewRouter(
			commands(func(r *cqrs.Commands) {
				cqrs.Command(r, nothing, cqrs.Topic("CreateFoo"), cqrs.Topic("MakeFoo"), cqrs.REST(http.MethodPost, "/foos"))
				cqrs.Event(r, "FooCreated", heard)
			}),
			queries(func(r *cqrs.Queries) {
				cqrs.Query(r, nothing, cqrs.Topic("GetFoo"))
				cqrs.Event(r, "FooCreated", heard)
			}))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(router.Topics(), " "); got != "CreateFoo FooCreated GetFoo MakeFoo" {
			t.Errorf("topics: %s", got)
		}
		if got := len(router.Handlers()); got != 4 {
			t.Errorf("%d handlers", got)
		}
	})
}

func TestNewRouter_faults(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		service any
		want    []string
	}{
		"a topic used twice names both places": {
			service: commands(func(r *cqrs.Commands) {
				cqrs.Command(r, nothing, cqrs.Topic("CreateFoo"))
				cqrs.Command(r, nothing, cqrs.Topic("CreateFoo"))
			}),
			want: []string{"router_test.go:", "topic CreateFoo is the command of router_test.go:"},
		},
		"a path used twice names both places": {
			service: commands(func(r *cqrs.Commands) {
				cqrs.Command(r, nothing, cqrs.REST(http.MethodPost, "/foos"))
				cqrs.Command(r, nothing, cqrs.REST(http.MethodPost, "/foos"))
			}),
			want: []string{"POST /foos is the command of router_test.go:"},
		},
		"a topic is of one kind": {
			service: commands(func(r *cqrs.Commands) {
				cqrs.Event(r, "FooCreated", heard)
				cqrs.Command(r, nothing, cqrs.Topic("FooCreated"))
			}),
			want: []string{"topic FooCreated is the event of"},
		},
		"a handler that nothing leads to": {
			service: commands(func(r *cqrs.Commands) { cqrs.Command(r, nothing) }),
			want:    []string{"no route leads to it"},
		},
		"a path without a slash": {
			service: commands(func(r *cqrs.Commands) { cqrs.Command(r, nothing, cqrs.REST(http.MethodPost, "foos")) }),
			want:    []string{`path "foos" does not start with a slash`},
		},
		"a query that would change something": {
			service: queries(func(r *cqrs.Queries) { cqrs.Query(r, nothing, cqrs.REST(http.MethodDelete, "/foos")) }),
			want:    []string{"a query is asked by GET or POST"},
		},
		"a parameter that the path does not have": {
			service: queries(func(r *cqrs.Queries) { cqrs.Query(r, find, cqrs.REST(http.MethodGet, "/foos/{id:[0-9]+}")) }),
			want:    []string{"cqrs_test.byUUID.UUID", "GET /foos/{id:[0-9]+} has no parameter {uuid}"},
		},
		"a field that text cannot fill": {
			service: queries(func(r *cqrs.Queries) { cqrs.Query(r, search, cqrs.REST(http.MethodGet, "/foos")) }),
			want:    []string{"unreadable.At", "cannot be read from a path or query"},
		},
		"a parameter that is required as content is": {
			service: queries(func(r *cqrs.Queries) { cqrs.Query(r, must, cqrs.REST(http.MethodGet, "/foos")) }),
			want:    []string{"mustHave.Limit", "ValidateLimit"},
		},
		"a service without routes": {service: 7, want: []string{"int has no Routes"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := cqrs.NewRouter(c.service)
			if err == nil {
				t.Fatal("it was taken")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in: %s", want, err)
				}
			}
		})
	}
}

type mustHave struct {
	Limit int `query:"limit" required:"true"`
}

func must(context.Context, mustHave) (cqrs.None, error) { return cqrs.None{}, nil }
