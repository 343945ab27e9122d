package memory_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/unit"
	"github.com/minos-framework/minos-go/framework/unit/unittest"
)

func open(t *testing.T, config memory.Config) *memory.Store {
	t.Helper()
	s, err := memory.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	unittest.RunStore(t, func(t *testing.T) unittest.Store {
		t.Helper()
		return open(t, memory.Config{})
	})
}

func TestStore_Commit(t *testing.T) {
	t.Parallel()
	t.Run("refuses statements and stores nothing of the work", func(t *testing.T) {
		t.Parallel()
		s, w := open(t, memory.Config{}), unit.New(nil)
		w.Publish(unit.Message{Topic: "Orders"})
		w.Exec("DELETE FROM customer")
		if err := s.Commit(t.Context(), w); err == nil {
			t.Error("the statement was taken")
		}
		if entries, _, err := s.Pending(t.Context(), 0, 10); err != nil || len(entries) > 0 {
			t.Errorf("got %v, %v, want nothing", entries, err)
		}
	})
}

func TestStore_DueSagas(t *testing.T) {
	t.Parallel()
	t.Run("goes by the configured clock", func(t *testing.T) {
		t.Parallel()
		now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
		s := open(t, memory.Config{Now: func() time.Time { return now }})
		due := func() int {
			t.Helper()
			ids, err := s.DueSagas(t.Context(), 10)
			if err != nil {
				t.Fatal(err)
			}
			return len(ids)
		}
		w, id := unit.New(nil), unit.NewID()
		w.SaveSaga(unit.Saga{ID: id, Revision: 1, Timeout: time.Minute, Log: []json.RawMessage{json.RawMessage(`1`)}})
		if err := s.Commit(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Minute - 1)
		if n := due(); n != 0 {
			t.Errorf("%d are due before the deadline", n)
		}
		now = now.Add(1)
		if n := due(); n != 1 {
			t.Errorf("%d are due at the deadline, want 1", n)
		}
		log, err := s.SagaLog(t.Context(), id)
		if err != nil || !log[0].At.Equal(now.Add(-time.Minute)) {
			t.Errorf("got %v, %v, want an entry of the configured time", log, err)
		}
	})
}
