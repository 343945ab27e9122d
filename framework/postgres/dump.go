package postgres

import (
	"context"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/minos-framework/minos-go/framework/dump"
	"github.com/minos-framework/minos-go/framework/postgres/internal/write"
)

// Export implements dump.Store. It holds a connection and an old snapshot, but
// no lock that a writer waits for, until w has taken all.
func (s *Store) Export(ctx context.Context, w io.Writer) error {
	moment := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, s.pool, moment, func(tx pgx.Tx) error { return export(ctx, tx, w) })
	if err != nil {
		return fmt.Errorf("export the store: %w", err)
	}
	return nil
}

func export(ctx context.Context, tx pgx.Tx, w io.Writer) error {
	if err := waitForStream(ctx, tx); err != nil {
		return err
	}
	// The sequence is read by the statement that takes the snapshot, and after it:
	// no number in the snapshot is above.
	var position int64
	if err := tx.QueryRow(ctx, "SELECT "+write.LastNumber).Scan(&position); err != nil {
		return fmt.Errorf("read the sequence: %w", err)
	}
	d, err := dump.NewWriter(w, position)
	if err != nil {
		return err
	}
	for _, part := range exports() {
		rows, _ := tx.Query(ctx, part.sql) // rows tell the error
		for rows.Next() {
			record, err := part.scan(rows)
			if err == nil {
				err = d.Write(record)
			}
			if err != nil {
				rows.Close()
				return err
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
	}
	return d.Close()
}

// waitForStream keeps a transaction open however long the stream's other end
// makes it wait.
func waitForStream(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, "SET LOCAL idle_in_transaction_session_timeout = 0"); err != nil {
		return fmt.Errorf("set the timeout: %w", err)
	}
	return nil
}

// exported is how the records of one kind are read.
type exported struct {
	sql  string
	scan func(row pgx.CollectableRow) (dump.Record, error)
}

func exports() []exported {
	return []exported{
		{selectEvent + "true ORDER BY seq", func(row pgx.CollectableRow) (dump.Record, error) {
			e, err := scanEvent(row)
			return dump.Record{Event: &e}, err
		}},
		{selectMessage + "true ORDER BY seq", func(row pgx.CollectableRow) (dump.Record, error) {
			n, err := scanMessage(row)
			return dump.Record{Message: &dump.Message{Seq: n.seq, Message: n.message}}, err
		}},
		{selectSnapshot + "true ORDER BY aggregate", func(row pgx.CollectableRow) (dump.Record, error) {
			snapshot, err := scanSnapshot(row)
			return dump.Record{Snapshot: &snapshot}, err
		}},
		{
			`SELECT message, topic, settled_at FROM minos.receipt ORDER BY message, topic COLLATE "C"`,
			func(row pgx.CollectableRow) (dump.Record, error) {
				var r dump.Receipt
				err := row.Scan(&r.Message, &r.Topic, &r.SettledAt)
				r.SettledAt = r.SettledAt.UTC()
				return dump.Record{Receipt: &r}, err
			},
		},
		{"SELECT id, definition, revision, status, deadline, data FROM minos.saga ORDER BY id", scanSagaRecord},
		{
			"SELECT saga, at, data FROM minos.saga_log ORDER BY saga, revision, place",
			func(row pgx.CollectableRow) (dump.Record, error) {
				var e dump.Entry
				err := row.Scan(&e.Saga, &e.At, (*[]byte)(&e.Data))
				e.At = e.At.UTC()
				return dump.Record{Entry: &e}, err
			},
		},
		{
			`SELECT name, position FROM minos.cursor ORDER BY name COLLATE "C"`,
			func(row pgx.CollectableRow) (dump.Record, error) {
				var c dump.Cursor
				err := row.Scan(&c.Name, &c.Position)
				return dump.Record{Cursor: &c}, err
			},
		},
		{
			`SELECT subject, wrapped FROM minos.subject_key ORDER BY subject COLLATE "C"`,
			func(row pgx.CollectableRow) (dump.Record, error) {
				var k dump.Key
				err := row.Scan(&k.Subject, &k.Wrapped)
				k.Forgotten = k.Wrapped == nil
				return dump.Record{Key: &k}, err
			},
		},
	}
}

func scanSagaRecord(row pgx.CollectableRow) (dump.Record, error) {
	var saga dump.Saga
	var deadline *time.Time
	err := row.Scan(&saga.ID, &saga.Definition, &saga.Revision, &saga.Status, &deadline, (*[]byte)(&saga.Data))
	if deadline != nil {
		saga.Deadline = deadline.UTC()
	}
	return dump.Record{Saga: &saga}, err
}

// Import implements dump.Store. Whoever reads or writes meanwhile waits for its
// end: numbers below those of a dump must not be passed by.
func (s *Store) Import(ctx context.Context, r io.Reader) error {
	d, err := dump.Read(r)
	if err == nil {
		err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return imports(ctx, tx, d) })
	}
	if err != nil {
		return fmt.Errorf("import into the store: %w", err)
	}
	return nil
}

// tables has them in the order in which a commit takes them, so that an import
// and commits never wait for each other in a circle.
const tables = `minos.receipt, minos.snapshot, minos.saga, minos.saga_log, minos.event, minos.message,
	minos.cursor, minos.subject_key`

func imports(ctx context.Context, tx pgx.Tx, d *dump.Reader) error {
	if err := waitForStream(ctx, tx); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "LOCK TABLE "+tables+" IN ACCESS EXCLUSIVE MODE"); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	var used bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM minos.event) OR EXISTS (SELECT FROM minos.message)
		OR EXISTS (SELECT FROM minos.snapshot) OR EXISTS (SELECT FROM minos.receipt)
		OR EXISTS (SELECT FROM minos.saga) OR EXISTS (SELECT FROM minos.cursor)
		OR EXISTS (SELECT FROM minos.subject_key)`).Scan(&used)
	if err != nil {
		return fmt.Errorf("look for rows: %w", err)
	}
	if used {
		return dump.ErrNotEmpty
	}
	rows := &copied{}
	var stop func()
	rows.next, stop = iter.Pull2(d.Records())
	defer stop()
	rows.pull()
	for _, part := range importParts() {
		rows.row = part.row
		_, err := tx.CopyFrom(ctx, pgx.Identifier{"minos", part.table}, part.columns, rows)
		if rows.err != nil { // of which the server says in its error that it was told of one
			return rows.err
		}
		if err != nil {
			return fmt.Errorf("copy to %s: %w", part.table, err)
		}
	}
	if rows.held {
		return fmt.Errorf("copy record %+v: it is of no kind that is stored", rows.record)
	}
	// Or the planner would take the tables to be empty until the server looks.
	if _, err := tx.Exec(ctx, "ANALYZE "+tables); err != nil {
		return fmt.Errorf("analyze: %w", err)
	}
	// Last, for a sequence is not rolled back.
	_, err = tx.Exec(ctx, "SELECT setval('minos.seq', greatest("+write.LastNumber+", $1))", d.Position())
	return err
}

// copied hands the records of one kind after the other to COPY.
type copied struct {
	next   func() (dump.Record, error, bool)
	record dump.Record
	held   bool // record was not handed on
	err    error
	row    func(r dump.Record) []any // of the kind that is copied; nil for another
	values []any
}

var _ pgx.CopyFromSource = (*copied)(nil)

func (c *copied) pull() {
	c.record, c.err, c.held = c.next()
	c.held = c.held && c.err == nil
}

// Next implements pgx.CopyFromSource.
func (c *copied) Next() bool {
	if !c.held {
		return false
	}
	c.values = c.row(c.record)
	if c.values == nil {
		return false
	}
	c.pull()
	return true
}

// Values implements pgx.CopyFromSource.
func (c *copied) Values() ([]any, error) { return c.values, nil }

// Err implements pgx.CopyFromSource.
func (c *copied) Err() error { return c.err }

// imported is how the records of one kind are stored.
type imported struct {
	table   string
	columns []string
	row     func(r dump.Record) []any
}

func importParts() []imported {
	place := int32(0)
	return []imported{
		{"event", strings.Fields("seq aggregate version name action schema data headers created_at"), eventRow},
		{"message", strings.Fields("seq id topic key reply_to status content headers"), messageRow},
		{"snapshot", strings.Fields("name aggregate version schema data created_at updated_at"), snapshotRow},
		{"receipt", strings.Fields("message topic settled_at"), receiptRow},
		{"saga", strings.Fields("id definition revision status deadline data"), sagaRow},
		{"saga_log", strings.Fields("saga revision place at data"), func(r dump.Record) []any {
			if r.Entry == nil {
				return nil
			}
			place++ // of revision 0, which is before what the saga will add
			return []any{write.UUID(r.Entry.Saga), int32(0), place, r.Entry.At, []byte(r.Entry.Data)}
		}},
		{"cursor", strings.Fields("name epoch position"), func(r dump.Record) []any {
			if r.Cursor == nil {
				return nil
			}
			return []any{r.Cursor.Name, int64(0), r.Cursor.Position}
		}},
		{"subject_key", strings.Fields("subject wrapped"), func(r dump.Record) []any {
			if r.Key == nil {
				return nil
			}
			return []any{r.Key.Subject, r.Key.Wrapped}
		}},
	}
}

func eventRow(r dump.Record) []any {
	e := r.Event
	if e == nil {
		return nil
	}
	return []any{
		e.Seq, write.UUID(e.Aggregate), int32(e.Version), e.Name, string(e.Action), int32(e.Schema), []byte(e.Data),
		write.Headers(e.Headers), e.CreatedAt,
	}
}

func messageRow(r dump.Record) []any {
	m := r.Message
	if m == nil {
		return nil
	}
	return []any{
		m.Seq, write.UUID(m.ID), m.Topic, m.Key, m.ReplyTo, int32(m.Status), []byte(m.Content), write.Headers(m.Headers),
	}
}

func snapshotRow(r dump.Record) []any {
	s := r.Snapshot
	if s == nil {
		return nil
	}
	return []any{
		s.Name, write.UUID(s.Aggregate), int32(s.Version), int32(s.Schema), []byte(s.Data), s.CreatedAt, s.UpdatedAt,
	}
}

func receiptRow(r dump.Record) []any {
	if r.Receipt == nil {
		return nil
	}
	return []any{write.UUID(r.Receipt.Message), r.Receipt.Topic, r.Receipt.SettledAt}
}

func sagaRow(r dump.Record) []any {
	s := r.Saga
	if s == nil {
		return nil
	}
	deadline := pgtype.Timestamptz{Time: s.Deadline, Valid: !s.Deadline.IsZero()}
	return []any{write.UUID(s.ID), s.Definition, int32(s.Revision), s.Status, deadline, []byte(s.Data)}
}
