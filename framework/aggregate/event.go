package aggregate

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/model"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Event is what happened to one T, as handlers of FooCreated, FooUpdated,
// FooUpdated.bar and FooDeleted receive it.
type Event[T any] struct {
	UUID      UUID        `json:"uuid"`
	Name      string      `json:"name"`
	Version   int         `json:"version"`
	Action    unit.Action `json:"action"`
	CreatedAt time.Time   `json:"created_at"`
	// Fields holds every field of a create, the changed ones of an update, the
	// one field of FooUpdated.bar, and nothing of a delete.
	Fields []FieldDiff `json:"fields_diff"`
}

// FieldDiff is the new value of one field.
type FieldDiff struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

// Field returns the new value of a field, and false when the event does not
// hold the field or its value is not a V.
func Field[V, T any](e Event[T], name string) (V, bool) {
	var value V
	for _, f := range e.Fields {
		if f.Name == name {
			err := json.Unmarshal(f.Value, &value)
			return value, err == nil
		}
	}
	return value, false
}

// Messages returns what is published of a committed event: one message on
// FooCreated, FooUpdated or FooDeleted with the whole event and, of an update,
// one on FooUpdated.<field> for each changed field. Their keys are the
// aggregate's id, and their IDs are the same each time.
func Messages(e unit.Event) ([]unit.Message, error) {
	var fields []json.RawMessage
	if err := json.Unmarshal(e.Data, &fields); err != nil {
		return nil, fmt.Errorf("decode event %d of %s %s: %w", e.Version, e.Name, e.Aggregate, err)
	}
	past, ok := map[unit.Action]string{unit.Create: "Created", unit.Update: "Updated", unit.Delete: "Deleted"}[e.Action]
	if !ok {
		return nil, fmt.Errorf("event %d of %s %s: unknown action %q", e.Version, e.Name, e.Aggregate, e.Action)
	}
	topic := e.Name + past
	messages := []unit.Message{message(e, topic, e.Data)}
	if e.Action != unit.Update {
		return messages, nil
	}
	for _, raw := range fields {
		var f FieldDiff
		if err := json.Unmarshal(raw, &f); err != nil {
			return nil, fmt.Errorf("decode event %d of %s %s: %w", e.Version, e.Name, e.Aggregate, err)
		}
		single := make([]byte, 0, len(raw)+2)
		single = append(append(append(single, '['), raw...), ']')
		messages = append(messages, message(e, topic+"."+f.Name, single))
	}
	return messages, nil
}

func message(e unit.Event, topic string, fields json.RawMessage) unit.Message {
	content := make([]byte, 0, len(fields)+160)
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
	content = append(content, `","fields_diff":`...)
	content = append(content, fields...)
	content = append(content, '}')
	return unit.Message{
		ID:      uuid.NewSHA1(e.Aggregate, strconv.AppendInt([]byte(topic+"/"), int64(e.Version), 10)),
		Topic:   topic,
		Key:     e.Aggregate.String(),
		Content: content,
		Headers: e.Headers,
	}
}

// topics lists every topic that changes of a root are published on.
func topics(s *model.Shape) []string {
	all := []string{s.Name + "Created", s.Name + "Updated", s.Name + "Deleted"}
	for _, f := range s.Fields {
		all = append(all, s.Name+"Updated."+f.Name)
	}
	return all
}

func appendString(data []byte, s string) []byte {
	quoted, _ := json.Marshal(s) // a string always encodes
	return append(data, quoted...)
}
