package foo

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/cqrs"
)

// Queries answers what foos are like, and hears what happens to them.
type Queries struct {
	foos *aggregate.Repository[Foo]
}

// Routes says what leads to each query, and which events are heard.
func (q *Queries) Routes(r *cqrs.Queries) {
	cqrs.Query(r, q.example, cqrs.REST(http.MethodGet, "/foos/example"))
	cqrs.Query(r, q.get, cqrs.Topic("GetFoo"), cqrs.REST(http.MethodGet, "/foos/{uuid}"))
	cqrs.Event(r, "FooCreated", q.created)
	cqrs.Event(r, "FooUpdated.foobar", q.fooBarUpdated)
}

func (q *Queries) example(context.Context, cqrs.None) (string, error) {
	return "This is an example response!", nil
}

// GetFoo is the content of the query of that name.
type GetFoo struct {
	UUID aggregate.UUID `json:"uuid" path:"uuid"`
}

// FooView is a foo with the foobar that it refers to.
type FooView struct {
	UUID    aggregate.UUID `json:"uuid"`
	Version int            `json:"version"`
	Bar     string         `json:"bar"`
	FooBar  *FooBar        `json:"foobar"`
}

func (q *Queries) get(ctx context.Context, in GetFoo) (FooView, error) {
	foo, err := q.foos.Get(ctx, in.UUID)
	if err != nil {
		return FooView{}, err
	}
	fooBar, err := foo.FooBar.Get(ctx)
	return FooView{UUID: foo.UUID, Version: foo.Version, Bar: foo.Bar, FooBar: fooBar}, err
}

func (q *Queries) created(ctx context.Context, e aggregate.Event[Foo]) error {
	bar, _ := aggregate.Field[string](e, "bar")
	slog.InfoContext(ctx, "a foo was created", "topic", "FooCreated", "uuid", e.UUID, "bar", bar)
	return nil
}

func (q *Queries) fooBarUpdated(ctx context.Context, e aggregate.Event[Foo]) error {
	fooBar, _ := aggregate.Field[aggregate.Ref[FooBar]](e, "foobar")
	slog.InfoContext(ctx, "the foobar of a foo was updated",
		"topic", "FooUpdated.foobar", "uuid", e.UUID, "foobar", fooBar.UUID)
	return nil
}
