package sqlite_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/sqlite"
	"github.com/minos-framework/minos-go/framework/unit"
)

// version is a work of one version of an aggregate.
func version(id uuid.UUID, n int) *unit.Work {
	w := unit.New(nil)
	w.Append(unit.Event{
		Aggregate: id, Version: n, Name: "Order", Action: unit.Update, Schema: 1, Data: json.RawMessage(`[]`),
		CreatedAt: w.Now(),
	}, unit.Snapshot{
		Aggregate: id, Name: "Order", Version: n, Data: json.RawMessage(`{}`), CreatedAt: w.Now(), UpdatedAt: w.Now(),
	})
	return w
}

// number opens the file as a program of the user's would.
func number(t *testing.T, path, text string, args ...any) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.QueryRowContext(t.Context(), text, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return n
}

func setup(t *testing.T) (*sqlite.Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	s, w := open(t, path), unit.New(nil)
	w.Exec("CREATE TABLE customer (name TEXT PRIMARY KEY, since TIMESTAMP, orders INTEGER NOT NULL DEFAULT 0)")
	if err := s.Commit(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	return s, path
}

func TestStore_Commit(t *testing.T) {
	t.Parallel()
	t.Run("runs statements with the work", func(t *testing.T) {
		t.Parallel()
		s, path := setup(t)
		w := version(unit.NewID(), 1)
		w.Exec("INSERT INTO customer (name, since) VALUES (?, ?)", "it's", w.Now())
		w.Exec("UPDATE customer SET orders = orders + ?", 2)
		if err := s.Commit(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		if n := number(t, path, "SELECT orders FROM customer WHERE name = ?", "it's"); n != 2 {
			t.Errorf("got %d orders, want 2", n)
		}
	})
	t.Run("stores nothing when a statement is refused", func(t *testing.T) {
		t.Parallel()
		s, path := setup(t)
		for _, text := range []string{"INSERT INTO nowhere VALUES (1)", "SELEC 1", "INSERT INTO customer (name) VALUES ('bob')"} {
			w := version(unit.NewID(), 1)
			w.Exec("INSERT INTO customer (name) VALUES ('bob')")
			w.Exec(text)
			if err := s.Commit(t.Context(), version(unit.NewID(), 1), w); err == nil {
				t.Errorf("%s: it was taken", text)
			}
		}
		if n := number(t, path, "SELECT count(*) FROM customer") + number(t, path, "SELECT count(*) FROM minos_event"); n != 0 {
			t.Errorf("got %d rows, want none", n)
		}
		if err := s.Commit(t.Context(), version(unit.NewID(), 1)); err != nil {
			t.Errorf("the next commit: %v", err)
		}
	})
	t.Run("one caller's conflict does not hurt those that share its transaction", func(t *testing.T) {
		t.Parallel()
		s, path := setup(t)
		taken := unit.NewID()
		if err := s.Commit(t.Context(), version(taken, 1)); err != nil {
			t.Fatal(err)
		}
		var callers sync.WaitGroup
		for i := range 64 {
			callers.Go(func() {
				if i%2 == 0 {
					if err := s.Commit(t.Context(), version(unit.NewID(), 1)); err != nil {
						t.Error(err)
					}
					return
				}
				err := s.Commit(t.Context(), version(unit.NewID(), 1), version(taken, 1))
				if conflict, ok := errors.AsType[*unit.ConflictError](err); !ok || conflict.Work != 1 {
					t.Errorf("got %v, want a conflict of work 1", err)
				}
			})
		}
		callers.Wait()
		if n := number(t, path, "SELECT count(*) FROM minos_event"); n != 33 {
			t.Errorf("got %d events, want 33", n)
		}
		if n := number(t, path, "SELECT last FROM minos_sequence"); n != 33 {
			t.Errorf("the last number is %d, want 33", n)
		}
	})
	t.Run("gives up when another process holds the file", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "store.db")
		s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path, Busy: time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		other, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = other.Close() }()
		tx, err := other.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Close() }()
		if _, err := tx.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
			t.Fatal(err)
		}
		id := unit.NewID()
		if err := s.Commit(t.Context(), version(id, 1)); err == nil || !strings.Contains(err.Error(), "locked") {
			t.Errorf("got %v, want an error that says that it is locked", err)
		}
		if _, err := tx.ExecContext(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(t.Context(), version(id, 1)); err != nil {
			t.Errorf("after the other has gone: %v", err)
		}
	})
	t.Run("refuses after Close", func(t *testing.T) {
		t.Parallel()
		s, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "store.db")})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(t.Context(), version(unit.NewID(), 1)); err == nil {
			t.Error("it was taken")
		}
		if err := s.Ping(t.Context()); err == nil {
			t.Error("it answers")
		}
	})
}

func TestOpen(t *testing.T) {
	t.Parallel()
	t.Run("names every field that is wrong", func(t *testing.T) {
		t.Parallel()
		_, err := sqlite.Open(t.Context(), sqlite.Config{Path: ":memory:", Busy: -1, Readers: -1})
		for _, want := range []string{"Path", "Busy", "Readers"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want it to name %s", err, want)
			}
		}
	})
	t.Run("refuses a schema that is newer", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "store.db")
		s, w := open(t, path), unit.New(nil)
		w.Exec("PRAGMA user_version = 9999")
		if err := s.Commit(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		_, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
		if err == nil || !strings.Contains(err.Error(), "9999") {
			t.Errorf("got %v, want an error that names version 9999", err)
		}
	})
	t.Run("refuses a file that is no database, and leaves it as it is", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "store.db")
		text := strings.Repeat("not a database\n", 100)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := sqlite.Open(t.Context(), sqlite.Config{Path: path}); err == nil {
			t.Error("it was opened")
		}
		if data, err := os.ReadFile(path); err != nil || string(data) != text {
			t.Errorf("the file has changed: %v", err)
		}
	})
	t.Run("keeps what was committed on the disk before it answers", func(t *testing.T) {
		t.Parallel()
		_, path := setup(t)
		// A connection of the store's own is what has these settings, so that they
		// are asked for through a statement that fails when they are others.
		s, w := open(t, path), unit.New(nil)
		w.Exec(`INSERT INTO customer (name) SELECT 'settings' FROM pragma_synchronous, pragma_journal_mode
			WHERE synchronous = 2 AND journal_mode = 'wal'`)
		if err := s.Commit(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		if n := number(t, path, "SELECT count(*) FROM customer"); n != 1 {
			t.Error("the connection that writes does not have WAL with synchronous=FULL")
		}
	})
}

// The test program is also the process that TestStore_crash kills.
func TestMain(m *testing.M) {
	if path := os.Getenv("MINOS_TEST_SQLITE_WRITER"); path != "" {
		fmt.Fprintln(os.Stderr, writeForever(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeForever leads, then commits from eight goroutines and prints what was
// acknowledged: the aggregate and its version.
func writeForever(path string) error {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, sqlite.Config{Path: path})
	if err != nil {
		return err
	}
	if _, err := s.Lead(ctx, "relay"); err != nil {
		return err
	}
	failed := make(chan error)
	for range 8 {
		go func() {
			id := unit.NewID()
			for n := 1; ; n++ {
				if err := s.Commit(ctx, version(id, n)); err != nil {
					failed <- err
					return
				}
				fmt.Println(id, n)
			}
		}()
	}
	return <-failed
}
