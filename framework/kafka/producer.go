package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/minos-framework/minos-go/framework/broker"
)

// producer is one client of librdkafka, which is thrown away with all that it
// holds after a fault: what is published again then cannot be overtaken by what
// it still had.
type producer struct {
	client *ck.Producer
	using  sync.RWMutex // held for writing to close the client
	dead   chan struct{}
	once   sync.Once
	cause  error // set before dead is closed
}

// sending is what one call of Publish waits for.
type sending struct {
	left     atomic.Int64
	done     chan struct{} // closed when none is left
	patience *time.Timer   // runs until then

	mu    sync.Mutex
	fault error // the first
}

// settle records that n messages have an outcome.
func (s *sending) settle(n int, err error) {
	if err != nil {
		s.mu.Lock()
		if s.fault == nil {
			s.fault = err
		}
		s.mu.Unlock()
	}
	if s.left.Add(int64(-n)) == 0 {
		s.patience.Stop()
		close(s.done)
	}
}

// Publish sends messages and returns when all replicas that are in sync have
// them. A topic that does not exist is created. After Config.Timeout, or a
// fault of the connection that cannot be repaired, everything unsent is given
// up and the next call starts afresh.
func (b *Broker) Publish(ctx context.Context, messages ...broker.Message) error {
	if len(messages) == 0 {
		return nil
	}
	if err := broker.Validate(messages...); err != nil {
		return err
	}
	if err := b.prepare(ctx, messages); err != nil {
		return err
	}
	p, err := b.current()
	if err != nil {
		return err
	}
	s := &sending{done: make(chan struct{})}
	s.left.Store(int64(len(messages)))
	// The caller may leave early; what it left behind must not wait forever.
	s.patience = time.AfterFunc(b.config.Timeout, func() {
		b.discard(p, fmt.Errorf("not acknowledged within %s", b.config.Timeout))
	})
	p.send(ctx, s, messages)
	select {
	case <-s.done:
		if s.fault != nil {
			return b.fail(p, messages, s.fault)
		}
		return nil
	case <-p.dead:
		return fmt.Errorf("publish %d messages: %w", len(messages), p.cause)
	case <-ctx.Done():
		return fmt.Errorf("publish %d messages: %w", len(messages), ctx.Err())
	}
}

// fail returns the error of a message that was not delivered. Unless the fault
// lies with the message alone, nothing more goes through this producer.
func (b *Broker) fail(p *producer, messages []broker.Message, fault error) error {
	switch code(fault) {
	case ck.ErrMsgSizeTooLarge, ck.ErrInvalidMsg:
	case ck.ErrUnknownTopic, ck.ErrUnknownTopicOrPart, ck.ErrUnknownPartition:
		b.mu.Lock()
		for _, m := range messages {
			delete(b.topics, m.Topic) // to be created again
		}
		b.mu.Unlock()
	case ck.ErrNoError: // the caller's context
	default:
		b.discard(p, fault)
	}
	return fmt.Errorf("publish %d messages: %w", len(messages), fault)
}

// prepare creates the topics that this process has not seen yet.
func (b *Broker) prepare(ctx context.Context, messages []broker.Message) error {
	var missing []broker.Topic
	b.mu.Lock()
	for i, m := range messages {
		if (i == 0 || m.Topic != messages[i-1].Topic) && !b.topics[m.Topic] {
			missing = append(missing, broker.Topic{Name: m.Topic})
		}
	}
	b.mu.Unlock()
	return b.CreateTopics(ctx, missing...)
}

// send hands messages to the client, in order. After one that it does not take
// it stops, and settles the rest.
func (p *producer) send(ctx context.Context, s *sending, messages []broker.Message) {
	p.using.RLock()
	defer p.using.RUnlock()
	for i, m := range messages {
		record := encode(m)
		record.Opaque = s
		if err := p.produce(ctx, record); err != nil {
			s.settle(len(messages)-i, err)
			return
		}
	}
}

// produce hands over one record; it waits while the client holds as many as it
// may.
func (p *producer) produce(ctx context.Context, record *ck.Message) error {
	for {
		err := p.client.Produce(record, nil)
		if code(err) != ck.ErrQueueFull {
			return err
		}
		select {
		case <-time.After(time.Millisecond):
		case <-p.dead:
			return p.cause
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// code returns what kind of error of librdkafka err is, ErrNoError for others.
func code(err error) ck.ErrorCode {
	fault, _ := errors.AsType[ck.Error](err)
	return fault.Code()
}

// current returns the producer, and makes one when there is none.
func (b *Broker) current() (*producer, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, fmt.Errorf("publish: %w", broker.ErrClosed)
	}
	if b.producer != nil {
		return b.producer, nil
	}
	client, err := ck.NewProducer(b.config.settings(ck.ConfigMap{
		"enable.idempotence":                true,
		"enable.gapless.guarantee":          true, // what fails for good must not be overtaken by what follows
		"acks":                              "all",
		"linger.ms":                         strconv.FormatFloat(float64(b.config.Linger)/1e6, 'f', -1, 64),
		"message.timeout.ms":                0, // one that expires would be overtaken by its successors
		"partitioner":                       "murmur2_random",
		"compression.type":                  "lz4",
		"retry.backoff.ms":                  50,
		"topic.metadata.propagation.max.ms": 10000,
		"queue.buffering.max.messages":      200000,
		"go.delivery.report.fields":         "none",
		"go.events.channel.size":            1000,
		"go.produce.channel.size":           0,
	}))
	if err != nil {
		return nil, fmt.Errorf("make a kafka producer: %w", err)
	}
	b.producer = &producer{client: client, dead: make(chan struct{})}
	go b.listen(b.producer)
	return b.producer, nil
}

// listen settles deliveries until the client is closed.
func (b *Broker) listen(p *producer) {
	faults := newFaults(b.config.Logger, "producer")
	for event := range p.client.Events() {
		switch e := event.(type) {
		case *ck.Message:
			if e.TopicPartition.Error == nil {
				faults.clear()
			}
			if s, ok := e.Opaque.(*sending); ok {
				s.settle(1, e.TopicPartition.Error)
			}
		case ck.Error:
			faults.report(e)
			if e.IsFatal() {
				b.discard(p, e)
			}
		}
	}
}

// discard has no more messages go through p, and closes it. All that wait for p
// get the cause.
func (b *Broker) discard(p *producer, cause error) {
	p.once.Do(func() {
		b.mu.Lock()
		if b.producer == p {
			b.producer = nil
		}
		b.discards.Add(1)
		b.mu.Unlock()
		p.cause = cause
		close(p.dead)
		go func() {
			defer b.discards.Done()
			p.using.Lock() // not while a message is handed over
			defer p.using.Unlock()
			_ = p.client.Purge(ck.PurgeQueue | ck.PurgeInFlight | ck.PurgeNonBlocking)
			p.client.Close()
		}()
	})
}
