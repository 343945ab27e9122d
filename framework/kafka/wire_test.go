package kafka_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/kafka"
)

func TestWire(t *testing.T) {
	t.Parallel()
	t.Run("a record has the documented key, value and headers", func(t *testing.T) {
		t.Parallel()
		servers := newCluster(t).ListenAddrs()
		m := message("T"+uuid.NewString(), "key")
		m.ReplyTo, m.Status, m.Content = "FooReply", 409, json.RawMessage(`{"a": 1}`)
		m.Headers = map[string]string{"traceparent": "00-1-2-01", "status": "mine"}
		publish(t, open(t, kafka.Config{Servers: servers}), m)

		record := readRecord(t, servers, m.Topic)
		if string(record.Key) != "key" || string(record.Value) != `{"a": 1}` {
			t.Errorf("key %q, value %q", record.Key, record.Value)
		}
		var headers []string
		for _, h := range record.Headers {
			headers = append(headers, h.Key+"="+string(h.Value))
		}
		slices.Sort(headers)
		want := []string{
			"content-type=application/json", "header-status=mine", "identifier=" + m.ID.String(),
			"reply-topic=FooReply", "status=409", "traceparent=00-1-2-01",
		}
		if !slices.Equal(headers, want) {
			t.Errorf("headers %q, want %q", headers, want)
		}
	})
	t.Run("a message without content has a null value", func(t *testing.T) {
		t.Parallel()
		servers := newCluster(t).ListenAddrs()
		m := broker.Message{ID: uuid.New(), Topic: "T" + uuid.NewString()}
		publish(t, open(t, kafka.Config{Servers: servers}), m)
		record := readRecord(t, servers, m.Topic)
		if record.Value != nil || string(record.Key) != m.ID.String() || len(record.Headers) != 1 {
			t.Errorf("key %q, value %q, headers %v", record.Key, record.Value, record.Headers)
		}
	})
	t.Run("a foreign record is delivered with the same ID each time", func(t *testing.T) {
		t.Parallel()
		servers := newCluster(t).ListenAddrs()
		b := open(t, kafka.Config{Servers: servers, Partitions: 1})
		topic := "T" + uuid.NewString()
		if err := b.CreateTopics(t.Context(), broker.Topic{Name: topic}); err != nil {
			t.Fatal(err)
		}
		foreign := [][]ck.Header{nil, {{Key: "identifier", Value: []byte("nonsense")}, {Key: "status", Value: []byte("ok")}}}
		for _, headers := range foreign {
			writeRecord(t, servers, &ck.Message{
				TopicPartition: ck.TopicPartition{Topic: &topic, Partition: 0}, Value: []byte("not JSON"), Headers: headers,
			})
		}
		seen := map[uuid.UUID]int{}
		for _, group := range []string{"one", "two"} {
			got := make(chan broker.Message, 10)
			subscribe(t, b, group, topic, got)
			for range foreign {
				m := receive(t, got)
				seen[m.ID]++
				if string(m.Content) != "not JSON" || m.Key != m.ID.String() || m.Status != 0 {
					t.Errorf("delivered %+v", m)
				}
			}
		}
		if len(seen) != 2 || seen[uuid.Nil] != 0 {
			t.Errorf("two records had the IDs %v", seen)
		}
	})
}

func TestSubscribe_unknownTopic(t *testing.T) {
	t.Parallel()
	b := open(t, kafka.Config{
		Servers: newCluster(t).ListenAddrs(),
		Client:  map[string]string{"topic.metadata.refresh.interval.ms": "200"},
	})
	known, late := "T"+uuid.NewString(), "T"+uuid.NewString()
	publish(t, b, message(known, "key"))
	got := make(chan broker.Message, 10)
	stop := subscribeWith(t, b, broker.Subscription{
		Group: "group", Topics: []string{known, late},
		Handle: func(_ context.Context, m broker.Message) error {
			got <- m
			return nil
		},
	})
	defer stop()
	if m := receive(t, got); m.Topic != known {
		t.Errorf("received from %s", m.Topic)
	}
	publish(t, b, message(late, "key"))
	if m := receive(t, got); m.Topic != late {
		t.Errorf("received from %s", m.Topic)
	}
}

func TestSubscribe_backPressure(t *testing.T) {
	t.Parallel()
	b := open(t, kafka.Config{Servers: newCluster(t).ListenAddrs(), Partitions: 2})
	const messages, keys = 10_000, 50
	topic := "T" + uuid.NewString()
	for n := 0; n < messages; n += keys {
		var batch []broker.Message
		for k := range keys {
			m := message(topic, strings.Repeat("k", k+1))
			m.Content, _ = json.Marshal(n / keys)
			batch = append(batch, m)
		}
		publish(t, b, batch...)
	}
	// One key blocks until the others have come to a stand behind it.
	proceed, handled := make(chan struct{}), make(chan broker.Message, messages)
	stop := subscribeWith(t, b, broker.Subscription{
		Group: "group", Topics: []string{topic},
		Handle: func(_ context.Context, m broker.Message) error {
			if len(m.Key) == 1 {
				<-proceed
			}
			handled <- m
			return nil
		},
	})
	defer stop()
	next := map[string]int{}
	for count := range messages {
		if count == messages/10 {
			close(proceed)
		}
		m := receive(t, handled)
		if want, _ := json.Marshal(next[m.Key]); string(m.Content) != string(want) {
			t.Fatalf("message %s of key %q came where %s was due", m.Content, m.Key, want)
		}
		next[m.Key]++
	}
}

// readRecord returns the only record of a topic, read without our driver.
func readRecord(t *testing.T, servers []string, topic string) *ck.Message {
	t.Helper()
	client, err := ck.NewConsumer(&ck.ConfigMap{
		"bootstrap.servers": strings.Join(servers, ","), "group.id": "reader", "auto.offset.reset": "earliest",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.Subscribe(topic, nil); err != nil {
		t.Fatal(err)
	}
	record, err := client.ReadMessage(30 * time.Second)
	if err != nil {
		t.Fatalf("read a record: %v", err)
	}
	return record
}

// writeRecord writes a record without our driver.
func writeRecord(t *testing.T, servers []string, record *ck.Message) {
	t.Helper()
	client, err := ck.NewProducer(&ck.ConfigMap{"bootstrap.servers": strings.Join(servers, ",")})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	delivered := make(chan ck.Event, 1)
	if err := client.Produce(record, delivered); err != nil {
		t.Fatal(err)
	}
	if m := (<-delivered).(*ck.Message); m.TopicPartition.Error != nil {
		t.Fatal(errors.Unwrap(m.TopicPartition.Error))
	}
}
