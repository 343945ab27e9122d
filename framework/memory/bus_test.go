package memory_test

import (
	"testing"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/broker/brokertest"
	"github.com/minos-framework/minos-go/framework/memory"
)

func TestBus(t *testing.T) {
	t.Parallel()
	brokertest.RunBroker(t, func(*testing.T) broker.Broker { return memory.NewBus() })
}

func BenchmarkBus(b *testing.B) {
	brokertest.BenchBroker(b, func(*testing.B) broker.Broker { return memory.NewBus() })
}
