package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/minos-framework/minos-go/framework/sqlite/internal/row"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Commit implements unit.Store. Calls that come at the same time share a
// transaction, and with it one sync of the disk.
func (s *Store) Commit(ctx context.Context, works ...*unit.Work) error {
	b, err := unit.NewBatch(works...)
	if err != nil || b.Empty() {
		return err
	}
	return s.write(ctx, func(t *transaction) error { return t.store(b) })
}

// store writes a batch. Each row is written on the condition that the batch
// sets, and one that was not written is the one to blame.
func (t *transaction) store(b *unit.Batch) error {
	for _, step := range []func(b *unit.Batch) error{
		t.storeReceipts, t.storeStates, t.storeSagas, t.storeEvents, t.storeMessages, t.runStatements,
	} {
		if err := step(b); err != nil {
			return err
		}
	}
	return nil
}

// storeReceipts comes first: of a message that was handled before nothing else
// is of interest, and least of all the conflict that its work runs into.
func (t *transaction) storeReceipts(b *unit.Batch) error {
	for _, r := range b.Receipts {
		n, err := t.exec(`INSERT INTO minos_receipt (message, topic, settled_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
			r.Message[:], r.Topic, time.Now().UnixMicro())
		if err != nil {
			return fmt.Errorf("store receipt of %s: %w", r.Message, err)
		}
		if n == 0 {
			return b.Duplicate(r, nil)
		}
	}
	return nil
}

// storeStates moves the aggregates on from the versions that the batch builds
// on. With them the events' versions are free, and without a gap.
func (t *transaction) storeStates(b *unit.Batch) error {
	for _, s := range b.States {
		n, err := t.storeState(s)
		if err != nil {
			return fmt.Errorf("store state of %s %s: %w", s.Name, s.Aggregate, err)
		}
		if n == 0 {
			var current int // of any name; 0 when there is none
			_ = t.conn.QueryRowContext(t.ctx, "SELECT max(version) FROM minos_snapshot WHERE aggregate = ?",
				s.Aggregate[:]).Scan(&current)
			return b.Conflict(s.Aggregate, nil).At(current, t.last)
		}
	}
	return nil
}

// storeState returns how many rows it wrote: none, when the aggregate is not at
// its base.
func (t *transaction) storeState(s unit.State) (int64, error) {
	created, updated := s.CreatedAt.UnixMicro(), s.UpdatedAt.UnixMicro()
	if s.Base == 0 {
		return t.exec(`INSERT INTO minos_snapshot (name, aggregate, version, schema, data, created_at, updated_at)
			VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			s.Name, s.Aggregate[:], s.Version, s.Schema, row.JSON(s.Data), created, updated)
	}
	return t.exec(`UPDATE minos_snapshot SET version = ?, schema = ?, data = ?, created_at = ?, updated_at = ?
		WHERE name = ? AND aggregate = ? AND version = ?`,
		s.Version, s.Schema, row.JSON(s.Data), created, updated, s.Name, s.Aggregate[:], s.Base)
}

// storeSagas writes the rows and adds to their logs.
func (t *transaction) storeSagas(b *unit.Batch) error {
	now := time.Now()
	for _, e := range b.Sagas {
		n, err := t.storeSaga(e, now)
		if err != nil {
			return fmt.Errorf("store saga %s: %w", e.ID, err)
		}
		if n == 0 {
			return b.Conflict(e.ID, nil)
		}
		for place, data := range e.Log {
			_, err := t.exec(`INSERT INTO minos_saga_log (saga, revision, place, at, data) VALUES (?, ?, ?, ?, ?)`,
				e.ID[:], e.Revision, place, now.UnixMicro(), row.JSON(data))
			if err != nil {
				return fmt.Errorf("store log of saga %s: %w", e.ID, err)
			}
		}
	}
	return nil
}

// storeSaga returns how many rows it wrote: none, when the execution is not at
// its base.
func (t *transaction) storeSaga(e unit.Execution, now time.Time) (int64, error) {
	var deadline any
	if e.Timeout > 0 {
		deadline = now.Add(e.Timeout).UnixMicro() + 1 // never early
	}
	if e.Base == 0 {
		return t.exec(`INSERT INTO minos_saga (id, definition, revision, status, deadline, data)
			VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			e.ID[:], e.Definition, e.Revision, e.Status, deadline, row.JSON(e.Data))
	}
	return t.exec(`UPDATE minos_saga SET definition = ?, revision = ?, status = ?, deadline = ?, data = ?
		WHERE id = ? AND revision = ?`,
		e.Definition, e.Revision, e.Status, deadline, row.JSON(e.Data), e.ID[:], e.Base)
}

// storeEvents draws the numbers of the global order. They are written back with
// the sequence when the transaction ends.
func (t *transaction) storeEvents(b *unit.Batch) error {
	for _, e := range b.Events {
		t.last++
		n, err := t.exec(`INSERT INTO minos_event (seq, aggregate, version, name, action, schema, data, headers, created_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (aggregate, version) DO NOTHING`,
			t.last, e.Aggregate[:], e.Version, e.Name, string(e.Action), e.Schema, row.JSON(e.Data),
			row.Headers(e.Headers), e.CreatedAt.UnixMicro())
		if err != nil {
			return fmt.Errorf("store event %d of %s %s: %w", e.Version, e.Name, e.Aggregate, err)
		}
		if n == 0 {
			return b.Conflict(e.Aggregate, nil)
		}
	}
	return nil
}

// storeMessages draws numbers as storeEvents does, so that a work's messages come
// after its events.
func (t *transaction) storeMessages(b *unit.Batch) error {
	for _, m := range b.Messages {
		t.last++
		_, err := t.exec(`INSERT INTO minos_message (seq, id, topic, key, reply_to, status, content, headers)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			t.last, m.ID[:], m.Topic, m.Key, m.ReplyTo, m.Status, row.JSON(m.Content), row.Headers(m.Headers))
		if err != nil {
			return fmt.Errorf("store message %s to %s: %w", m.ID, m.Topic, err)
		}
	}
	return nil
}

// runStatements runs the SQL of the works, which sees all that they store.
func (t *transaction) runStatements(b *unit.Batch) error {
	for i, w := range b.Works {
		for _, st := range w.Statements {
			if _, err := t.conn.ExecContext(t.ctx, st.SQL, st.Args...); err != nil {
				return fmt.Errorf("run statement of work %d: %w", i, err)
			}
		}
	}
	return nil
}
