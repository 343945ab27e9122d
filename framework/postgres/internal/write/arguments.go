package write

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/minos-framework/minos-go/framework/unit"
)

// Arguments returns the shape of a batch and the arguments of its statement: an
// array for each column, part by part.
func Arguments(b *unit.Batch) (s Shape, args []any) {
	args = make([]any, 0, 16)
	add := func(p part, rows int, columns func() []any) {
		if rows > 0 {
			s |= 1 << p
			args = append(args, columns()...)
		}
	}
	fresh, known := split(b.States)
	log := logRows(b.Sagas)
	add(receipts, len(b.Receipts), func() []any { return receiptColumns(b.Receipts) })
	add(creates, len(fresh), func() []any { return stateColumns(fresh, false) })
	add(updates, len(known), func() []any { return stateColumns(known, true) })
	add(sagas, len(b.Sagas), func() []any { return sagaColumns(b.Sagas) })
	add(sagaLog, len(log), func() []any { return logColumns(log) })
	add(events, len(b.Events), func() []any { return eventColumns(b.Events) })
	add(messages, len(b.Messages), func() []any { return messageColumns(b.Messages) })
	return s, args
}

// split separates the aggregates that are new from those that are known, which
// come after them.
func split(states []unit.State) (fresh, known []unit.State) {
	first := slices.IndexFunc(states, func(s unit.State) bool { return s.Base > 0 })
	if first < 0 {
		return states, nil
	}
	return states[:first], states[first:]
}

// column takes a value of each row.
func column[R, T any](rows []R, value func(r *R) T) pgtype.FlatArray[T] {
	values := make(pgtype.FlatArray[T], len(rows))
	for i := range rows {
		values[i] = value(&rows[i])
	}
	return values
}

// UUID is how a UUID is passed.
func UUID(id uuid.UUID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: true} }

func receiptColumns(rows []unit.Receipt) []any {
	return []any{
		column(rows, func(r *unit.Receipt) pgtype.UUID { return UUID(r.Message) }),
		column(rows, func(r *unit.Receipt) string { return r.Topic }),
	}
}

// stateColumns has the number of steps too for aggregates that are known.
func stateColumns(rows []unit.State, known bool) []any {
	columns := []any{
		column(rows, func(s *unit.State) string { return s.Name }),
		column(rows, func(s *unit.State) pgtype.UUID { return UUID(s.Aggregate) }),
		column(rows, func(s *unit.State) int32 { return int32(s.Version) }),
	}
	if known {
		columns = append(columns, column(rows, func(s *unit.State) int32 { return int32(s.Version - s.Base) }))
	}
	return append(columns,
		column(rows, func(s *unit.State) int32 { return int32(s.Schema) }),
		column(rows, func(s *unit.State) []byte { return s.Data }),
		column(rows, func(s *unit.State) time.Time { return s.CreatedAt }),
		column(rows, func(s *unit.State) time.Time { return s.UpdatedAt }),
	)
}

func sagaColumns(rows []unit.Execution) []any {
	return []any{
		column(rows, func(e *unit.Execution) pgtype.UUID { return UUID(e.ID) }),
		column(rows, func(e *unit.Execution) string { return e.Definition }),
		column(rows, func(e *unit.Execution) int32 { return int32(e.Revision) }),
		column(rows, func(e *unit.Execution) int32 { return int32(e.Revision - e.Base) }),
		column(rows, func(e *unit.Execution) string { return e.Status }),
		column(rows, func(e *unit.Execution) int64 { return microseconds(e.Timeout) }),
		column(rows, func(e *unit.Execution) []byte { return e.Data }),
	}
}

// microseconds rounds up: a timeout is never early, and never none.
func microseconds(d time.Duration) int64 {
	return int64((d + time.Microsecond - 1) / time.Microsecond)
}

// logRow is one entry of a saga's history, placed by the revision that it was
// committed with.
type logRow struct {
	saga            uuid.UUID
	revision, place int
	data            json.RawMessage
}

func logRows(sagas []unit.Execution) (rows []logRow) {
	for _, e := range sagas {
		for i, data := range e.Log {
			rows = append(rows, logRow{saga: e.ID, revision: e.Revision, place: i, data: data})
		}
	}
	return rows
}

func logColumns(rows []logRow) []any {
	return []any{
		column(rows, func(r *logRow) pgtype.UUID { return UUID(r.saga) }),
		column(rows, func(r *logRow) int32 { return int32(r.revision) }),
		column(rows, func(r *logRow) int32 { return int32(r.place) }),
		column(rows, func(r *logRow) []byte { return r.data }),
	}
}

func eventColumns(rows []unit.Event) []any {
	return []any{
		column(rows, func(e *unit.Event) pgtype.UUID { return UUID(e.Aggregate) }),
		column(rows, func(e *unit.Event) int32 { return int32(e.Version) }),
		column(rows, func(e *unit.Event) string { return e.Name }),
		column(rows, func(e *unit.Event) string { return string(e.Action) }),
		column(rows, func(e *unit.Event) int32 { return int32(e.Schema) }),
		column(rows, func(e *unit.Event) []byte { return e.Data }),
		column(rows, func(e *unit.Event) []byte { return Headers(e.Headers) }),
		column(rows, func(e *unit.Event) time.Time { return e.CreatedAt }),
	}
}

func messageColumns(rows []unit.Message) []any {
	return []any{
		column(rows, func(m *unit.Message) pgtype.UUID { return UUID(m.ID) }),
		column(rows, func(m *unit.Message) string { return m.Topic }),
		column(rows, func(m *unit.Message) string { return m.Key }),
		column(rows, func(m *unit.Message) string { return m.ReplyTo }),
		column(rows, func(m *unit.Message) int32 { return int32(m.Status) }),
		column(rows, func(m *unit.Message) []byte { return m.Content }),
		column(rows, func(m *unit.Message) []byte { return Headers(m.Headers) }),
	}
}

// Headers is how headers are passed: those of which there are none are left out.
func Headers(headers map[string]string) []byte {
	if len(headers) == 0 {
		return nil
	}
	data, _ := json.Marshal(headers) // a map of strings always encodes
	return data
}
