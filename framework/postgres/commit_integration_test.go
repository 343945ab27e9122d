//go:build integration

package postgres_test

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/postgres"
	"github.com/minos-framework/minos-go/framework/unit"
)

// changed stages the first version of an aggregate.
func changed(w *unit.Work) unit.Snapshot {
	id := unit.NewID()
	snapshot := unit.Snapshot{
		Aggregate: id, Name: "Order", Version: 1, Data: json.RawMessage(`{"n":1}`),
		CreatedAt: w.Now(), UpdatedAt: w.Now(),
	}
	w.Append(unit.Event{
		Aggregate: id, Version: 1, Name: "Order", Action: unit.Create, Schema: 1, Data: json.RawMessage(`[]`),
		CreatedAt: w.Now(),
	}, snapshot)
	return snapshot
}

func count(t *testing.T, url, table string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestStore_Commit(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T) (*postgres.Store, string) {
		t.Helper()
		url := newDatabase(t)
		execute(t, url, "CREATE TABLE customer (name text PRIMARY KEY, orders int NOT NULL DEFAULT 0)")
		return open(t, postgres.Config{URL: url}), url
	}
	t.Run("runs statements with the work", func(t *testing.T) {
		t.Parallel()
		s, url := setup(t)
		w, only := unit.New(nil), unit.New(nil)
		changed(w)
		w.Exec("INSERT INTO customer (name) VALUES ($1), ($2)", "ann", "it's")
		w.Exec("UPDATE customer SET orders = orders + $1", 2)
		only.Exec("DELETE FROM customer WHERE name = $1 AND orders = 2", "ann")
		for _, work := range []*unit.Work{w, only} {
			if err := s.Commit(t.Context(), work); err != nil {
				t.Fatal(err)
			}
		}
		if customers, events := count(t, url, "customer"), count(t, url, "minos.event"); customers != 1 || events != 1 {
			t.Errorf("got %d customers and %d events, want one of each", customers, events)
		}
	})
	t.Run("stores nothing when a statement is refused, and keeps the cause", func(t *testing.T) {
		t.Parallel()
		s, url := setup(t)
		for _, sql := range []string{
			"INSERT INTO customer (name) VALUES ('ann'), ('ann')", "INSERT INTO nowhere VALUES (1)", "SELEC 1",
		} {
			w, other := unit.New(nil), unit.New(nil)
			changed(w)
			changed(other)
			w.Exec("INSERT INTO customer (name) VALUES ('bob')")
			w.Exec(sql)
			err := s.Commit(t.Context(), other, w)
			if _, ok := errors.AsType[*pgconn.PgError](err); !ok {
				t.Errorf("%s: got %v, want the database's error", sql, err)
			}
			if _, ok := errors.AsType[*unit.ConflictError](err); ok {
				t.Errorf("%s: got %v, which is no conflict", sql, err)
			}
		}
		if customers, events := count(t, url, "customer"), count(t, url, "minos.event"); customers+events != 0 {
			t.Errorf("got %d customers and %d events, want none", customers, events)
		}
	})
	t.Run("runs no statement of a work in conflict", func(t *testing.T) {
		t.Parallel()
		s, url := setup(t)
		w := unit.New(nil)
		changed(w)
		w.Exec("INSERT INTO customer (name) VALUES ('ann')")
		if err := s.Commit(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		w.Statements[0].Args, w.Statements[0].SQL = nil, "INSERT INTO customer (name) VALUES ('bob')"
		conflict, ok := errors.AsType[*unit.ConflictError](s.Commit(t.Context(), w))
		if !ok {
			t.Fatal("the work was stored twice")
		}
		if _, ok := errors.AsType[*pgconn.PgError](conflict); !ok {
			t.Errorf("got %v, want the database's error as its cause", conflict.Err)
		}
		if customers := count(t, url, "customer"); customers != 1 {
			t.Errorf("got %d customers, want 1", customers)
		}
	})
	t.Run("tells what the database does not take, and stores nothing", func(t *testing.T) {
		t.Parallel()
		s, url := setup(t)
		w := unit.New(nil)
		changed(w)
		w.Snapshots[0].Data = json.RawMessage(`{"n":"half a pair: \ud800"}`)
		err := s.Commit(t.Context(), w)
		if refused, ok := errors.AsType[*unit.RefusedError](err); !ok || refused.StatusCode() != http.StatusBadRequest {
			t.Errorf("got %v, want a *unit.RefusedError", err)
		}
		if events := count(t, url, "minos.event"); events != 0 {
			t.Errorf("got %d events, want none", events)
		}
	})
	t.Run("refuses a text that is too long for its index, and stores its company", func(t *testing.T) {
		t.Parallel()
		s, url := setup(t)
		if err := s.CreateIndexes(t.Context(), index(t, "item")); err != nil {
			t.Fatal(err)
		}
		random := make([]byte, 5000) // which cannot be compressed
		_, _ = rand.Read(random)     // never fails
		group := unit.Coalesce(s, unit.CoalesceConfig{Writers: 1})
		var commits sync.WaitGroup
		for i := range 8 {
			w := unit.New(nil)
			changed(w)
			if i == 3 {
				w.Snapshots[0].Data = json.RawMessage(`{"item":"` + hex.EncodeToString(random) + `"}`)
			}
			commits.Go(func() {
				err := group.Commit(t.Context(), w)
				refused, ok := errors.AsType[*unit.RefusedError](err)
				if i != 3 && err != nil || i == 3 && (!ok || refused.StatusCode() != http.StatusRequestEntityTooLarge) {
					t.Errorf("work %d: got %v", i, err)
				}
			})
		}
		commits.Wait()
		if events := count(t, url, "minos.event"); events != 7 {
			t.Errorf("got %d events, want 7", events)
		}
	})
	t.Run("writes a snapshot that SQL can query", func(t *testing.T) {
		t.Parallel()
		s, url := setup(t)
		w := unit.New(nil)
		changed(w)
		if err := s.Commit(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		if n := count(t, url, `minos.snapshot WHERE data @> '{"n": 1}'`); n != 1 {
			t.Errorf("found %d, want 1", n)
		}
	})
	t.Run("goes on after the server has cut all connections", func(t *testing.T) {
		t.Parallel()
		s, url := setup(t)
		w := unit.New(nil)
		snapshot := changed(w)
		if err := s.Commit(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		execute(t, url, `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		if err := s.Ping(t.Context()); err != nil {
			t.Logf("the first call told: %v", err)
		}
		got, err := s.Snapshot(t.Context(), snapshot.Name, snapshot.Aggregate)
		if err != nil || got.Version != 1 {
			t.Errorf("got %+v, %v, want version 1", got, err)
		}
		if _, err := s.Snapshot(t.Context(), "Other", snapshot.Aggregate); !errors.Is(err, aggregate.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
	})
}

func TestStore_Migrate(t *testing.T) {
	t.Parallel()
	t.Run("refuses a schema that is newer", func(t *testing.T) {
		t.Parallel()
		url := newDatabase(t)
		s := open(t, postgres.Config{URL: url})
		if err := s.Migrate(t.Context()); err != nil {
			t.Errorf("a schema that is up to date: %v", err)
		}
		execute(t, url, "INSERT INTO minos.migration (version) VALUES (9999)")
		if err := s.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "9999") {
			t.Errorf("got %v, want an error that names version 9999", err)
		}
		if _, err := postgres.Open(t.Context(), postgres.Config{URL: url}); err == nil {
			t.Error("the store was opened")
		}
	})
}
