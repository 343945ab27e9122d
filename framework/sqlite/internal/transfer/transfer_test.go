package transfer_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	_ "modernc.org/sqlite" // the driver of the tests' database

	"github.com/minos-framework/minos-go/framework/dump"
	"github.com/minos-framework/minos-go/framework/sqlite/internal/transfer"
	"github.com/minos-framework/minos-go/framework/unit"
)

// begin starts a transaction on a database in memory with the tables of a store.
func begin(t *testing.T) *sql.Tx {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	tx, err := db.BeginTx(context.WithoutCancel(t.Context()), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback() })
	schema, err := os.ReadFile("../../schema/0001_store.sql")
	if err != nil {
		t.Fatal(err)
	}
	exec(t, tx, string(schema))
	return tx
}

func exec(t *testing.T, tx *sql.Tx, text string, args ...any) {
	t.Helper()
	if _, err := tx.ExecContext(t.Context(), text, args...); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

// insert stores records and moves the sequence past them.
func insert(t *testing.T, tx *sql.Tx, records []dump.Record) {
	t.Helper()
	for i, record := range records {
		text, args := transfer.Insert(record, i+1)
		exec(t, tx, text, args...)
	}
	exec(t, tx, "UPDATE minos_sequence SET last = 9")
}

// records are some of every kind, in the order of a dump.
func records() []dump.Record {
	at := time.Date(2024, 5, 1, 12, 0, 0, 123_456_000, time.UTC)
	order, gone, saga, other := uuid.UUID{1}, uuid.UUID{2}, uuid.UUID{3}, uuid.UUID{4}
	headers := map[string]string{"user": "zoë\n"}
	return []dump.Record{
		{Event: &unit.Event{
			Seq: 1, Aggregate: order, Version: 1, Name: "Order", Action: unit.Create, Schema: 2,
			Data: json.RawMessage(`[1.10]`), Headers: headers, CreatedAt: at,
		}},
		{Event: &unit.Event{
			Seq: 3, Aggregate: gone, Version: 1, Name: "Order", Action: unit.Delete, Data: json.RawMessage(`[]`), CreatedAt: at,
		}},
		{Message: &dump.Message{Seq: 2, Message: unit.Message{ID: uuid.UUID{5}, Topic: "A"}}},
		{Message: &dump.Message{Seq: 4, Message: unit.Message{
			ID: uuid.UUID{6}, Topic: "B", Key: "k'1 ü", ReplyTo: "Reply", Status: 404, Content: json.RawMessage(`[1.10]`),
			Headers: headers,
		}}},
		{Snapshot: &unit.Snapshot{
			Aggregate: order, Name: "Order", Version: 1, Schema: 2, Data: json.RawMessage(`{"n":1.10}`),
			CreatedAt: at, UpdatedAt: at.Add(time.Second),
		}},
		{Snapshot: &unit.Snapshot{Aggregate: gone, Name: "Order", Version: 1, CreatedAt: at, UpdatedAt: at}},
		{Receipt: &dump.Receipt{Message: uuid.UUID{7}, Topic: "A", SettledAt: at}},
		{Saga: &dump.Saga{
			ID: saga, Definition: "Buy", Revision: 2, Status: "paused", Deadline: at, Data: json.RawMessage(`{"step":1}`),
		}},
		{Saga: &dump.Saga{ID: other, Definition: "Buy", Revision: 1, Status: "finished"}},
		{Entry: &dump.Entry{Saga: saga, At: at, Data: json.RawMessage(`"second in the alphabet"`)}},
		{Entry: &dump.Entry{Saga: saga, At: at, Data: json.RawMessage(`"first"`)}},
		{Cursor: &dump.Cursor{Name: "relay", Position: 3}},
		{Key: &dump.Key{Subject: "ann", Wrapped: []byte("sealed\x00")}},
		{Key: &dump.Key{Subject: "bob", Forgotten: true}},
	}
}

// text is a dump of records.
func text(t *testing.T, position int64, records []dump.Record) string {
	t.Helper()
	var out strings.Builder
	d, err := dump.NewWriter(&out, position)
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range records {
		if err := d.Write(record); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestExport(t *testing.T) {
	t.Parallel()
	t.Run("gives back all that was inserted", func(t *testing.T) {
		t.Parallel()
		tx := begin(t)
		insert(t, tx, records())
		var got strings.Builder
		if err := transfer.Export(t.Context(), tx, &got); err != nil {
			t.Fatal(err)
		}
		if want := text(t, 9, records()); got.String() != want {
			t.Errorf("got %s, want %s", got.String(), want)
		}
	})
	t.Run("gives nothing of an empty store", func(t *testing.T) {
		t.Parallel()
		var got strings.Builder
		if err := transfer.Export(t.Context(), begin(t), &got); err != nil || got.String() != text(t, 0, nil) {
			t.Errorf("got %s, %v", got.String(), err)
		}
	})
	t.Run("returns the error of who takes it", func(t *testing.T) {
		t.Parallel()
		tx, broken := begin(t), errors.New("broken")
		insert(t, tx, records())
		reader, writer := io.Pipe()
		_ = reader.CloseWithError(broken)
		if err := transfer.Export(t.Context(), tx, writer); !errors.Is(err, broken) {
			t.Errorf("got %v, want %v", err, broken)
		}
	})
	t.Run("refuses rows that are spoiled, and tables that are not there", func(t *testing.T) {
		t.Parallel()
		for _, change := range []string{
			"UPDATE minos_event SET aggregate = 'none' WHERE seq = 1", "UPDATE minos_message SET headers = '['",
			"UPDATE minos_snapshot SET created_at = 'never'", "UPDATE minos_receipt SET message = x'00'",
			"UPDATE minos_saga SET revision = 0", "DROP TABLE minos_subject_key", "DROP TABLE minos_sequence",
		} {
			tx := begin(t)
			insert(t, tx, records())
			exec(t, tx, change)
			if err := transfer.Export(t.Context(), tx, io.Discard); err == nil {
				t.Errorf("took %s", change)
			}
		}
	})
}

func TestInsert(t *testing.T) {
	t.Parallel()
	t.Run("says the same for all records of a kind, which are prepared once", func(t *testing.T) {
		t.Parallel()
		texts := map[string]bool{}
		for i, record := range records() {
			text, _ := transfer.Insert(record, i)
			texts[text] = true
		}
		if len(texts) != 8 {
			t.Errorf("%d texts", len(texts))
		}
	})
	t.Run("says nothing for what is no record", func(t *testing.T) {
		t.Parallel()
		if text, args := transfer.Insert(dump.Record{}, 1); text != "" || args != nil {
			t.Errorf("got %s, %v", text, args)
		}
	})
	t.Run("leaves what a saga logs later behind what it brought", func(t *testing.T) {
		t.Parallel()
		tx := begin(t)
		insert(t, tx, records())
		var n int
		row := tx.QueryRowContext(t.Context(), "SELECT count(*) FROM minos_saga_log WHERE revision = 0")
		if err := row.Scan(&n); err != nil || n != 2 {
			t.Errorf("%d entries, %v", n, err)
		}
	})
}
