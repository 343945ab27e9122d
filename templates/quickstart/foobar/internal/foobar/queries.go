package foobar

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/cqrs"
)

// Queries answers what foobars are like, and hears what happens to them.
type Queries struct {
	fooBars *aggregate.Repository[FooBar]
}

// Routes says what leads to each query, and which events are heard.
func (q *Queries) Routes(r *cqrs.Queries) {
	cqrs.Query(r, q.get, cqrs.Topic("GetFooBar"), cqrs.REST(http.MethodGet, "/foobars/{uuid}"))
	cqrs.Event(r, "FooBarCreated", q.created)
	cqrs.Event(r, "FooBarDeleted", q.deleted)
}

// GetFooBar is the content of the query of that name.
type GetFooBar struct {
	UUID aggregate.UUID `json:"uuid" path:"uuid"`
}

func (q *Queries) get(ctx context.Context, in GetFooBar) (*FooBar, error) {
	return q.fooBars.Get(ctx, in.UUID)
}

func (q *Queries) created(ctx context.Context, e aggregate.Event[FooBar]) error {
	something, _ := aggregate.Field[string](e, "something")
	slog.InfoContext(ctx, "a foobar was created", "topic", "FooBarCreated", "uuid", e.UUID, "something", something)
	return nil
}

func (q *Queries) deleted(ctx context.Context, e aggregate.Event[FooBar]) error {
	slog.InfoContext(ctx, "a foobar was deleted", "topic", "FooBarDeleted", "uuid", e.UUID)
	return nil
}
