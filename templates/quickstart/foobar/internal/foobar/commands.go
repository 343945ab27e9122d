package foobar

import (
	"context"
	"net/http"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/cqrs"
)

// Commands decides what happens to foobars.
type Commands struct {
	fooBars *aggregate.Repository[FooBar]
}

// Routes says what leads to each command.
func (c *Commands) Routes(r *cqrs.Commands) {
	cqrs.Command(r, c.create, cqrs.Topic("CreateFooBar"), cqrs.REST(http.MethodPost, "/foobars"))
	cqrs.Command(r, c.remove, cqrs.Topic("DeleteFooBar"), cqrs.REST(http.MethodDelete, "/foobars/{uuid}"))
}

// CreateFooBar is the content of the command of that name.
type CreateFooBar struct {
	Something string `json:"something"`
}

func (c *Commands) create(ctx context.Context, in CreateFooBar) (cqrs.Created, error) {
	if in.Something == "refused" {
		return cqrs.Created{}, cqrs.Errorf(http.StatusConflict, "a foobar of %q is refused", in.Something)
	}
	fooBar := &FooBar{Something: in.Something}
	if err := c.fooBars.Create(ctx, fooBar); err != nil {
		return cqrs.Created{}, err
	}
	return cqrs.Created{UUID: fooBar.UUID}, nil
}

// DeleteFooBar is the content of the command of that name.
type DeleteFooBar struct {
	UUID aggregate.UUID `json:"uuid" path:"uuid"`
}

func (c *Commands) remove(ctx context.Context, in DeleteFooBar) (cqrs.None, error) {
	fooBar, err := c.fooBars.Get(ctx, in.UUID)
	if err != nil {
		return cqrs.None{}, err
	}
	return cqrs.None{}, c.fooBars.Delete(ctx, fooBar)
}
