// Package foobar is the foobar microservice of the quickstart: it keeps the
// foobars that foos refer to.
package foobar

import (
	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/service"
)

// FooBar is the root entity of the foobar microservice.
type FooBar struct {
	aggregate.Root
	Something string `json:"something"`
}

// New assembles the microservice.
func New(app *service.App) error {
	fooBars, err := aggregate.NewRepository[FooBar](app.Aggregates)
	if err != nil {
		return err
	}
	app.Handle(&Commands{fooBars: fooBars}, &Queries{fooBars: fooBars})
	return nil
}
