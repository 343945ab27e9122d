package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/minos-framework/minos-go/framework/broker"
)

const (
	// A partition is not read while more than highMark of its messages wait,
	// until fewer than lowMark do. So a subscription holds at most highMark
	// messages for each partition, beside the client's own 16 MB.
	highMark = 1000
	lowMark  = 250

	// Nor is it read while there are more than wideMark messages from the first
	// unfinished one on, until fewer than narrowMark: other keys flow past one
	// that fails, so far. It costs 2.5 MB for each partition, and a restart then
	// delivers up to wideMark messages again that were finished.
	wideMark   = 50_000
	narrowMark = 25_000

	// pollTime bounds how long a stop goes unnoticed, and hurriedPollTime how
	// long a paused partition stays paused too long.
	pollTime        = 50 * time.Millisecond
	hurriedPollTime = 2 * time.Millisecond

	// storeEvery is how often finished offsets are handed to the client, which
	// commits them every commitEvery: a crash repeats what finished within both.
	storeEvery  = 100 * time.Millisecond
	commitEvery = 500 * time.Millisecond

	// closeTime bounds how long a stop waits for the broker.
	closeTime = 3 * time.Second
)

// place is one partition of one topic.
type place struct {
	topic     string
	partition int32
}

func placeOf(p ck.TopicPartition) place { return place{*p.Topic, p.Partition} }

func (p place) at(offset int64) ck.TopicPartition {
	return ck.TopicPartition{Topic: &p.topic, Partition: p.partition, Offset: ck.Offset(offset)}
}

// reader is what is read of one partition.
type reader struct {
	source *broker.Source
	stored int64 // the offset that the client was told to commit
	paused bool
	limit  int // of the window, for it to be read again
}

// consumer is one call of Subscribe. Everything happens in one goroutine, the
// one that polls, except what the lanes do.
type consumer struct {
	client  *ck.Consumer
	lanes   *broker.Lanes
	faults  *faults
	readers map[place]*reader
	paused  int // how many of the readers are
	ready   func()
	shared  bool // a member of a group, which remembers offsets
}

// Subscribe delivers messages until ctx ends. Finished messages are committed
// within a second, when a partition moves, and at the end.
func (b *Broker) Subscribe(ctx context.Context, s broker.Subscription) error {
	client, err := ck.NewConsumer(b.config.settings(b.config.consuming(s.Group)))
	if err != nil {
		return fmt.Errorf("make a kafka consumer for group %q: %w", s.Group, err)
	}
	c := &consumer{
		client: client,
		lanes: broker.NewLanes(s.Handle, broker.LanesConfig{
			Concurrency: b.config.Concurrency, Grace: b.config.Grace, Logger: b.config.Logger,
		}),
		faults:  newFaults(b.config.Logger, "consumer "+s.Group),
		readers: map[place]*reader{},
		ready: sync.OnceFunc(func() {
			if s.Ready != nil {
				s.Ready()
			}
		}),
		shared: s.Group != "",
	}
	if c.shared {
		err = client.SubscribeTopics(s.Topics, func(_ *ck.Consumer, event ck.Event) error {
			return b.rebalance(ctx, c, event)
		})
	} else {
		err = b.follow(ctx, c, s.Topics)
	}
	if err == nil {
		err = c.run(ctx)
	}
	c.drain(c.readers)
	c.store()
	// The client commits what was stored and leaves the group. Without a broker
	// that would last; the group finds out by itself then.
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	if closeErr := await(closing, client.Close); closeErr != nil {
		b.config.Logger.WarnContext(ctx, "kafka: consumer not closed in time", "group", s.Group, "error", closeErr)
	}
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("consume %v as group %q: %w", s.Topics, s.Group, err)
	}
	return nil
}

// consuming returns the settings of a consumer.
func (c Config) consuming(group string) ck.ConfigMap {
	settings := ck.ConfigMap{
		"enable.auto.offset.store": false,
		"enable.auto.commit":       group != "",
		"auto.commit.interval.ms":  int(commitEvery.Milliseconds()),
		"fetch.error.backoff.ms":   50,
		// One request at a time waits at a broker for data: a partition that
		// becomes readable meanwhile, as after a pause, waits behind it.
		"fetch.wait.max.ms":          100,
		"fetch.queue.backoff.ms":     10,
		"queued.max.messages.kbytes": 16 << 10,
		"queued.min.messages":        2 * highMark,
		// Topics that appear late, or come back, are seen within seconds.
		"topic.metadata.refresh.interval.ms": 10000,
	}
	if group == "" {
		settings["group.id"] = c.ClientID // required by the library, not used
		settings["auto.offset.reset"] = "latest"
	} else {
		settings["group.id"] = group
		settings["auto.offset.reset"] = "earliest"
		settings["partition.assignment.strategy"] = "cooperative-sticky"
		settings["session.timeout.ms"] = int(c.SessionTimeout.Milliseconds())
		// This is how soon a rebalance is noticed.
		settings["heartbeat.interval.ms"] = min(500, int(c.SessionTimeout.Milliseconds()/4))
		if c.Instance != "" {
			settings["group.instance.id"] = c.Instance
		}
	}
	return settings
}

// run polls until ctx ends or the client cannot go on.
func (c *consumer) run(ctx context.Context) error {
	for stored := time.Now(); ctx.Err() == nil; {
		wait := pollTime
		if c.paused > 0 {
			c.resume()
			wait = hurriedPollTime
		}
		switch e := c.client.Poll(int(wait.Milliseconds())).(type) {
		case *ck.Message:
			c.faults.clear()
			c.add(e)
		case ck.OffsetsCommitted:
			if fault, ok := errors.AsType[ck.Error](e.Error); ok && fault.Code() != ck.ErrNoOffset {
				c.faults.report(fault)
			}
		case ck.Error:
			if e.IsFatal() {
				return e
			}
			c.faults.report(e)
		}
		if now := time.Now(); now.Sub(stored) >= storeEvery {
			stored = now
			c.store()
		}
	}
	return nil
}

// add queues a record, and stops reading its partition when many wait or a
// restart would repeat many.
func (c *consumer) add(record *ck.Message) {
	if fault, ok := errors.AsType[ck.Error](record.TopicPartition.Error); ok {
		c.faults.report(fault)
		return
	}
	r := c.readers[placeOf(record.TopicPartition)]
	if r == nil { // revoked meanwhile
		return
	}
	waiting, window := r.source.Add(int64(record.TopicPartition.Offset), decode(record))
	if (waiting > highMark || window > wideMark) && !r.paused {
		if err := c.client.Pause([]ck.TopicPartition{record.TopicPartition}); err == nil {
			r.paused, r.limit = true, wideMark
			if window > wideMark {
				r.limit = narrowMark
			}
			c.paused++
		}
	}
}

// resume reads those partitions again of which few messages wait, and a restart
// would repeat few.
func (c *consumer) resume() {
	for p, r := range c.readers {
		if r.paused && r.source.Waiting() < lowMark && r.source.Window() <= r.limit {
			if err := c.client.Resume([]ck.TopicPartition{p.at(0)}); err == nil {
				r.paused = false
				c.paused--
			}
		}
	}
}

// store tells the client which offsets to commit.
func (c *consumer) store() {
	if !c.shared {
		return
	}
	var offsets []ck.TopicPartition
	for p, r := range c.readers {
		if next := r.source.Next(); next > r.stored {
			offsets = append(offsets, p.at(next))
		}
	}
	if len(offsets) == 0 {
		return
	}
	stored, err := c.client.StoreOffsets(offsets)
	if fault, ok := errors.AsType[ck.Error](err); ok {
		c.faults.report(fault)
	}
	for _, p := range stored {
		if r := c.readers[placeOf(p)]; r != nil && p.Error == nil {
			r.stored = int64(p.Offset)
		}
	}
}

// assign starts to read partitions.
func (c *consumer) assign(ctx context.Context, partitions []ck.TopicPartition) {
	c.faults.clear()
	for _, p := range partitions {
		c.readers[placeOf(p)] = &reader{source: c.lanes.Source(ctx), stored: -1}
	}
}

// drain waits until no handler of the readers runs.
func (c *consumer) drain(readers map[place]*reader) {
	var draining sync.WaitGroup
	for _, r := range readers {
		draining.Go(r.source.Drain)
	}
	draining.Wait()
}
