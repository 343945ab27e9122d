//go:build !dev

// Package drivers names the technologies that the service is linked with.
package drivers

import (
	"context"

	"github.com/minos-framework/minos-go/framework/config"
	"github.com/minos-framework/minos-go/framework/service"
	"github.com/minos-framework/minos-go/framework/sqlite"
)

// Linked returns the drivers that the service's configuration may name.
func Linked() service.Drivers {
	return service.Drivers{
		Databases: map[string]service.OpenDatabase{"sqlite": openSQLite},
		Brokers:   map[string]service.OpenBroker{"kafka": openKafka},
	}
}

func openSQLite(ctx context.Context, c config.Database) (service.Store, error) {
	return sqlite.Open(ctx, sqlite.Config{Path: c.Path})
}
