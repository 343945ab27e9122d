package unittest

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/unit"
)

func contextEnded(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx, cancel
}

// runContent checks that JSON comes back with the same meaning wherever it is
// stored.
func runContent(t *testing.T, open Opener) {
	for sentence, value := range map[string]string{
		"numbers beyond 2^53":         `[9007199254740993,-9223372036854775808,18446744073709551615,123456789012345678901234567890]`,
		"decimals with all digits":    `[0.1,1234567890.123456789012345678901234567890,-0.000000000000000000001]`,
		"text of all scripts":         `"Ærøskøbing 東京 🍊 \u0001 \" \\ / ' % _ ; --"`,
		"text with escaped backslash": `"\\u0000"`,
		"empty and nested values":     `{"a":[],"b":{},"c":"","d":null,"e":[[{"f":[true,false]}]],"":0}`,
		"a text of 900,000 bytes":     `"` + strings.Repeat("äx", 300_000) + `"`,
	} {
		test(t, open, "keeps "+sentence, func(t *testing.T, s Store) {
			want := json.RawMessage(value)
			object := json.RawMessage(`{"v":` + value + `}`)
			w, id, row, m := unit.New(nil), unit.NewID(), execution(1), message()
			change(w, id, 1, object)
			w.Events[0].Data = json.RawMessage(`[` + value + `]`)
			row.Data, row.Log, m.Content = want, []json.RawMessage{want}, want
			w.SaveSaga(row)
			w.Publish(m)
			commit(t, s, w)

			snapshot, err := s.Snapshot(t.Context(), name, id)
			if err != nil {
				t.Fatal(err)
			}
			sameJSON(t, "state", snapshot.Data, object)
			sameJSON(t, "event", collect(t, s.Events(t.Context(), aggregate.EventQuery{Aggregate: id}))[0].Data, []byte(`[`+value+`]`))
			stored, err := s.Saga(t.Context(), row.ID)
			if err != nil {
				t.Fatal(err)
			}
			sameJSON(t, "saga", stored.Data, want)
			log, err := s.SagaLog(t.Context(), row.ID)
			if err != nil {
				t.Fatal(err)
			}
			sameJSON(t, "saga log", log[0].Data, want)
			sameJSON(t, "message", pending(t, s, 0)[1].Message.Content, want)
		})
	}
	test(t, open, "keeps every field of a message", func(t *testing.T, s Store) {
		full := unit.Message{
			ID: unit.NewID(), Topic: "A_topic-1.created", Key: "k'1 ünïcode", ReplyTo: "Reply", Status: 404,
			Content: json.RawMessage(`[1,2]`), Headers: map[string]string{"é": "ü\n", "": ""},
		}
		bare := unit.Message{ID: unit.NewID(), Topic: topic}
		w := unit.New(nil)
		w.Publish(full, bare)
		commit(t, s, w)
		entries := pending(t, s, 0)
		sameJSON(t, "content", entries[0].Message.Content, full.Content)
		entries[0].Message.Content = full.Content
		equal(t, "message with all fields", *entries[0].Message, full)
		equal(t, "message with none", *entries[1].Message, bare)
	})
	test(t, open, "keeps headers of events, and none", func(t *testing.T, s Store) {
		headers := map[string]string{"traceparent": "00-ab-cd-01", "user": "zoë"}
		commit(t, s, change(unit.New(headers), unit.NewID(), 1, json.RawMessage(`{}`)))
		commit(t, s, changed(unit.NewID(), 1))
		entries := pending(t, s, 0)
		equal(t, "headers", entries[0].Event.Headers, headers)
		equal(t, "no headers", len(entries[1].Event.Headers), 0)
	})
}
