//go:build !dev

// Package drivers names the technologies that the service is linked with.
package drivers

import (
	"context"

	"github.com/minos-framework/minos-go/framework/config"
	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/service"
)

// Linked returns the drivers that the service's configuration may name.
func Linked() service.Drivers {
	return service.Drivers{
		Databases: map[string]service.OpenDatabase{"memory": openMemory},
		Brokers:   map[string]service.OpenBroker{"kafka": openKafka},
	}
}

func openMemory(ctx context.Context, _ config.Database) (service.Store, error) {
	return memory.Open(ctx, memory.Config{})
}
