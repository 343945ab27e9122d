package kafka_test

import (
	"encoding/json"
	"testing"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/broker/brokertest"
	"github.com/minos-framework/minos-go/framework/kafka"
	"github.com/minos-framework/minos-go/framework/unit"
)

func BenchmarkBroker(b *testing.B) {
	servers := newCluster(b).ListenAddrs()
	brokertest.BenchBroker(b, func(b *testing.B) broker.Broker {
		return open(b, kafka.Config{Servers: servers})
	})
}

// message returns a message like those that services send.
func message(topic, key string) broker.Message {
	return broker.Message{ID: unit.NewID(), Topic: topic, Key: key, Content: json.RawMessage(`{"a":1}`)}
}
