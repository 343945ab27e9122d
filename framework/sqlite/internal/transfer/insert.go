package transfer

import (
	"time"

	"github.com/minos-framework/minos-go/framework/dump"
	"github.com/minos-framework/minos-go/framework/sqlite/internal/row"
)

// Insert returns the statement that stores the n-th record of a dump. Its text
// is the same for all records of a kind; there is none for a record of no kind,
// which no dump has.
func Insert(r dump.Record, n int) (text string, args []any) {
	switch {
	case r.Event != nil:
		e := r.Event
		text = `INSERT INTO minos_event (seq, aggregate, version, name, action, schema, data, headers, created_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
		args = []any{
			e.Seq, e.Aggregate[:], e.Version, e.Name, string(e.Action), e.Schema,
			row.JSON(e.Data), row.Headers(e.Headers), e.CreatedAt.UnixMicro(),
		}
	case r.Message != nil:
		m := r.Message
		text = `INSERT INTO minos_message (seq, id, topic, key, reply_to, status, content, headers)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
		args = []any{
			m.Seq, m.ID[:], m.Topic, m.Key, m.ReplyTo, m.Status, row.JSON(m.Content), row.Headers(m.Headers),
		}
	case r.Snapshot != nil:
		s := r.Snapshot
		text = `INSERT INTO minos_snapshot (name, aggregate, version, schema, data, created_at, updated_at)
			VALUES (?, ?, ?, ?, ?, ?, ?)`
		args = []any{
			s.Name, s.Aggregate[:], s.Version, s.Schema, row.JSON(s.Data), s.CreatedAt.UnixMicro(), s.UpdatedAt.UnixMicro(),
		}
	case r.Receipt != nil:
		text = "INSERT INTO minos_receipt (message, topic, settled_at) VALUES (?, ?, ?)"
		args = []any{r.Receipt.Message[:], r.Receipt.Topic, r.Receipt.SettledAt.UnixMicro()}
	case r.Saga != nil:
		s := r.Saga
		text = "INSERT INTO minos_saga (id, definition, revision, status, deadline, data) VALUES (?, ?, ?, ?, ?, ?)"
		args = []any{s.ID[:], s.Definition, s.Revision, s.Status, deadline(s.Deadline), row.JSON(s.Data)}
	case r.Entry != nil: // of revision 0, which is before what the saga will add
		text = "INSERT INTO minos_saga_log (saga, revision, place, at, data) VALUES (?, 0, ?, ?, ?)"
		args = []any{r.Entry.Saga[:], n, r.Entry.At.UnixMicro(), row.JSON(r.Entry.Data)}
	case r.Cursor != nil:
		text = "INSERT INTO minos_cursor (name, epoch, position) VALUES (?, 0, ?)"
		args = []any{r.Cursor.Name, r.Cursor.Position}
	case r.Key != nil:
		text = "INSERT INTO minos_subject_key (subject, wrapped) VALUES (?, ?)"
		args = []any{r.Key.Subject, r.Key.Wrapped}
	}
	return text, args
}

// deadline is a saga's deadline as SQLite stores it: NULL when there is none.
func deadline(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at.Round(time.Microsecond).UnixMicro()
}
