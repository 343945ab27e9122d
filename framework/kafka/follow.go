package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// follow has c read every partition of the topics from its present end, without
// a group. It waits until the broker says where that is.
func (b *Broker) follow(ctx context.Context, c *consumer, topics []string) error {
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		partitions, err := b.ends(ctx, topics)
		if err == nil {
			c.assign(ctx, partitions)
			if err := c.client.Assign(partitions); err != nil {
				return err
			}
			c.ready()
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if fault, ok := errors.AsType[ck.Error](err); ok {
			c.faults.report(fault)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ends returns the position behind the last record of every partition.
func (b *Broker) ends(ctx context.Context, topics []string) ([]ck.TopicPartition, error) {
	wanted := map[ck.TopicPartition]ck.OffsetSpec{}
	for _, topic := range topics {
		var metadata *ck.Metadata
		err := await(ctx, func() (err error) {
			metadata, err = b.admin.GetMetadata(&topic, false, milliseconds(ctx, 5*time.Second))
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("find topic %s: %w", topic, err)
		}
		found := metadata.Topics[topic]
		if found.Error.Code() != ck.ErrNoError {
			return nil, fmt.Errorf("find topic %s: %w", topic, found.Error)
		}
		for _, p := range found.Partitions {
			wanted[ck.TopicPartition{Topic: &topic, Partition: p.ID}] = ck.LatestOffsetSpec
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	found, err := b.admin.ListOffsets(ctx, wanted)
	if err != nil {
		return nil, fmt.Errorf("list offsets: %w", err)
	}
	var partitions []ck.TopicPartition
	for p, info := range found.ResultInfos {
		if info.Error.Code() != ck.ErrNoError {
			return nil, fmt.Errorf("list offsets of %s/%d: %w", *p.Topic, p.Partition, info.Error)
		}
		partitions = append(partitions, ck.TopicPartition{Topic: p.Topic, Partition: p.Partition, Offset: info.Offset})
	}
	return partitions, nil
}
