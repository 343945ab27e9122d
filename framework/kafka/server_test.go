//go:build integration

package kafka_test

import (
	"os"
	"strings"
	"testing"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/broker/brokertest"
	"github.com/minos-framework/minos-go/framework/kafka"
)

func TestBroker_server(t *testing.T) {
	t.Parallel()
	servers := realServers(t)
	brokertest.RunBroker(t, func(t *testing.T) broker.Broker {
		t.Helper()
		return open(t, kafka.Config{Servers: servers})
	})
}

// realServers returns the addresses of a real Kafka.
func realServers(t testing.TB) []string {
	t.Helper()
	servers := os.Getenv("MINOS_TEST_KAFKA")
	if servers == "" {
		t.Fatal("MINOS_TEST_KAFKA is not set; it names a running Kafka, as 127.0.0.1:9092 (`make test` starts one)")
	}
	return strings.Split(servers, ",")
}

func BenchmarkBroker_server(b *testing.B) {
	servers := realServers(b)
	brokertest.BenchBroker(b, func(b *testing.B) broker.Broker {
		return open(b, kafka.Config{Servers: servers})
	})
}
