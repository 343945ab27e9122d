// Package unittest holds the conformance suite of stores: what every driver
// does for aggregates, the outbox and sagas, as tests. A driver's own tests run
// RunStore, and RunShared when several processes can open one database.
package unittest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"testing"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/dump"
	"github.com/minos-framework/minos-go/framework/privacy"
	"github.com/minos-framework/minos-go/framework/saga"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Store is all that a driver implements.
type Store interface {
	aggregate.Store
	broker.Outbox
	saga.Store
	dump.Store
	privacy.Keys
}

// Opener opens a store and closes it when the test ends.
type Opener func(t *testing.T) Store

// RunStore tests a store. Each call of open returns a store that is empty.
func RunStore(t *testing.T, open Opener) {
	t.Run("Commit", func(t *testing.T) { runCommit(t, open) })
	t.Run("Conflict", func(t *testing.T) { runConflict(t, open) })
	t.Run("Duplicate", func(t *testing.T) { runDuplicate(t, open) })
	t.Run("Reader", func(t *testing.T) { runReader(t, open) })
	t.Run("Selections", func(t *testing.T) { runSelections(t, open) })
	t.Run("Fields", func(t *testing.T) { runFields(t, open) })
	t.Run("Events", func(t *testing.T) { runEvents(t, open) })
	t.Run("Content", func(t *testing.T) { runContent(t, open) })
	t.Run("Pending", func(t *testing.T) { runPending(t, open) })
	t.Run("Lead", func(t *testing.T) { runLead(t, open) })
	t.Run("Saga", func(t *testing.T) { runSaga(t, open) })
	t.Run("Keys", func(t *testing.T) { runKeys(t, open) })
	t.Run("Dump", func(t *testing.T) { runDump(t, open) })
	t.Run("Concurrency", func(t *testing.T) { runConcurrency(t, open) })
}

// test runs a subtest on a store of its own.
func test(t *testing.T, open Opener, sentence string, fn func(t *testing.T, s Store)) {
	t.Helper()
	t.Run(sentence, func(t *testing.T) {
		t.Parallel()
		fn(t, open(t))
	})
}

// The name of the aggregates and of the topic that the suite uses.
const (
	name  = "Order"
	topic = "Orders"
)

// change stages version n of an aggregate whose state is state; nil deletes it.
func change(w *unit.Work, id uuid.UUID, n int, state json.RawMessage) *unit.Work {
	action := unit.Update
	switch {
	case state == nil:
		action = unit.Delete
	case n == 1:
		action = unit.Create
	}
	w.Append(unit.Event{
		Aggregate: id, Version: n, Name: name, Action: action, Schema: 1,
		Data: json.RawMessage(fmt.Sprintf(`[{"name":"n","value":%d}]`, n)), CreatedAt: w.Now(),
	}, unit.Snapshot{
		Aggregate: id, Name: name, Version: n, Data: state, CreatedAt: w.Now(), UpdatedAt: w.Now(),
	})
	return w
}

// changed is a work that stages version n of an aggregate.
func changed(id uuid.UUID, n int) *unit.Work {
	return change(unit.New(nil), id, n, json.RawMessage(fmt.Sprintf(`{"n":%d}`, n)))
}

func message() unit.Message {
	return unit.Message{ID: unit.NewID(), Topic: topic, Content: json.RawMessage(`{"a":1}`)}
}

func receipt() unit.Receipt { return unit.Receipt{Topic: topic, Message: unit.NewID()} }

func execution(revision int) unit.Saga {
	return unit.Saga{
		ID: unit.NewID(), Definition: "AddOrder", Revision: revision, Status: "running",
		Data: json.RawMessage(`{"step":1}`), Log: []json.RawMessage{json.RawMessage(`{"begun":true}`)},
	}
}

func commit(t *testing.T, s Store, works ...*unit.Work) {
	t.Helper()
	if err := s.Commit(t.Context(), works...); err != nil {
		t.Fatalf("commit: %v", err)
	}
}

// collect reads a sequence to its end.
func collect[T any](t *testing.T, items iter.Seq2[T, error]) []T {
	t.Helper()
	all := []T{}
	for item, err := range items {
		if err != nil {
			t.Fatalf("read: %v", err)
		}
		all = append(all, item)
	}
	return all
}

// pending reads the outbox from after to its end, a few entries at a time.
func pending(t *testing.T, s Store, after int64) []broker.Entry {
	t.Helper()
	var all []broker.Entry
	for {
		entries, position, err := s.Pending(t.Context(), after, 3)
		if err != nil {
			t.Fatalf("pending: %v", err)
		}
		if len(entries) == 0 {
			return all
		}
		all, after = append(all, entries...), position
	}
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %+v, want %+v", what, got, want)
	}
}

// sameJSON compares two JSON texts with all digits of their numbers.
func sameJSON(t *testing.T, what string, got, want []byte) {
	t.Helper()
	equal(t, what, decode(t, got), decode(t, want))
}

func decode(t *testing.T, data []byte) (v any) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&v); err != nil {
		t.Errorf("decode %q: %v", data, err)
	}
	return v
}
