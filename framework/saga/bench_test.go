package saga_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/saga"
	"github.com/minos-framework/minos-go/framework/unit"
)

// slot is a store of one saga that costs nothing.
type slot struct {
	row  unit.Saga
	sent unit.Message
}

func (s *slot) Commit(_ context.Context, works ...*unit.Work) error {
	s.row = works[0].Sagas[0]
	if len(works[0].Messages) > 0 {
		s.sent = works[0].Messages[0]
	}
	return nil
}

func (s *slot) Saga(context.Context, uuid.UUID) (unit.Saga, error)          { return s.row, nil }
func (s *slot) DueSagas(context.Context, int) ([]uuid.UUID, error)          { return nil, nil }
func (s *slot) SagaLog(context.Context, uuid.UUID) ([]saga.LogEntry, error) { return nil, nil }
func (s *slot) reply() unit.Message {
	m := s.sent
	m.Topic, m.Status, m.Content = m.ReplyTo, http.StatusOK, []byte(`"IB 3456"`)
	return m
}

// BenchmarkManager is what two transitions of a saga of a remote and a local
// step cost beside the store.
func BenchmarkManager(b *testing.B) {
	store := &slot{}
	m, err := saga.NewManager(store, saga.Config{Service: "trips"})
	if err != nil {
		b.Fatal(err)
	}
	d := saga.New[trip]("Book").
		Remote("book", ask("Book")).OnSuccess(keep(flight)).OnFailure(ask("Cancel")).Timeout(time.Second).
		Local("note", do("noted")).
		Commit()
	if err := saga.Register(m, d); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := saga.Start(b.Context(), m, d, trip{Hotel: "Ritz"}); err != nil {
			b.Fatal(err)
		}
		if err := m.Deliver(b.Context(), store.reply()); err != nil {
			b.Fatal(err)
		}
	}
	if store.row.Status != string(saga.Finished) {
		b.Fatal(store.row.Status)
	}
	b.ReportMetric(float64(len(store.row.Data)), "bytes/row")
}
