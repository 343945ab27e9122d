// Package foo is the foo microservice of the quickstart: it keeps foos, each of
// which may refer to a foobar of the foobar microservice.
package foo

import (
	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/saga"
	"github.com/minos-framework/minos-go/framework/service"
)

// Foo is the root entity of the foo microservice.
type Foo struct {
	aggregate.Root
	Bar    string                 `json:"bar"`
	FooBar *aggregate.Ref[FooBar] `json:"foobar"`
}

// FooBar is what foo knows of the foobar microservice's root entity.
type FooBar struct {
	aggregate.External
	Something string `json:"something"`
}

// New assembles the microservice.
func New(app *service.App) error {
	foos, err := aggregate.NewRepository[Foo](app.Aggregates)
	if err != nil {
		return err
	}
	commands := &Commands{foos: foos, sagas: app.Sagas}
	commands.addFooBarSaga = commands.defineAddFooBar()
	app.Handle(commands, &Queries{foos: foos})
	return saga.Register(app.Sagas, commands.addFooBarSaga)
}
