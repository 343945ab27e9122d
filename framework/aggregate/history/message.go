package history

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/domain"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Messages returns what is published of a committed event: one message on
// FooCreated, FooUpdated or FooDeleted with the whole event and, of an update,
// one for each change on FooUpdated.<field> or, of an element of a set, on
// FooUpdated.<field>.create, .update or .delete. What the domain recorded is one
// message on Foo and the event's name. Their keys are the aggregate's id, and
// their IDs are the same each time.
func Messages(e unit.Event) ([]unit.Message, error) {
	past, ok := map[unit.Action]string{
		unit.Create: "Created", unit.Update: "Updated", unit.Delete: "Deleted", unit.Record: "",
	}[e.Action]
	if !ok {
		return nil, fmt.Errorf("event %d of %s %s: unknown action %q", e.Version, e.Name, e.Aggregate, e.Action)
	}
	diffs, err := Parse(e)
	if err != nil {
		return nil, fmt.Errorf("event %d of %s %s: %w", e.Version, e.Name, e.Aggregate, err)
	}
	if e.Action == unit.Record {
		name, _ := json.Marshal(diffs[0].Name) // a string always encodes
		content := slices.Concat([]byte(`"event":`), name, []byte(`,"content":`), diffs[0].Value)
		return []unit.Message{message(e, e.Name+diffs[0].Name, 0, content)}, nil
	}
	fields := []byte(`"fields_diff":`)
	topic := e.Name + past
	messages := []unit.Message{message(e, topic, 0, slices.Concat(fields, e.Data))}
	if e.Action != unit.Update {
		return messages, nil
	}
	same := map[string]int{} // messages so far, by topic
	for _, d := range diffs {
		topic := topic + "." + d.Name
		if d.Incremental() {
			topic += "." + string(d.Action)
		}
		single := slices.Concat(fields, Data([]FieldDiff{d}))
		messages = append(messages, message(e, topic, same[topic], single))
		same[topic]++
	}
	return messages, nil
}

// message is the nth of an event on a topic; rest is what its content ends with.
func message(e unit.Event, topic string, n int, rest []byte) unit.Message {
	content := make([]byte, 0, len(rest)+160)
	content = append(content, `{"uuid":"`...)
	content = append(content, e.Aggregate.String()...)
	content = append(content, `","name":`...)
	content = appendString(content, e.Name)
	content = append(content, `,"version":`...)
	content = strconv.AppendInt(content, int64(e.Version), 10)
	content = append(content, `,"action":`...)
	content = appendString(content, string(e.Action))
	content = append(content, `,"created_at":"`...)
	content = e.CreatedAt.UTC().AppendFormat(content, time.RFC3339Nano)
	content = append(content, `",`...)
	content = append(content, rest...)
	content = append(content, '}')
	id := strconv.AppendInt([]byte(topic+"/"), int64(e.Version), 10)
	if n > 0 {
		id = strconv.AppendInt(append(id, '/'), int64(n), 10)
	}
	return unit.Message{
		ID:      uuid.NewSHA1(e.Aggregate, id),
		Topic:   topic,
		Key:     e.Aggregate.String(),
		Content: content,
		Headers: e.Headers,
	}
}

func appendString(data []byte, s string) []byte {
	quoted, _ := json.Marshal(s) // a string always encodes
	return append(data, quoted...)
}

// Topics lists every topic that changes of a root are published on.
func Topics(shape *domain.Shape, records Records) []string {
	name := shape.Name
	topics := []string{name + "Created", name + "Updated", name + "Deleted"}
	for _, f := range shape.Fields {
		topic := name + "Updated." + f.Name
		topics = append(topics, topic)
		if f.Set == domain.NoSet || f.Sensitive {
			continue
		}
		topics = append(topics, topic+"."+string(unit.Create), topic+"."+string(unit.Delete))
		if f.Set == domain.SetOfEntities {
			topics = append(topics, topic+"."+string(unit.Update))
		}
	}
	for _, r := range records {
		topics = append(topics, name+r.Name)
	}
	return topics
}
