//go:build !dev

// Package drivers names the technologies that the service is linked with.
package drivers

import (
	"context"

	"github.com/minos-framework/minos-go/framework/config"
	"github.com/minos-framework/minos-go/framework/postgres"
	"github.com/minos-framework/minos-go/framework/service"
)

// Linked returns the drivers that the service's configuration may name.
func Linked() service.Drivers {
	return service.Drivers{
		Databases: map[string]service.OpenDatabase{"postgres": openPostgres},
		Brokers:   map[string]service.OpenBroker{"kafka": openKafka},
	}
}

func openPostgres(ctx context.Context, c config.Database) (service.Store, error) {
	return postgres.Open(ctx, postgres.Config{
		Host: c.Host, Port: c.Port, Database: c.Database, User: c.User, Password: c.Password,
	})
}
