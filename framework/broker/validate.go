package broker

import (
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/unit"
)

// maxMessage bounds what a message holds in all, in bytes: a client of Kafka
// sends 1,000,000 by default, less the headers that a driver adds. It is above
// unit.MaxContent, which a store checks before an event gets its envelope.
const maxMessage = 999_000

// Validate returns an error that names each message which no driver can send:
// one without an ID, with a topic that is none (unit.ValidTopic), or larger than
// brokers take. Drivers call it before they send anything.
func Validate(messages ...Message) error {
	var faults error
	for i, m := range messages {
		if m.ID == uuid.Nil {
			faults = errors.Join(faults, fmt.Errorf("message %d to %q has no ID", i, m.Topic))
		}
		if !unit.ValidTopic(m.Topic) {
			faults = errors.Join(faults, fmt.Errorf("message %s: %q is not the name of a topic", m.ID, m.Topic))
		}
		if n := size(m); n > maxMessage {
			faults = errors.Join(faults, fmt.Errorf("message %s to %s holds %d bytes, more than the %d that a broker takes",
				m.ID, m.Topic, n, maxMessage))
		}
	}
	return faults
}

// size is how much a message holds.
func size(m Message) int {
	n := len(m.Content) + len(m.Key) + len(m.ReplyTo)
	for name, value := range m.Headers {
		n += len(name) + len(value) + 16 // a driver may prefix the name
	}
	return n
}
