package unittest

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/saga"
	"github.com/minos-framework/minos-go/framework/unit"
)

func saveSaga(t *testing.T, s Store, row unit.Saga) {
	t.Helper()
	w := unit.New(nil)
	w.SaveSaga(row)
	commit(t, s, w)
}

// due polls until n executions are due; the test's own deadline bounds it.
func due(t *testing.T, s Store, n int) []uuid.UUID {
	t.Helper()
	for {
		ids, err := s.DueSagas(t.Context(), 100)
		if err != nil {
			t.Fatalf("due sagas: %v", err)
		}
		if len(ids) >= n {
			return ids
		}
	}
}

func runSaga(t *testing.T, open Opener) {
	test(t, open, "keeps the latest row and the whole log", func(t *testing.T, s Store) {
		row := execution(1)
		saveSaga(t, s, row)
		row.Revision, row.Status, row.Data = 2, "finished", json.RawMessage(`{"step":2}`)
		row.Log = []json.RawMessage{json.RawMessage(`{"n":1}`), json.RawMessage(`{"n":2}`)}
		saveSaga(t, s, row)
		row.Revision, row.Log = 3, nil
		saveSaga(t, s, row)
		got, err := s.Saga(t.Context(), row.ID)
		if err != nil {
			t.Fatal(err)
		}
		sameJSON(t, "data", got.Data, row.Data)
		got.Data = row.Data
		equal(t, "saga", got, row)
		log, err := s.SagaLog(t.Context(), row.ID)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "log entries", len(log), 3)
		for i, want := range []string{`{"begun":true}`, `{"n":1}`, `{"n":2}`} {
			sameJSON(t, "log entry", log[i].Data, []byte(want))
			if log[i].At.IsZero() || log[i].At.Location() != time.UTC {
				t.Errorf("log entry %d is of %v, want a time in UTC", i, log[i].At)
			}
		}
	})
	test(t, open, "does not find what is not there", func(t *testing.T, s Store) {
		if got, err := s.Saga(t.Context(), unit.NewID()); !errors.Is(err, saga.ErrNotFound) {
			t.Errorf("got %v, %v, want ErrNotFound", got, err)
		}
		log, err := s.SagaLog(t.Context(), unit.NewID())
		if err != nil || len(log) > 0 {
			t.Errorf("log: got %v, %v, want nothing", log, err)
		}
	})
	test(t, open, "tells whose deadline has passed, the earliest first", func(t *testing.T, s Store) {
		var want []uuid.UUID
		for range 3 {
			row := execution(1)
			row.Timeout = time.Microsecond
			saveSaga(t, s, row)
			want = append(want, row.ID)
			due(t, s, len(want)) // so that the next one's deadline is later
		}
		later, never := execution(1), execution(1)
		later.Timeout = time.Hour
		saveSaga(t, s, later)
		saveSaga(t, s, never)
		equal(t, "due", due(t, s, 3), want)
		first, err := s.DueSagas(t.Context(), 2)
		if err != nil || !slices.Equal(first, want[:2]) {
			t.Errorf("got %v, %v, want %v", first, err, want[:2])
		}
	})
	test(t, open, "sets the deadline anew with every commit", func(t *testing.T, s Store) {
		waiting, done, kept := execution(1), execution(1), execution(1)
		for _, row := range []*unit.Saga{&waiting, &done, &kept} {
			row.Timeout = time.Microsecond
			saveSaga(t, s, *row)
		}
		due(t, s, 3)
		waiting.Revision, waiting.Timeout = 2, time.Hour
		saveSaga(t, s, waiting)
		done.Revision, done.Timeout = 2, 0
		saveSaga(t, s, done)
		equal(t, "due", due(t, s, 1), []uuid.UUID{kept.ID})
	})
}
