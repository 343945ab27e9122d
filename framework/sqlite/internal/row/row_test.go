package row_test

import (
	"database/sql"
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
	_ "modernc.org/sqlite" // the driver of the tests' database

	"github.com/minos-framework/minos-go/framework/sqlite/internal/row"
	"github.com/minos-framework/minos-go/framework/unit"
)

// connect opens a database in memory with the tables of a store.
func connect(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1) // each connection would have a database of its own
	t.Cleanup(func() { _ = db.Close() })
	schema, err := os.ReadFile("../../schema/0001_store.sql")
	if err != nil {
		t.Fatal(err)
	}
	insert(t, db, string(schema))
	return db
}

func insert(t *testing.T, db *sql.DB, text string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), text, args...); err != nil {
		t.Fatal(err)
	}
}

func moment() time.Time { return time.Date(2024, 5, 1, 12, 0, 0, 123_456_000, time.UTC) }

func TestEvent(t *testing.T) {
	t.Parallel()
	db := connect(t)
	for i, headers := range []map[string]string{nil, {"user": "zoë\n", "": ""}} {
		want := unit.Event{
			Seq: int64(i) + 3, Aggregate: uuid.New(), Version: 2, Name: "Order", Action: unit.Update, Schema: 4,
			Data: json.RawMessage(`[1.10,"<"]`), Headers: headers, CreatedAt: moment(),
		}
		insert(t, db, `INSERT INTO minos_event
			(seq, aggregate, version, name, action, schema, data, headers, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			want.Seq, want.Aggregate[:], want.Version, want.Name, string(want.Action), want.Schema, row.JSON(want.Data),
			row.Headers(headers), want.CreatedAt.UnixMicro())
		got, err := row.Event(db.QueryRowContext(t.Context(), row.SelectEvents+"seq = ?", want.Seq))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
	if _, err := row.Event(db.QueryRowContext(t.Context(), row.SelectEvents+"false")); err == nil {
		t.Error("read an event that is not there")
	}
	insert(t, db, "UPDATE minos_event SET headers = '['")
	if _, err := row.Event(db.QueryRowContext(t.Context(), row.SelectEvents+"true")); err == nil {
		t.Error("read headers that are none")
	}
}

func TestMessage(t *testing.T) {
	t.Parallel()
	db := connect(t)
	for i, want := range []unit.Message{
		{ID: uuid.New(), Topic: "A.created"},
		{
			ID: uuid.New(), Topic: "A", Key: "k'1 ü", ReplyTo: "Reply", Status: 404,
			Content: json.RawMessage(`null`), Headers: map[string]string{"a": "b"},
		},
	} {
		insert(t, db, `INSERT INTO minos_message
			(seq, id, topic, key, reply_to, status, content, headers) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			i+1, want.ID[:], want.Topic, want.Key, want.ReplyTo, want.Status, row.JSON(want.Content),
			row.Headers(want.Headers))
		seq, got, err := row.Message(db.QueryRowContext(t.Context(), row.SelectMessages+"seq = ?", i+1))
		if err != nil || seq != int64(i)+1 || !reflect.DeepEqual(got, want) {
			t.Errorf("got %d, %+v, %v, want %+v", seq, got, err, want)
		}
	}
	if _, _, err := row.Message(db.QueryRowContext(t.Context(), row.SelectMessages+"false")); err == nil {
		t.Error("read a message that is not there")
	}
}

func TestSnapshot(t *testing.T) {
	t.Parallel()
	db := connect(t)
	for _, data := range []json.RawMessage{nil, json.RawMessage(`{"a":1.10}`)} {
		want := unit.Snapshot{
			Aggregate: uuid.New(), Name: "Order", Version: 2, Schema: 4, Data: data, CreatedAt: moment(),
			UpdatedAt: moment().Add(time.Microsecond),
		}
		insert(t, db, `INSERT INTO minos_snapshot
			(aggregate, name, version, schema, data, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			want.Aggregate[:], want.Name, want.Version, want.Schema, row.JSON(data), want.CreatedAt.UnixMicro(),
			want.UpdatedAt.UnixMicro())
		got, err := row.Snapshot(db.QueryRowContext(t.Context(), row.SelectSnapshots+"aggregate = ?", want.Aggregate[:]))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
}

func TestID_Scan(t *testing.T) {
	t.Parallel()
	want := uuid.New()
	var got row.ID
	if err := got.Scan(want[:]); err != nil || uuid.UUID(got) != want {
		t.Errorf("got %s, %v", uuid.UUID(got), err)
	}
	for _, other := range []any{nil, want.String(), want[:15], int64(1)} {
		if err := got.Scan(other); err == nil {
			t.Errorf("took %v", other)
		}
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	for _, none := range []map[string]string{nil, {}} {
		if got := row.Headers(none); got != nil {
			t.Errorf("got %v", got)
		}
	}
	text, _ := row.Headers(map[string]string{"a": "<"}).(string)
	var got map[string]string
	if err := json.Unmarshal([]byte(text), &got); err != nil || !maps.Equal(got, map[string]string{"a": "<"}) {
		t.Errorf("got %s, %v", text, err)
	}
}
