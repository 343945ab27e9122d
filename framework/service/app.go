// Package service assembles a microservice from its configuration, the drivers
// it is linked with and the code of its user, starts the parts in the order of
// their dependencies, and stops them in reverse.
//
//	func main() {
//		os.Exit(service.Main(foo.New, drivers()))
//	}
package service

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/config"
	"github.com/minos-framework/minos-go/framework/cqrs"
	"github.com/minos-framework/minos-go/framework/privacy"
	"github.com/minos-framework/minos-go/framework/saga"
)

// Store is what a database driver gives: every port over one technology.
type Store interface {
	aggregate.Store
	broker.Outbox
	saga.Store
	privacy.Keys
	// Ping returns nil when the database answers.
	Ping(ctx context.Context) error
	// Close is called once, last.
	Close() error
}

// OpenDatabase opens a store, its tables made or brought up to date.
type OpenDatabase func(ctx context.Context, c config.Database) (Store, error)

// OpenBroker opens the connection to the broker for the service called name. It
// need not wait for the broker to answer.
type OpenBroker func(ctx context.Context, name string, c config.Broker) (broker.Broker, error)

// Drivers are the technologies that a service is linked with, by the names that
// its configuration calls them.
type Drivers struct {
	Databases map[string]OpenDatabase
	Brokers   map[string]OpenBroker
}

// App is what a service's own code is built on: its New takes what it needs
// from here and hands over its handlers.
type App struct {
	Config     config.Config
	Logger     *slog.Logger
	Aggregates *aggregate.Registry
	Sagas      *saga.Manager

	services   []any
	middleware []cqrs.Middleware
}

// Handle adds services, each a cqrs.CommandService or a cqrs.QueryService.
func (a *App) Handle(services ...any) { a.services = append(a.services, services...) }

// Use adds middleware around all handlers of the service: the first is
// outermost.
func (a *App) Use(middleware ...cqrs.Middleware) { a.middleware = append(a.middleware, middleware...) }

// open returns the driver that a configuration names.
func open[T any](kind, client string, drivers map[string]T) (T, error) {
	driver, ok := drivers[client]
	if ok {
		return driver, nil
	}
	names := make([]string, 0, len(drivers))
	for name := range drivers {
		names = append(names, name)
	}
	slices.Sort(names)
	return driver, fmt.Errorf("%s %q is not linked into this service; it has %v", kind, client, names)
}
