package drivers

import (
	"context"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/config"
	"github.com/minos-framework/minos-go/framework/kafka"
)

// openKafka opens a broker that speaks Kafka's protocol, which the one inside of
// `minos dev` does as well.
func openKafka(ctx context.Context, name string, c config.Broker) (broker.Broker, error) {
	return kafka.Open(ctx, kafka.Config{
		Servers: []string{c.Common.Address()}, ClientID: name,
		Partitions: c.Common.Partitions, Replication: c.Common.Replication, Concurrency: c.Common.Concurrency,
	})
}
