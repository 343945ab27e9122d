package memory

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/dump"
	"github.com/minos-framework/minos-go/framework/privacy"
	"github.com/minos-framework/minos-go/framework/saga"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Export implements dump.Store.
func (s *Store) Export(ctx context.Context, w io.Writer) error {
	records, position := s.records()
	d, err := dump.NewWriter(w, position)
	if err != nil {
		return fmt.Errorf("export the store: %w", err)
	}
	for _, r := range records {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := d.Write(r); err != nil {
			return fmt.Errorf("export the store: %w", err)
		}
	}
	if err := d.Close(); err != nil {
		return fmt.Errorf("export the store: %w", err)
	}
	return nil
}

// records returns all that is stored. What the records refer to is never
// changed once it is stored, so that it can be read when nothing is locked.
func (s *Store) records() (all []dump.Record, position int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if e.Event != nil {
			all = append(all, dump.Record{Event: e.Event})
		}
	}
	for _, e := range s.entries {
		if e.Message != nil {
			all = append(all, dump.Record{Message: &dump.Message{Seq: e.Seq, Message: *e.Message}})
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(s.states), byBytes) {
		state := s.states[id]
		all = append(all, dump.Record{Snapshot: &state})
	}
	for _, r := range slices.SortedFunc(maps.Keys(s.receipts), func(a, b unit.Receipt) int {
		return cmp.Or(byBytes(a.Message, b.Message), strings.Compare(a.Topic, b.Topic))
	}) {
		all = append(all, dump.Record{Receipt: &dump.Receipt{Topic: r.Topic, Message: r.Message, SettledAt: s.receipts[r]}})
	}
	all = append(all, s.sagaRecords()...)
	for _, name := range slices.Sorted(maps.Keys(s.cursors)) {
		all = append(all, dump.Record{Cursor: &dump.Cursor{Name: name, Position: s.cursors[name].position}})
	}
	for _, subject := range slices.Sorted(maps.Keys(s.keys)) {
		key := s.keys[subject]
		all = append(all, dump.Record{Key: &dump.Key{Subject: subject, Wrapped: key.Wrapped, Forgotten: key.Forgotten}})
	}
	return all, s.last
}

func (s *Store) sagaRecords() (rows []dump.Record) {
	var log []dump.Record
	for _, id := range slices.SortedFunc(maps.Keys(s.sagas), byBytes) {
		e := s.sagas[id]
		deadline := e.deadline.UTC()
		if !deadline.IsZero() { // to microseconds, as every store keeps it, and never early
			deadline = deadline.Add(time.Microsecond - 1).Truncate(time.Microsecond)
		}
		rows = append(rows, dump.Record{Saga: &dump.Saga{
			ID: id, Definition: e.row.Definition, Revision: e.row.Revision, Status: e.row.Status,
			Deadline: deadline, Data: e.row.Data,
		}})
		for _, entry := range e.log {
			log = append(log, dump.Record{Entry: &dump.Entry{Saga: id, At: entry.At, Data: entry.Data}})
		}
	}
	return append(rows, log...)
}

func byBytes(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }

// Import implements dump.Store.
func (s *Store) Import(ctx context.Context, r io.Reader) error {
	d, err := dump.Read(r)
	if err != nil {
		return fmt.Errorf("import into the store: %w", err)
	}
	var all []dump.Record
	for record, err := range d.Records() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("import into the store: %w", err)
		}
		all = append(all, record)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.entries)+len(s.states)+len(s.receipts)+len(s.sagas)+len(s.cursors)+len(s.keys) > 0 {
		return dump.ErrNotEmpty
	}
	for _, record := range all {
		s.take(record)
	}
	slices.SortFunc(s.entries, func(a, b broker.Entry) int { return cmp.Compare(a.Seq, b.Seq) })
	s.last = max(s.last, d.Position())
	return nil
}

// take stores a record; it cannot fail half-way.
func (s *Store) take(r dump.Record) {
	switch {
	case r.Event != nil:
		s.history[r.Event.Aggregate] = append(s.history[r.Event.Aggregate], *r.Event)
		s.entries = append(s.entries, broker.Entry{Seq: r.Event.Seq, Event: r.Event})
	case r.Message != nil:
		s.entries = append(s.entries, broker.Entry{Seq: r.Message.Seq, Message: &r.Message.Message})
	case r.Snapshot != nil:
		s.states[r.Snapshot.Aggregate] = *r.Snapshot
	case r.Receipt != nil:
		s.receipts[unit.Receipt{Topic: r.Receipt.Topic, Message: r.Receipt.Message}] = r.Receipt.SettledAt
	case r.Saga != nil:
		s.sagas[r.Saga.ID] = &execution{deadline: r.Saga.Deadline, row: unit.Saga{
			ID: r.Saga.ID, Definition: r.Saga.Definition, Revision: r.Saga.Revision, Status: r.Saga.Status, Data: r.Saga.Data,
		}}
	case r.Entry != nil:
		e := s.sagas[r.Entry.Saga]
		e.log = append(e.log, saga.LogEntry{At: r.Entry.At, Data: r.Entry.Data})
	case r.Cursor != nil:
		s.cursors[r.Cursor.Name] = &cursor{held: make(chan struct{}, 1), position: r.Cursor.Position}
	case r.Key != nil:
		s.setKey(r.Key.Subject, privacy.Key{Wrapped: r.Key.Wrapped, Forgotten: r.Key.Forgotten})
	}
}
