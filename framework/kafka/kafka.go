// Package kafka is the broker driver for Kafka, and for anything that speaks
// its protocol.
//
// On the wire, a message is a record whose value is the content, a JSON value
// (null when there is none), and whose key is the message's Key, so that
// messages of one key are in one partition. The rest is in the headers:
//
//	identifier     the message's ID, a UUID; a reply has its request's
//	reply-topic    where a reply is wanted; absent when none is
//	status         of a reply, a decimal number as in HTTP; absent otherwise
//	content-type   application/json; absent when there is no content
//
// The message's own Headers stand beside them under their own names, as
// traceparent of W3C; one whose name is taken is sent with "header-" before it.
//
// A record without a valid identifier comes from a foreign producer. It is
// delivered like any other, with an ID derived from its topic, partition and
// offset, so that it is the same message when it is delivered again.
package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/minos-framework/minos-go/framework/broker"
)

// Config says where Kafka is and how to use it.
type Config struct {
	// Servers are the addresses to start from, host:port. Required.
	Servers []string
	// ClientID names this process to the broker. Empty means "minos".
	ClientID string
	// Instance makes this process a static member of its groups: a restart
	// within SessionTimeout takes its partitions over without a rebalance. It
	// must differ between the members of a group. Empty means a dynamic member.
	Instance string
	// Partitions and Replication are for topics that are created without their
	// own. Zero means 4 partitions and the broker's default replication.
	Partitions, Replication int
	// Concurrency bounds how many handlers of a subscription run at once. Zero
	// means the default of broker.LanesConfig.
	Concurrency int
	// Grace is how long handlers may go on after a stop, or when their partition
	// moves to another member. Zero means 10 seconds.
	Grace time.Duration
	// Linger is how long the producer waits for more messages to send at once.
	// Zero is best: what is published together is sent together anyway.
	Linger time.Duration
	// Timeout bounds one call of Publish. Zero means 30 seconds.
	Timeout time.Duration
	// SessionTimeout is how long the group waits for a member that is silent,
	// as one that was killed. Zero means 6 seconds, the least that brokers allow
	// by default.
	SessionTimeout time.Duration
	// Client holds settings of librdkafka by their own names, as sasl.username.
	// They win over the settings that this package makes.
	Client map[string]string
	// Logger hears of faults. Nil means slog.Default.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	c.ClientID = cmp.Or(c.ClientID, "minos")
	c.Partitions = cmp.Or(c.Partitions, 4)
	c.Replication = cmp.Or(c.Replication, -1)
	c.Grace = cmp.Or(c.Grace, 10*time.Second)
	c.Timeout = cmp.Or(c.Timeout, 30*time.Second)
	c.SessionTimeout = cmp.Or(c.SessionTimeout, 6*time.Second)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

func (c Config) validate() error {
	var faults error
	if len(c.Servers) == 0 {
		faults = errors.Join(faults, errors.New("Servers: empty"))
	}
	if c.Partitions < 1 {
		faults = errors.Join(faults, fmt.Errorf("Partitions: %d is less than 1", c.Partitions))
	}
	if c.Replication < -1 {
		faults = errors.Join(faults, fmt.Errorf("Replication: %d is less than 1", c.Replication))
	}
	return faults
}

// settings returns what every client of librdkafka is made with, and more.
func (c Config) settings(more ck.ConfigMap) *ck.ConfigMap {
	settings := ck.ConfigMap{
		"bootstrap.servers":                  strings.Join(c.Servers, ","),
		"client.id":                          c.ClientID,
		"log_level":                          0, // faults arrive as events
		"socket.nagle.disable":               true,
		"socket.keepalive.enable":            true,
		"socket.connection.setup.timeout.ms": 5000,
		"reconnect.backoff.ms":               50,
		"reconnect.backoff.max.ms":           1000,
		"allow.auto.create.topics":           false,
		"enable.metrics.push":                false,
	}
	maps.Copy(settings, more)
	for name, value := range c.Client {
		settings[name] = value
	}
	return &settings
}

// Broker is a connection to Kafka. Its methods may be called from any
// goroutine.
type Broker struct {
	config Config
	admin  *ck.AdminClient

	mu       sync.Mutex
	producer *producer // nil until the next Publish makes one
	topics   map[string]bool
	closed   bool
	discards sync.WaitGroup // producers that are being closed
}

var _ broker.Broker = (*Broker)(nil)

// Open returns a broker. Kafka need not be there yet: Ping tells. It returns an
// error when the configuration is not valid. Ctx is not used after it returned.
func Open(ctx context.Context, config Config) (*Broker, error) {
	config = config.withDefaults()
	if err := errors.Join(ctx.Err(), config.validate()); err != nil {
		return nil, fmt.Errorf("configure kafka: %w", err)
	}
	admin, err := ck.NewAdminClient(config.settings(nil))
	if err != nil {
		return nil, fmt.Errorf("make a kafka admin client: %w", err)
	}
	b := &Broker{config: config, admin: admin, topics: map[string]bool{}}
	if _, err := b.current(); err != nil { // connects, so that the first Publish need not
		admin.Close()
		return nil, err
	}
	return b, nil
}

// Ping returns nil when Kafka answers. It waits until ctx's deadline, at most 5
// seconds.
func (b *Broker) Ping(ctx context.Context) error {
	err := await(ctx, func() error {
		_, err := b.admin.GetMetadata(nil, false, milliseconds(ctx, 5*time.Second))
		return err
	})
	if err != nil {
		return fmt.Errorf("ping kafka at %s: %w", strings.Join(b.config.Servers, ","), err)
	}
	return nil
}

// CreateTopics creates the topics that do not exist, as one request.
func (b *Broker) CreateTopics(ctx context.Context, topics ...broker.Topic) error {
	specifications := make([]ck.TopicSpecification, 0, len(topics))
	for _, t := range unique(topics) {
		specifications = append(specifications, ck.TopicSpecification{
			Topic:             t.Name,
			NumPartitions:     cmp.Or(t.Partitions, b.config.Partitions),
			ReplicationFactor: cmp.Or(t.Replication, b.config.Replication),
		})
	}
	if len(specifications) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, b.config.Timeout)
	defer cancel()
	results, err := b.admin.CreateTopics(ctx, specifications,
		ck.SetAdminRequestTimeout(time.Duration(milliseconds(ctx, b.config.Timeout))*time.Millisecond))
	if err != nil {
		return fmt.Errorf("create %d topics: %w", len(topics), err)
	}
	var faults error
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range results {
		if code := r.Error.Code(); code != ck.ErrNoError && code != ck.ErrTopicAlreadyExists {
			faults = errors.Join(faults, fmt.Errorf("create topic %s: %w", r.Topic, r.Error))
			continue
		}
		b.topics[r.Topic] = true
	}
	return faults
}

// Close ends the producer. What Publish has not returned from yet fails. It
// returns ctx's error when the client library takes longer than that.
func (b *Broker) Close(ctx context.Context) error {
	b.mu.Lock()
	b.closed = true
	p := b.producer
	b.mu.Unlock()
	if p != nil {
		b.discard(p, broker.ErrClosed)
	}
	err := await(ctx, func() error {
		b.discards.Wait()
		b.admin.Close()
		return nil
	})
	if err != nil {
		return fmt.Errorf("close kafka: %w", err)
	}
	return nil
}

// unique returns the first topic of each name: a request may name none twice.
func unique(topics []broker.Topic) []broker.Topic {
	seen := map[string]bool{}
	var kept []broker.Topic
	for _, t := range topics {
		if !seen[t.Name] {
			seen[t.Name] = true
			kept = append(kept, t)
		}
	}
	return kept
}

// await runs a call that cannot be interrupted, and leaves it alone when ctx
// ends first.
func await(ctx context.Context, call func() error) error {
	done := make(chan error, 1)
	go func() { done <- call() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// milliseconds returns how long a call may take: until ctx's deadline, and at
// most limit.
func milliseconds(ctx context.Context, limit time.Duration) int {
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline))
	}
	return max(1, int(limit.Milliseconds()))
}
