//go:build integration

package postgres_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/postgres"
	"github.com/minos-framework/minos-go/framework/unit"
)

// writer is a transaction of another program, which draws a number as Commit
// does and then takes its time.
type writer struct {
	conn *pgx.Conn
	tx   pgx.Tx
	id   uuid.UUID
}

func beginWriter(t *testing.T, url string) *writer {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w := &writer{conn: conn, tx: tx, id: unit.NewID()}
	_, err = tx.Exec(t.Context(), `WITH fence AS MATERIALIZED (
			SELECT pg_advisory_xact_lock_shared(x'6d696e6f'::int, (pg_sequence_last_value('minos.seq') & 2147483647)::int))
		INSERT INTO minos.message (id, topic, key, reply_to, status) SELECT $1, 'T', '', '', 0 FROM fence`, w.id)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func published(t *testing.T, s *postgres.Store) uuid.UUID {
	t.Helper()
	w, m := unit.New(nil), unit.Message{ID: unit.NewID(), Topic: "T", Content: json.RawMessage(`1`)}
	w.Publish(m)
	if err := s.Commit(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	return m.ID
}

// expectPending reads from after, wants these messages, and returns the position.
func expectPending(t *testing.T, s *postgres.Store, after int64, want ...uuid.UUID) int64 {
	t.Helper()
	entries, position, err := s.Pending(t.Context(), after, 100)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(want) {
		t.Fatalf("got %d entries after %d, want %d", len(entries), after, len(want))
	}
	for i, e := range entries {
		if e.Message.ID != want[i] {
			t.Errorf("entry %d is %s, want %s", i, e.Message.ID, want[i])
		}
	}
	return position
}

func TestStore_Pending(t *testing.T) {
	t.Parallel()
	t.Run("stops before a number whose transaction is open", func(t *testing.T) {
		t.Parallel()
		url := newDatabase(t)
		s := open(t, postgres.Config{URL: url})
		first := published(t, s)
		slow := beginWriter(t, url)
		second := published(t, s)
		position := expectPending(t, s, 0, first)
		position = expectPending(t, s, position)
		if err := slow.tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		expectPending(t, s, position, slow.id, second)
	})
	t.Run("goes on when the transaction was rolled back, or its connection has ended", func(t *testing.T) {
		t.Parallel()
		url := newDatabase(t)
		s := open(t, postgres.Config{URL: url})
		a, b := beginWriter(t, url), beginWriter(t, url)
		first := published(t, s)
		position := expectPending(t, s, 0)
		if err := a.tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		position = expectPending(t, s, position)
		execute(t, url, "SELECT pg_terminate_backend($1, 10000)", b.conn.PgConn().PID())
		position = expectPending(t, s, position, first)
		expectPending(t, s, position)
	})
	t.Run("is not held up by transactions that drew no number", func(t *testing.T) {
		t.Parallel()
		url := newDatabase(t)
		s := open(t, postgres.Config{URL: url})
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close(t.Context()) }()
		tx, err := conn.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), "SELECT pg_current_xact_id(), pg_advisory_xact_lock_shared(1, 1)"); err != nil {
			t.Fatal(err)
		}
		expectPending(t, s, 0, published(t, s))
	})
	t.Run("goes on where the fence's key wraps around", func(t *testing.T) {
		t.Parallel()
		url := newDatabase(t)
		s := open(t, postgres.Config{URL: url})
		const start = 5<<31 - 3
		execute(t, url, "SELECT setval('minos.seq', $1)", int64(start))
		position := expectPending(t, s, 0)
		for range 8 {
			slow := beginWriter(t, url)
			last := published(t, s)
			position = expectPending(t, s, position)
			if err := slow.tx.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			position = expectPending(t, s, position, slow.id, last)
		}
		if want := int64(start + 16); position != want {
			t.Errorf("position is %d, want %d", position, want)
		}
	})
}

func TestStore_Lead(t *testing.T) {
	t.Parallel()
	lead := func(t *testing.T, s *postgres.Store) broker.Lease {
		t.Helper()
		lease, err := s.Lead(t.Context(), "relay")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = lease.Release(context.WithoutCancel(t.Context())) })
		return lease
	}
	t.Run("a lease whose connection was cut is deposed and another leads", func(t *testing.T) {
		t.Parallel()
		url := newDatabase(t)
		s := open(t, postgres.Config{URL: url})
		old := lead(t, s)
		if err := old.Save(t.Context(), 3); err != nil {
			t.Fatal(err)
		}
		execute(t, url, `SELECT pg_terminate_backend(pid, 10000) FROM pg_locks
			WHERE locktype = 'advisory' AND classid = (x'6d696e6f'::int + 1)::oid AND pid <> pg_backend_pid()`)
		fresh := lead(t, s)
		if err := fresh.Save(t.Context(), 4); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := old.Save(t.Context(), 99); !errors.Is(err, broker.ErrDeposed) {
				t.Errorf("got %v, want ErrDeposed", err)
			}
		}
		if err := fresh.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := lead(t, s).Position(); got != 4 {
			t.Errorf("position is %d, want 4", got)
		}
	})
	t.Run("a lease of an earlier epoch is deposed", func(t *testing.T) {
		t.Parallel()
		url := newDatabase(t)
		s := open(t, postgres.Config{URL: url})
		lease := lead(t, s)
		execute(t, url, "UPDATE minos.cursor SET epoch = epoch + 1, position = 7")
		if err := lease.Save(t.Context(), 99); !errors.Is(err, broker.ErrDeposed) {
			t.Errorf("got %v, want ErrDeposed", err)
		}
		if err := lease.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := lead(t, s).Position(); got != 7 {
			t.Errorf("position is %d, want 7", got)
		}
	})
	t.Run("leads beside a pool that is exhausted", func(t *testing.T) {
		t.Parallel()
		s := open(t, postgres.Config{URL: newDatabase(t), MaxConns: 1})
		a := lead(t, s)
		published(t, s)
		if err := a.Save(t.Context(), 1); err != nil {
			t.Error(err)
		}
	})
}
