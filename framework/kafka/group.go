package kafka

import (
	"context"
	"time"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// rebalance is called by the client within Poll, when partitions come or go.
func (b *Broker) rebalance(ctx context.Context, c *consumer, event ck.Event) error {
	switch e := event.(type) {
	case ck.AssignedPartitions:
		c.assign(ctx, e.Partitions)
		if c.client.GetRebalanceProtocol() == "COOPERATIVE" { // else the client assigns
			if err := c.client.IncrementalAssign(b.starts(ctx, c, e.Partitions)); err != nil {
				return err
			}
		}
		c.ready()
	case ck.RevokedPartitions:
		c.revoke(e.Partitions)
	}
	return nil
}

// starts returns the partitions with the offsets to start from: what the group
// committed, else the oldest. The client would find them by itself, but
// partition by partition, and the first would have the others wait (0.6 s until
// the first message of a new group; 20 ms so). Where an offset cannot be found
// it is left to the client.
func (b *Broker) starts(ctx context.Context, c *consumer, partitions []ck.TopicPartition) []ck.TopicPartition {
	const patience = 2 * time.Second
	if len(partitions) == 0 {
		return partitions
	}
	starts, err := c.client.Committed(partitions, int(patience.Milliseconds()))
	if err != nil {
		return partitions
	}
	unknown := map[ck.TopicPartition]ck.OffsetSpec{}
	for _, p := range starts {
		if p.Offset < 0 {
			unknown[ck.TopicPartition{Topic: p.Topic, Partition: p.Partition}] = ck.EarliestOffsetSpec
		}
	}
	if len(unknown) == 0 {
		return starts
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	found, err := b.admin.ListOffsets(ctx, unknown)
	if err != nil {
		return starts
	}
	oldest := map[place]ck.Offset{}
	for p, info := range found.ResultInfos {
		if info.Error.Code() == ck.ErrNoError {
			oldest[placeOf(p)] = info.Offset
		}
	}
	for i, p := range starts {
		if offset, ok := oldest[placeOf(p)]; ok && p.Offset < 0 {
			starts[i].Offset = offset
		}
	}
	return starts
}

// revoke ends the readers of partitions that go, and has their offsets
// committed, which the client does before another member may have them.
func (c *consumer) revoke(partitions []ck.TopicPartition) {
	leaving := map[place]*reader{}
	for _, p := range partitions {
		if r := c.readers[placeOf(p)]; r != nil {
			leaving[placeOf(p)] = r
		}
	}
	c.drain(leaving)
	if !c.client.AssignmentLost() {
		c.store()
	}
	for p, r := range leaving {
		delete(c.readers, p)
		if r.paused {
			c.paused--
		}
	}
}
