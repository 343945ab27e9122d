package foo

import (
	"context"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/cqrs"
	"github.com/minos-framework/minos-go/framework/saga"
)

// AddFooBar is what the saga AddFooBar is started with and remembers.
type AddFooBar struct {
	UUID      aggregate.UUID `json:"uuid"` // of the foo
	Something string         `json:"something"`
	FooBar    aggregate.UUID `json:"foobar,omitzero"` // set by the saga
}

// defineAddFooBar has a foobar made by its service and the foo refer to it, or
// else leaves neither behind.
func (c *Commands) defineAddFooBar() *saga.Definition[AddFooBar] {
	return saga.New[AddFooBar]("AddFooBar").
		Remote("create the foobar", createFooBar).OnSuccess(keepFooBar).OnFailure(deleteFooBar).
		Local("update the foo", c.updateFoo).
		Commit()
}

type createFooBarRequest struct {
	Something string `json:"something"`
}

func createFooBar(_ context.Context, s *AddFooBar) (saga.Request, error) {
	return saga.Request{Topic: "CreateFooBar", Content: createFooBarRequest{Something: s.Something}}, nil
}

func keepFooBar(_ context.Context, s *AddFooBar, r saga.Response) error {
	created, err := saga.Decode[cqrs.Created](r)
	s.FooBar = created.UUID
	return err
}

type deleteFooBarRequest struct {
	UUID aggregate.UUID `json:"uuid"`
}

func deleteFooBar(_ context.Context, s *AddFooBar) (saga.Request, error) {
	return saga.Request{Topic: "DeleteFooBar", Content: deleteFooBarRequest{UUID: s.FooBar}}, nil
}

func (c *Commands) updateFoo(ctx context.Context, s *AddFooBar) error {
	foo, err := c.foos.Get(ctx, s.UUID)
	if err != nil {
		return err
	}
	foo.FooBar = aggregate.RefTo[FooBar](s.FooBar)
	return c.foos.Save(ctx, foo)
}
