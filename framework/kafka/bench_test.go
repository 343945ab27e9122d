package kafka_test

import (
	"encoding/json"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/unit"
)

// message returns a message like those that services send.
func message(topic, key string) broker.Message {
	return broker.Message{ID: unit.NewID(), Topic: topic, Key: key, Content: json.RawMessage(`{"a":1}`)}
}
