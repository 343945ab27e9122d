package unittest

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/saga"
	"github.com/minos-framework/minos-go/framework/unit"
)

// full is a work that stages one of each kind.
type full struct {
	*unit.Work

	id      uuid.UUID
	row     unit.Saga
	receipt unit.Receipt
	message unit.Message
}

func newFull(version int) full {
	f := full{id: unit.NewID(), row: execution(1), receipt: receipt(), message: message()}
	f.Work = changed(f.id, version)
	f.SaveSaga(f.row)
	f.Settle(f.receipt)
	f.Publish(f.message)
	return f
}

// expectAbsent fails when anything of f is stored.
func expectAbsent(t *testing.T, s Store, f full) {
	t.Helper()
	if _, err := s.Snapshot(t.Context(), name, f.id); !errors.Is(err, aggregate.ErrNotFound) {
		t.Errorf("snapshot: got %v, want ErrNotFound", err)
	}
	if events := collect(t, s.Events(t.Context(), aggregate.EventQuery{Aggregate: f.id})); len(events) > 0 {
		t.Errorf("history: got %v, want none", events)
	}
	if _, err := s.Saga(t.Context(), f.row.ID); !errors.Is(err, saga.ErrNotFound) {
		t.Errorf("saga: got %v, want ErrNotFound", err)
	}
	if log, err := s.SagaLog(t.Context(), f.row.ID); err != nil || len(log) > 0 {
		t.Errorf("saga log: got %v, %v, want none", log, err)
	}
	for _, e := range pending(t, s, 0) {
		if e.Event != nil && e.Event.Aggregate == f.id || e.Message != nil && e.Message.ID == f.message.ID {
			t.Errorf("outbox: got %+v, want nothing of the work", e)
		}
	}
	settle := unit.New(nil)
	settle.Settle(f.receipt)
	if err := s.Commit(t.Context(), settle); err != nil {
		t.Errorf("the receipt was stored: %v", err)
	}
}

// expectPresent fails when anything of f, at version 1, is not stored.
func expectPresent(t *testing.T, s Store, f full) {
	t.Helper()
	snapshot, err := s.Snapshot(t.Context(), name, f.id)
	if err != nil || snapshot.Version != 1 {
		t.Errorf("snapshot: got %+v, %v, want version 1", snapshot, err)
	}
	equal(t, "events in the history", len(collect(t, s.Events(t.Context(), aggregate.EventQuery{Aggregate: f.id}))), 1)
	if row, err := s.Saga(t.Context(), f.row.ID); err != nil || row.Revision != 1 {
		t.Errorf("saga: got %+v, %v, want revision 1", row, err)
	}
	log, err := s.SagaLog(t.Context(), f.row.ID)
	if err != nil || len(log) != 1 {
		t.Errorf("saga log: got %v, %v, want one entry", log, err)
	}
	found := 0
	for _, e := range pending(t, s, 0) {
		if e.Event != nil && e.Event.Aggregate == f.id || e.Message != nil && e.Message.ID == f.message.ID {
			found++
		}
	}
	equal(t, "entries in the outbox", found, 2)
	settle := unit.New(nil)
	settle.Settle(f.receipt)
	if _, ok := errors.AsType[*unit.DuplicateError](s.Commit(t.Context(), settle)); !ok {
		t.Error("the receipt was not stored")
	}
}

func runCommit(t *testing.T, open Opener) {
	test(t, open, "stores all kinds of records together", func(t *testing.T, s Store) {
		f := newFull(1)
		commit(t, s, f.Work)
		expectPresent(t, s, f)
	})
	test(t, open, "stores several works together", func(t *testing.T, s Store) {
		a, b, c := newFull(1), newFull(1), newFull(1)
		commit(t, s, a.Work, b.Work, c.Work)
		expectPresent(t, s, a)
		expectPresent(t, s, b)
		expectPresent(t, s, c)
	})
	test(t, open, "takes works that build on each other", func(t *testing.T, s Store) {
		id, row := unit.NewID(), execution(1)
		first, second := changed(id, 1), change(changed(id, 2), id, 3, json.RawMessage(`{"n":3}`))
		first.SaveSaga(row)
		row.Revision, row.Status = 2, "finished"
		second.SaveSaga(row)
		commit(t, s, first, second)
		snapshot, err := s.Snapshot(t.Context(), name, id)
		if err != nil || snapshot.Version != 3 {
			t.Errorf("got %+v, %v, want version 3", snapshot, err)
		}
		stored, err := s.Saga(t.Context(), row.ID)
		if err != nil || stored.Revision != 2 || stored.Status != "finished" {
			t.Errorf("got %+v, %v, want revision 2", stored, err)
		}
		log, err := s.SagaLog(t.Context(), row.ID)
		if err != nil || len(log) != 2 {
			t.Errorf("log: got %v, %v, want two entries", log, err)
		}
	})
	test(t, open, "does nothing for works that hold nothing", func(t *testing.T, s Store) {
		commit(t, s)
		commit(t, s, unit.New(nil), unit.New(nil))
		equal(t, "outbox", len(pending(t, s, 0)), 0)
	})
	test(t, open, "keeps no reference to the work", func(t *testing.T, s Store) {
		w := unit.New(map[string]string{"user": "ann"})
		id, state, m := unit.NewID(), json.RawMessage(`{"n":1}`), message()
		m.Content = json.RawMessage(`{"n":1}`)
		change(w, id, 1, state)
		w.Publish(m)
		commit(t, s, w)
		state[1], m.Content[1], w.Events[0].Headers["user"] = 'x', 'x', "eve"
		snapshot, err := s.Snapshot(t.Context(), name, id)
		if err != nil {
			t.Fatal(err)
		}
		sameJSON(t, "state", snapshot.Data, []byte(`{"n":1}`))
		entries := pending(t, s, 0)
		equal(t, "header", entries[0].Event.Headers["user"], "ann")
		sameJSON(t, "content", entries[1].Message.Content, []byte(`{"n":1}`))
	})
	test(t, open, "stores nothing under a context that has ended", func(t *testing.T, s Store) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		f := newFull(1)
		if err := s.Commit(ctx, f.Work); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
		expectAbsent(t, s, f)
	})
	runInvalid(t, open)
}

func runInvalid(t *testing.T, open Opener) {
	for sentence, spoil := range map[string]func(f full){
		"an event without its state":     func(f full) { f.Snapshots = nil },
		"a state without its event":      func(f full) { f.Events = nil },
		"a state of another version":     func(f full) { f.Snapshots[0].Version = 2 },
		"an event that is not JSON":      func(f full) { f.Events[0].Data = json.RawMessage(`[`) },
		"an event that is not a list":    func(f full) { f.Events[0].Data = json.RawMessage(`{}`) },
		"an event of no known action":    func(f full) { f.Events[0].Action = "merge" },
		"a state that is not JSON":       func(f full) { f.Snapshots[0].Data = json.RawMessage(`{"a":}`) },
		"a message that is not JSON":     func(f full) { f.Messages[0].Content = json.RawMessage(`"`) },
		"a saga that is not JSON":        func(f full) { f.Sagas[0].Data = json.RawMessage(`nil`) },
		"a saga log that is not JSON":    func(f full) { f.Sagas[0].Log[0] = json.RawMessage(``) },
		"a saga revision of 0":           func(f full) { f.Sagas[0].Revision = 0 },
		"an event version of 0":          func(f full) { f.Events[0].Version = 0 },
		"the character NUL in a state":   func(f full) { f.Snapshots[0].Data = json.RawMessage(`{"a":"x\u0000"}`) },
		"an event that is too long":      func(f full) { f.Events[0].Data = tooLong() },
		"a message that is too long":     func(f full) { f.Messages[0].Content = tooLong() },
		"headers that are too long":      func(f full) { f.Messages[0].Headers = map[string]string{"h": strings.Repeat("x", 9<<10)} },
		"a message without a topic":      func(f full) { f.Messages[0].Topic = "" },
		"a topic that no broker takes":   func(f full) { f.Messages[0].Topic = "with a space" },
		"a reply topic that none takes":  func(f full) { f.Messages[0].ReplyTo = "ä" },
		"a key that is not text":         func(f full) { f.Messages[0].Key = "a\xff" },
		"the character NUL in a key":     func(f full) { f.Messages[0].Key = "a\x00" },
		"NUL after an escaped backslash": func(f full) { f.Snapshots[0].Data = json.RawMessage(`{"a":"\\\u0000"}`) },
	} {
		test(t, open, "refuses "+sentence+" and stores nothing", func(t *testing.T, s Store) {
			f, innocent := newFull(1), newFull(1)
			spoil(f)
			err := s.Commit(t.Context(), innocent.Work, f.Work)
			_, conflict := errors.AsType[*unit.ConflictError](err)
			if err == nil || conflict {
				t.Errorf("got %v, want an error that is not a conflict", err)
			}
			expectAbsent(t, s, f)
			expectAbsent(t, s, innocent)
		})
	}
}

// tooLong is JSON of one byte more than a content may have.
func tooLong() json.RawMessage {
	return json.RawMessage(`"` + strings.Repeat("x", unit.MaxContent-1) + `"`)
}
