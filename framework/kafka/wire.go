package kafka

import (
	"fmt"
	"strconv"
	"strings"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/broker"
)

// These names are on the wire: see the package comment.
const (
	headerID          = "identifier"
	headerReplyTo     = "reply-topic"
	headerStatus      = "status"
	headerContentType = "content-type"
	headerEscape      = "header-"
)

const contentTypeJSON = "application/json"

// encode returns the record of a message.
func encode(m broker.Message) *ck.Message {
	headers := make([]ck.Header, 0, 4+len(m.Headers))
	add := func(name, value string) {
		headers = append(headers, ck.Header{Key: name, Value: []byte(value)})
	}
	add(headerID, m.ID.String())
	if m.ReplyTo != "" {
		add(headerReplyTo, m.ReplyTo)
	}
	if m.Status != 0 {
		add(headerStatus, strconv.Itoa(m.Status))
	}
	if m.Content != nil {
		add(headerContentType, contentTypeJSON)
	}
	for name, value := range m.Headers {
		if reserved(name) || strings.HasPrefix(name, headerEscape) {
			name = headerEscape + name
		}
		add(name, value)
	}
	key := m.Key
	if key == "" {
		key = m.ID.String()
	}
	return &ck.Message{
		TopicPartition: ck.TopicPartition{Topic: &m.Topic, Partition: ck.PartitionAny},
		Key:            []byte(key),
		Value:          m.Content,
		Headers:        headers,
	}
}

// decode returns the message of a record; it takes any record.
func decode(r *ck.Message) broker.Message {
	m := broker.Message{Topic: *r.TopicPartition.Topic, Key: string(r.Key), Content: r.Value}
	for _, h := range r.Headers {
		value := string(h.Value)
		switch h.Key {
		case headerID:
			m.ID, _ = uuid.Parse(value) // not valid: derived below
		case headerReplyTo:
			m.ReplyTo = value
		case headerStatus:
			m.Status, _ = strconv.Atoi(value) // not valid: not a reply
		case headerContentType:
		default:
			if m.Headers == nil {
				m.Headers = make(map[string]string, len(r.Headers))
			}
			m.Headers[strings.TrimPrefix(h.Key, headerEscape)] = value
		}
	}
	if m.ID == uuid.Nil {
		place := fmt.Sprintf("kafka:%s/%d/%d", m.Topic, r.TopicPartition.Partition, r.TopicPartition.Offset)
		m.ID = uuid.NewSHA1(uuid.NameSpaceURL, []byte(place))
	}
	if m.Key == "" {
		m.Key = m.ID.String()
	}
	return m
}

func reserved(name string) bool {
	switch name {
	case headerID, headerReplyTo, headerStatus, headerContentType:
		return true
	}
	return false
}
