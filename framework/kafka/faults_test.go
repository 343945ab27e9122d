package kafka_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/kafka"
)

func TestBroker_deadBroker(t *testing.T) {
	t.Parallel()
	t.Run("Publish gives up, and Close and Subscribe end", func(t *testing.T) {
		t.Parallel()
		cluster := newCluster(t)
		b := open(t, kafka.Config{Servers: cluster.ListenAddrs(), Timeout: 500 * time.Millisecond})
		topic := "T" + uuid.NewString()
		got := make(chan broker.Message, 10)
		publish(t, b, message(topic, "key"))
		stop := subscribe(t, b, "group", topic, got)
		receive(t, got)
		cluster.Close()

		within(t, 5*time.Second, "Publish", func() {
			if err := b.Publish(t.Context(), message(topic, "key")); err == nil {
				t.Error("published to a broker that is gone")
			}
		})
		within(t, 6*time.Second, "Subscribe", stop)
		within(t, 5*time.Second, "Close", func() {
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			defer cancel()
			if err := b.Close(ctx); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	})
	t.Run("Open needs no broker, and all works once there is one", func(t *testing.T) {
		t.Parallel()
		port := freePort(t)
		b := open(t, kafka.Config{Servers: []string{address(port)}, Timeout: 20 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := b.Ping(ctx); err == nil {
			t.Error("a broker that is not there answered")
		}
		topic := "T" + uuid.NewString()
		got := make(chan broker.Message, 10)
		published := make(chan error, 1)
		go func() { published <- b.Publish(t.Context(), message(topic, "key")) }()
		newCluster(t, kfake.Ports(port))
		if err := <-published; err != nil {
			t.Errorf("publish: %v", err)
		}
		stop := subscribe(t, b, "group", topic, got)
		receive(t, got)
		stop()
	})
	t.Run("a broker that comes back is used again", func(t *testing.T) {
		t.Parallel()
		port, directory := freePort(t), t.TempDir()
		cluster := newCluster(t, kfake.Ports(port), kfake.DataDir(directory))
		logged := &counter{}
		b := open(t, kafka.Config{Servers: []string{address(port)}, Logger: slog.New(logged)})
		topic := "T" + uuid.NewString()
		publish(t, b, message(topic, "key"))
		got, replies := make(chan broker.Message, 10), make(chan broker.Message, 10)
		stops := []func(){subscribe(t, b, "group", topic, got), subscribe(t, b, "", topic, replies)}
		receive(t, got)
		cluster.Close()
		newCluster(t, kfake.Ports(port), kfake.DataDir(directory))

		second := message(topic, "key")
		publish(t, b, second)
		for _, m := range []broker.Message{receive(t, got), receive(t, replies)} {
			if m.ID != second.ID {
				t.Errorf("received %+v", m)
			}
		}
		if warnings := logged.get(slog.LevelWarn); warnings > 15 {
			t.Errorf("%d warnings for one fault of three clients", warnings)
		}
		for _, stop := range stops {
			stop()
		}
	})
}

func TestBroker_Publish(t *testing.T) {
	t.Parallel()
	t.Run("creates a topic that is missing, with the configured partitions", func(t *testing.T) {
		t.Parallel()
		cluster := newCluster(t)
		b := open(t, kafka.Config{Servers: cluster.ListenAddrs(), Partitions: 7})
		topic := "T" + uuid.NewString()
		publish(t, b, message(topic, "key"))
		if partitions := len(cluster.PartitionInfos(topic)); partitions != 7 {
			t.Errorf("%d partitions", partitions)
		}
	})
	for name, code := range map[string]int16{
		"OUT_OF_ORDER_SEQUENCE_NUMBER": kerr.OutOfOrderSequenceNumber.Code,
		"UNKNOWN_PRODUCER_ID":          kerr.UnknownProducerID.Code,
		"INVALID_PRODUCER_EPOCH":       kerr.InvalidProducerEpoch.Code,
		"KAFKA_STORAGE_ERROR":          kerr.KafkaStorageError.Code,
		"NOT_LEADER_FOR_PARTITION":     kerr.NotLeaderForPartition.Code,
		"MESSAGE_TOO_LARGE":            kerr.MessageTooLarge.Code,
	} {
		t.Run("works again after "+name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster(t)
			b := open(t, kafka.Config{Servers: cluster.ListenAddrs(), Timeout: 5 * time.Second})
			topic := "T" + uuid.NewString()
			publish(t, b, message(topic, "key"))
			cluster.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
				return refuse(request.(*kmsg.ProduceRequest), code), nil, true
			})
			sent := message(topic, "key")
			for attempt := 0; b.Publish(t.Context(), sent) != nil; attempt++ {
				if attempt == 3 {
					t.Fatal("published in vain four times")
				}
			}
			got := make(chan broker.Message, 10)
			subscribe(t, b, "group", topic, got)
			receive(t, got)
			if m := receive(t, got); m.ID != sent.ID {
				t.Errorf("received %+v", m)
			}
		})
	}
	t.Run("returns the error of a message that is too large, and goes on", func(t *testing.T) {
		t.Parallel()
		b := open(t, kafka.Config{Servers: newCluster(t).ListenAddrs()})
		large := message("T"+uuid.NewString(), "key")
		large.Content = []byte(`"` + strings.Repeat("x", 2<<20) + `"`)
		if err := b.Publish(t.Context(), large); err == nil {
			t.Error("published 2 MB where 1 MB is the limit")
		}
		publish(t, b, message(large.Topic, "key"))
	})
}

func TestOpen_invalid(t *testing.T) {
	t.Parallel()
	_, err := kafka.Open(t.Context(), kafka.Config{Partitions: -1, Replication: -2})
	if err == nil {
		t.Fatal("opened")
	}
	for _, field := range []string{"Servers", "Partitions", "Replication"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("%q does not name %s", err, field)
		}
	}
	if _, err := kafka.Open(t.Context(), kafka.Config{
		Servers: []string{"localhost:1"}, Client: map[string]string{"no.such.setting": "1"},
	}); err == nil || !strings.Contains(err.Error(), "no.such.setting") {
		t.Errorf("an unknown setting gives %v", err)
	}
}

// refuse answers every partition of a produce request with an error.
func refuse(request *kmsg.ProduceRequest, code int16) kmsg.Response {
	response := request.ResponseKind().(*kmsg.ProduceResponse)
	for _, topic := range request.Topics {
		answer := kmsg.NewProduceResponseTopic()
		answer.Topic, answer.TopicID = topic.Topic, topic.TopicID
		for _, partition := range topic.Partitions {
			p := kmsg.NewProduceResponseTopicPartition()
			p.Partition, p.ErrorCode = partition.Partition, code
			answer.Partitions = append(answer.Partitions, p)
		}
		response.Topics = append(response.Topics, answer)
	}
	return response
}

// counter counts log records by level.
type counter struct {
	mu     sync.Mutex
	counts map[slog.Level]int
}

func (c *counter) Enabled(context.Context, slog.Level) bool { return true }
func (c *counter) WithAttrs([]slog.Attr) slog.Handler       { return c }
func (c *counter) WithGroup(string) slog.Handler            { return c }
func (c *counter) Handle(_ context.Context, r slog.Record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = map[slog.Level]int{}
	}
	c.counts[r.Level]++
	return nil
}

func (c *counter) get(level slog.Level) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts[level]
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// within fails the test when call takes longer than limit.
func within(t *testing.T, limit time.Duration, what string, call func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		call()
	}()
	select {
	case <-done:
	case <-time.After(limit):
		t.Fatalf("%s took longer than %s", what, limit)
	}
}

func receive(t testing.TB, got <-chan broker.Message) broker.Message {
	t.Helper()
	select {
	case m := <-got:
		return m
	case <-time.After(30 * time.Second):
		t.Fatal("no message within 30 seconds")
		return broker.Message{}
	}
}

func publish(t testing.TB, b broker.Publisher, messages ...broker.Message) {
	t.Helper()
	if err := b.Publish(t.Context(), messages...); err != nil {
		t.Fatalf("publish: %v", err)
	}
}

// subscribe puts what is delivered into got. It returns when messages flow; the
// function that it returns ends the subscription.
func subscribe(t testing.TB, b *kafka.Broker, group, topic string, got chan<- broker.Message) (stop func()) {
	t.Helper()
	return subscribeWith(t, b, broker.Subscription{
		Group: group, Topics: []string{topic},
		Handle: func(_ context.Context, m broker.Message) error {
			got <- m
			return nil
		},
	})
}

func subscribeWith(t testing.TB, b *kafka.Broker, s broker.Subscription) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ready, ended := make(chan struct{}), make(chan error, 1)
	s.Ready = func() { close(ready) }
	go func() { ended <- b.Subscribe(ctx, s) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("subscribe: %v", err)
		}
	})
	t.Cleanup(stop)
	select {
	case <-ready:
	case <-time.After(30 * time.Second):
		t.Fatal("not ready within 30 seconds")
	}
	return stop
}
