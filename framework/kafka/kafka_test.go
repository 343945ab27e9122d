package kafka_test

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/broker/brokertest"
	"github.com/minos-framework/minos-go/framework/kafka"
)

func TestBroker(t *testing.T) {
	t.Parallel()
	servers := newCluster(t).ListenAddrs()
	brokertest.RunBroker(t, func(t *testing.T) broker.Broker {
		t.Helper()
		return open(t, kafka.Config{Servers: servers})
	})
}

// newCluster starts a broker in this process that speaks Kafka's protocol.
func newCluster(t testing.TB, options ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, options...)...)
	if err != nil {
		t.Fatalf("start the cluster: %v", err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

// open opens a broker that the test need not close.
func open(t testing.TB, config kafka.Config) *kafka.Broker {
	t.Helper()
	b, err := kafka.Open(t.Context(), config)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		if err := b.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return b
}
