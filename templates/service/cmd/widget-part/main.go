// Command widget-part runs the widget-part microservice.
package main

import (
	"os"

	"github.com/minos-framework/minos-go/framework/service"
	"github.com/minos-framework/minos-go/templates/service/internal/drivers"
	"github.com/minos-framework/minos-go/templates/service/internal/widgetpart"
)

func main() {
	os.Exit(service.Main(widgetpart.New, drivers.Linked()))
}
