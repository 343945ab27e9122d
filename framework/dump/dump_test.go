package dump_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/dump"
	"github.com/minos-framework/minos-go/framework/unit"
)

// one is a record of each kind, of the position 9.
func one() []dump.Record {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	id, saga := uuid.UUID{1}, uuid.UUID{2}
	return []dump.Record{
		{Event: &unit.Event{
			Seq: 3, Aggregate: id, Version: 1, Name: "Order", Action: unit.Create, Schema: 2,
			Data: json.RawMessage(`[{"name":"big","value":9007199254740993}]`), Headers: map[string]string{"user": "ann"}, CreatedAt: at,
		}},
		{Message: &dump.Message{Seq: 4, Message: unit.Message{
			ID: uuid.UUID{3}, Topic: "Orders", Key: "k", ReplyTo: "Reply", Status: 404, Content: json.RawMessage(`null`),
		}}},
		{Snapshot: &unit.Snapshot{Aggregate: id, Name: "Order", Version: 1, Schema: 2, CreatedAt: at, UpdatedAt: at}},
		{Receipt: &dump.Receipt{Topic: "Orders", Message: uuid.UUID{4}, SettledAt: at}},
		{Saga: &dump.Saga{ID: saga, Definition: "AddOrder", Revision: 2, Status: "running", Deadline: at, Data: json.RawMessage(`{"a":1}`)}},
		{Entry: &dump.Entry{Saga: saga, At: at, Data: json.RawMessage(`"begun"`)}},
		{Cursor: &dump.Cursor{Name: "relay", Position: 9}},
		{Key: &dump.Key{Subject: "ann", Wrapped: []byte{0, 1}}},
	}
}

func write(t *testing.T, position int64, records ...dump.Record) string {
	t.Helper()
	var text bytes.Buffer
	d, err := dump.NewWriter(&text, position)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := d.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestRead(t *testing.T) {
	t.Parallel()
	t.Run("gives back what was written", func(t *testing.T) {
		t.Parallel()
		want := one()
		d, err := dump.Read(strings.NewReader(write(t, 9, want...)))
		if err != nil {
			t.Fatal(err)
		}
		var got []dump.Record
		for r, err := range d.Records() {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, r)
		}
		if d.Position() != 9 || !reflect.DeepEqual(got, want) {
			t.Errorf("got position %d and %+v, want 9 and %+v", d.Position(), got, want)
		}
	})
	t.Run("reads a dump of the first version", func(t *testing.T) {
		t.Parallel()
		// This text is on disks: a change of it is another version of the form.
		const golden = `{"minos":{"format":1,"position":9}}
{"event":{"seq":3,"aggregate":"01000000-0000-0000-0000-000000000000","version":1,"name":"Order","action":"create","schema":2,"data":[{"name":"big","value":9007199254740993}],"headers":{"user":"ann"},"created_at":"2026-01-02T03:04:05.000006Z"}}
{"message":{"seq":4,"id":"03000000-0000-0000-0000-000000000000","topic":"Orders","key":"k","reply_to":"Reply","status":404,"content":null}}
{"snapshot":{"aggregate":"01000000-0000-0000-0000-000000000000","name":"Order","version":1,"schema":2,"created_at":"2026-01-02T03:04:05.000006Z","updated_at":"2026-01-02T03:04:05.000006Z"}}
{"receipt":{"topic":"Orders","message":"04000000-0000-0000-0000-000000000000","settled_at":"2026-01-02T03:04:05.000006Z"}}
{"saga":{"id":"02000000-0000-0000-0000-000000000000","definition":"AddOrder","revision":2,"status":"running","deadline":"2026-01-02T03:04:05.000006Z","data":{"a":1}}}
{"entry":{"saga":"02000000-0000-0000-0000-000000000000","at":"2026-01-02T03:04:05.000006Z","data":"begun"}}
{"cursor":{"name":"relay","position":9}}
{"key":{"subject":"ann","wrapped":"AAE="}}
{"end":{"records":{"cursor":1,"entry":1,"event":1,"key":1,"message":1,"receipt":1,"saga":1,"snapshot":1}}}
`
		if got := write(t, 9, one()...); got != golden {
			t.Errorf("got %s", got)
		}
	})
}

func TestWriter_Write(t *testing.T) {
	t.Parallel()
	for sentence, spoil := range map[string]func(all []dump.Record) []dump.Record{
		"no kind":                     func([]dump.Record) []dump.Record { return []dump.Record{{}} },
		"two kinds":                   func(all []dump.Record) []dump.Record { all[0].Key = all[7].Key; return all },
		"an earlier kind":             func(all []dump.Record) []dump.Record { return append(all, all[6]) },
		"one twice":                   func(all []dump.Record) []dump.Record { return append(all, all[7]) },
		"a version that leaves a gap": func(all []dump.Record) []dump.Record { all[0].Event.Version = 2; return all },
		"an event without data":       func(all []dump.Record) []dump.Record { all[0].Event.Data = nil; return all },
		"a number beyond the order":   func(all []dump.Record) []dump.Record { all[1].Message.Seq = 10; return all },
		"a state behind its events":   func(all []dump.Record) []dump.Record { all[2].Snapshot.Version = 0; return all },
		"a saga without a revision":   func(all []dump.Record) []dump.Record { all[4].Saga.Revision = 0; return all },
		"an entry of no saga":         func(all []dump.Record) []dump.Record { all[5].Entry.Saga = uuid.UUID{9}; return all },
		"a cursor before the start":   func(all []dump.Record) []dump.Record { all[6].Cursor.Position = -1; return all },
		"a key of nothing":            func(all []dump.Record) []dump.Record { all[7].Key.Wrapped = nil; return all },
	} {
		t.Run("refuses "+sentence, func(t *testing.T) {
			t.Parallel()
			d, err := dump.NewWriter(new(bytes.Buffer), 9)
			if err != nil {
				t.Fatal(err)
			}
			var refused *dump.FormatError
			for _, r := range spoil(one()) {
				if err := d.Write(r); err != nil {
					if !errors.As(err, &refused) {
						t.Errorf("got %v, want a *FormatError", err)
					}
					break
				}
			}
			if refused == nil {
				t.Error("it was written")
			}
		})
	}
}

func TestWriter_Close(t *testing.T) {
	t.Parallel()
	t.Run("refuses events without a state", func(t *testing.T) {
		t.Parallel()
		d, err := dump.NewWriter(new(bytes.Buffer), 9)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Write(one()[0]); err != nil {
			t.Fatal(err)
		}
		if _, ok := errors.AsType[*dump.FormatError](d.Close()); !ok {
			t.Error("it was closed")
		}
	})
}
