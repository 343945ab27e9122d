// Package broker holds what services say to each other and the ports through
// which they say it: the message, the publisher and subscriber that a driver
// gives, the relay that sends what a store has committed, and the client that
// asks and waits for a reply.
//
// What is promised: a message committed with a unit of work is delivered at
// least once, also when the process is killed at any point; messages of one key
// are delivered in the order they were committed in, one at a time; and a
// consumer that settles its receipts (unit.Receipt) has each effect once.
package broker

import (
	"context"

	"github.com/minos-framework/minos-go/framework/unit"
)

// Message is what services send each other.
type Message = unit.Message

// Publisher hands messages to a broker.
type Publisher interface {
	// Publish sends messages, in order for each key, and returns nil when the
	// broker has all of them durably. After an error any of them may have been
	// sent; sending all of them again keeps the promises above. It is safe for
	// concurrent use, but gives no order between concurrent calls.
	Publish(ctx context.Context, messages ...Message) error
}

// Handler handles one message. The message is acknowledged when it returns
// nil; after an error it is delivered again, after a pause, before any later
// message of its key.
type Handler func(ctx context.Context, m Message) error

// Subscription is what a subscriber listens to.
type Subscription struct {
	// Group shares the messages among its members: each is delivered to one of
	// them. A new group starts at the oldest message. Empty means a member of
	// its own that starts at messages sent after Ready and remembers nothing:
	// what a reply topic of a client needs.
	Group string
	// Topics exist already (Admin).
	Topics []string
	// Handle is called from several goroutines, never twice at once for
	// messages of one topic and key.
	Handle Handler
	// Ready, if not nil, is called once when messages flow.
	Ready func()
}

// Subscriber delivers messages.
type Subscriber interface {
	// Subscribe delivers messages until ctx ends, then waits for the handlers
	// that run, acknowledges what they finished and returns nil. The handlers'
	// own context ends only after a grace period. Another error ends the
	// subscription; a broker that cannot be reached is no error: Subscribe waits
	// for it.
	Subscribe(ctx context.Context, s Subscription) error
}

// Topic is a topic to be created.
type Topic struct {
	Name string
	// Partitions and Replication of 0 mean the driver's configured default.
	Partitions, Replication int
}

// Admin prepares a broker.
type Admin interface {
	// CreateTopics creates the topics that do not exist; those that do are left
	// as they are.
	CreateTopics(ctx context.Context, topics ...Topic) error
	// Ping returns nil when the broker answers.
	Ping(ctx context.Context) error
}

// Broker is all that a driver gives.
type Broker interface {
	Publisher
	Subscriber
	Admin
	// Close ends the producer within the context's deadline, whether or not the
	// broker answers. It is called once, last.
	Close(ctx context.Context) error
}
