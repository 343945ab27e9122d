package local_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/minos-framework/minos-go/deploy/local"
)

// The services' client against the broker, with what they rely on: topics made
// by hand, an idempotent producer, a consumer group, and both kinds of state
// after the broker's process was killed.
//
//nolint:paralleltest,tparallel // the subtests are steps of one broker's life
func TestOpenBroker(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a broker")
	child := startRole(t, "broker", dir)
	addr := child.line(t)
	createTopic(t, addr, "FooCreated", 3)
	produce(t, addr, "FooCreated", 0, 600)
	first := consume(t, addr, "FooCreated", 200)
	if len(first) != 200 {
		t.Fatalf("%d messages", len(first))
	}
	child.kill(t)

	broker, err := local.OpenBroker(dir, local.BrokerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	t.Run("has the port that it had", func(t *testing.T) {
		if broker.Addr() != addr {
			t.Errorf("%s became %s", addr, broker.Addr())
		}
	})
	t.Run("has kept messages and offsets over a kill", func(t *testing.T) {
		produce(t, addr, "FooCreated", 600, 700)
		rest := consume(t, addr, "FooCreated", 500)
		for key := range first {
			if rest[key] {
				t.Errorf("%s came twice", key)
			}
		}
		if len(rest) != 500 {
			t.Errorf("%d messages", len(rest))
		}
	})
	t.Run("makes no topic that nobody created", func(t *testing.T) {
		producer := newProducer(t, addr)
		err := producer.Produce(&kafka.Message{TopicPartition: partition("Unknown")}, nil)
		if err != nil {
			t.Fatal(err)
		}
		report := (<-producer.Events()).(*kafka.Message)
		e, ok := errors.AsType[kafka.Error](report.TopicPartition.Error)
		if !ok || e.Code() != kafka.ErrUnknownTopicOrPart {
			t.Errorf("got %v", report.TopicPartition.Error)
		}
	})
	t.Run("lets a group go on after a member died without leaving", func(t *testing.T) {
		member := startRole(t, "member", addr)
		if line := member.line(t); line != "joined" {
			t.Fatalf("got %q", line)
		}
		member.kill(t)
		broker.Close()
		again, err := local.OpenBroker(dir, local.BrokerConfig{})
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		// Were the dead member kept, its session would outlast the deadline.
		produce(t, again.Addr(), "FooCreated", 700, 710)
		if got := consume(t, again.Addr(), "FooCreated", 10); len(got) != 10 {
			t.Errorf("%d messages", len(got))
		}
	})
}

func TestOpenBroker_port(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	write(t, filepath.Join(dir, "port"), strconv.Itoa(taken.Addr().(*net.TCPAddr).Port))
	broker, err := local.OpenBroker(dir, local.BrokerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	if broker.Addr() == taken.Addr().String() ||
		broker.Addr() != net.JoinHostPort(broker.Host(), strconv.Itoa(broker.Port())) {
		t.Errorf("listens on %s", broker.Addr())
	}
	if got := strings.TrimSpace(read(t, filepath.Join(dir, "port"))); got != strconv.Itoa(broker.Port()) {
		t.Errorf("keeps port %s", got)
	}
}

func createTopic(t *testing.T, addr, topic string, partitions int) {
	t.Helper()
	admin, err := kafka.NewAdminClient(&kafka.ConfigMap{"bootstrap.servers": addr})
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	results, err := admin.CreateTopics(t.Context(), []kafka.TopicSpecification{
		{Topic: topic, NumPartitions: partitions, ReplicationFactor: 1},
	})
	if err != nil || results[0].Error.Code() != kafka.ErrNoError {
		t.Fatalf("create %s: %v %v", topic, results, err)
	}
}

func newProducer(t *testing.T, addr string) *kafka.Producer {
	t.Helper()
	producer, err := kafka.NewProducer(&kafka.ConfigMap{
		"bootstrap.servers": addr, "enable.idempotence": true, "topic.metadata.propagation.max.ms": 500,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(producer.Close)
	return producer
}

// produce sends messages with the keys from..to-1 and sees each acknowledged.
func produce(t *testing.T, addr, topic string, from, to int) {
	t.Helper()
	producer := newProducer(t, addr)
	for i := from; i < to; i++ {
		message := &kafka.Message{TopicPartition: partition(topic), Key: fmt.Append(nil, "key-", i)}
		if err := producer.Produce(message, nil); err != nil {
			t.Fatal(err)
		}
	}
	for range to - from {
		report := (<-producer.Events()).(*kafka.Message)
		if report.TopicPartition.Error != nil {
			t.Fatal(report.TopicPartition.Error)
		}
	}
}

func partition(topic string) kafka.TopicPartition {
	return kafka.TopicPartition{Topic: &topic, Partition: kafka.PartitionAny}
}

// subscribe makes a member whose session outlasts a test.
func subscribe(addr, topic string) (*kafka.Consumer, error) {
	consumer, err := kafka.NewConsumer(&kafka.ConfigMap{
		"bootstrap.servers": addr, "group.id": "foo", "auto.offset.reset": "earliest",
		"enable.auto.commit": false, "session.timeout.ms": 120000,
	})
	if err != nil {
		return nil, err
	}
	return consumer, consumer.Subscribe(topic, nil)
}

// consume reads n messages as a member of the group, commits them and returns
// their keys.
func consume(t *testing.T, addr, topic string, n int) map[string]bool {
	t.Helper()
	consumer, err := subscribe(addr, topic)
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close() // leaves the group
	keys := map[string]bool{}
	begin := time.Now()
	for len(keys) < n && time.Since(begin) < deadline {
		message, err := consumer.ReadMessage(time.Second)
		if err != nil {
			continue // a timeout; the deadline bounds them
		}
		keys[string(message.Key)] = true
		if _, err := consumer.CommitMessage(message); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}

// holdBroker is the child of the tests that kill a broker.
func holdBroker(dir string) {
	broker, err := local.OpenBroker(dir, local.BrokerConfig{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(broker.Addr())
	<-context.Background().Done()
}

// holdMember is the child that joins a group and never leaves it.
func holdMember(addr string) {
	consumer, err := subscribe(addr, "FooCreated")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	joined := false
	for {
		consumer.Poll(100)
		assigned, err := consumer.Assignment()
		if !joined && err == nil && len(assigned) > 0 {
			joined = true
			fmt.Println("joined")
		}
	}
}
