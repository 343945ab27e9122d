// Package widgetpart is the widget part microservice: what it keeps, what it
// decides, and what it answers.
package widgetpart

import (
	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/service"
)

// WidgetPart is the root entity of the widget-part microservice.
type WidgetPart struct {
	aggregate.Root
	Name string `json:"name"`
}

// New assembles the microservice.
func New(app *service.App) error {
	widgetParts, err := aggregate.NewRepository[WidgetPart](app.Aggregates)
	if err != nil {
		return err
	}
	app.Handle(&Commands{widgetParts: widgetParts}, &Queries{widgetParts: widgetParts})
	return nil
}
