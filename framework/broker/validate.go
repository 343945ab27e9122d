package broker

import (
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// Validate returns an error that names each message which no driver can send:
// one without an ID or a topic. Drivers call it before they send anything.
func Validate(messages ...Message) error {
	var faults error
	for i, m := range messages {
		if m.ID == uuid.Nil {
			faults = errors.Join(faults, fmt.Errorf("message %d to %q has no ID", i, m.Topic))
		}
		if m.Topic == "" {
			faults = errors.Join(faults, fmt.Errorf("message %s has no topic", m.ID))
		}
	}
	return faults
}
