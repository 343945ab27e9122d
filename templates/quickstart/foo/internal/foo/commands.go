package foo

import (
	"context"
	"net/http"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/cqrs"
	"github.com/minos-framework/minos-go/framework/saga"
)

// Commands decides what happens to foos.
type Commands struct {
	foos          *aggregate.Repository[Foo]
	sagas         *saga.Manager
	addFooBarSaga *saga.Definition[AddFooBar]
}

// Routes says what leads to each command.
func (c *Commands) Routes(r *cqrs.Commands) {
	cqrs.Command(r, c.create, cqrs.Topic("CreateFoo"), cqrs.REST(http.MethodPost, "/foos"))
	cqrs.Command(r, c.addFooBar, cqrs.REST(http.MethodPost, "/foos/add-foobar"))
}

// CreateFoo is the content of the command of that name.
type CreateFoo struct {
	Bar string `json:"bar"`
}

func (c *Commands) create(ctx context.Context, in CreateFoo) (cqrs.Created, error) {
	foo := &Foo{Bar: in.Bar}
	if err := c.foos.Create(ctx, foo); err != nil {
		return cqrs.Created{}, err
	}
	return cqrs.Created{UUID: foo.UUID}, nil
}

func (c *Commands) addFooBar(ctx context.Context, in AddFooBar) (cqrs.Created, error) {
	out, err := saga.Run(ctx, c.sagas, c.addFooBarSaga, in)
	return cqrs.Created{UUID: out.FooBar}, err
}
