//go:build integration

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/postgres"
	"github.com/minos-framework/minos-go/framework/unit"
)

// insistence is what became of commits that were tried until they were known
// to be stored.
type insistence struct {
	unknown   atomic.Int64 // errors that said that nobody knows
	doubles   atomic.Int64 // tries that found the work stored by an earlier one
	definite  atomic.Int64 // errors that said that nothing was stored
	forgotten atomic.Int64 // doubles of which no try before said that nobody knows
}

// commit stores a work with a receipt, trying again after each error.
func (n *insistence) commit(ctx context.Context, s unit.Store, w *unit.Work, await func()) error {
	w.Settle(unit.Receipt{Topic: "Chain", Message: unit.NewID()})
	doubtful := false
	for {
		err := s.Commit(ctx, w)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if _, ok := errors.AsType[*unit.DuplicateError](err); ok {
			n.doubles.Add(1)
			if !doubtful {
				n.forgotten.Add(1)
			}
			return nil
		}
		if _, ok := errors.AsType[*unit.ConflictError](err); ok {
			return err
		}
		if _, ok := errors.AsType[*unit.UnknownError](err); ok {
			doubtful = true
			n.unknown.Add(1)
		} else {
			n.definite.Add(1)
		}
		await()
	}
}

// insist has 8 writers commit works of one event each until enough is closed,
// and holds that each is stored once.
func insist(t *testing.T, s, direct *postgres.Store, await func(), each chan<- struct{}, enough <-chan struct{}) *insistence {
	t.Helper()
	var n insistence
	var writers sync.WaitGroup
	ids, versions := make([]uuid.UUID, 8), make([]int, 8)
	for i := range ids {
		ids[i] = unit.NewID()
		writers.Go(func() {
			for {
				if err := n.commit(t.Context(), s, version(ids[i], versions[i]+1), await); err != nil {
					t.Errorf("version %d: %v", versions[i]+1, err)
					return
				}
				versions[i]++
				select {
				case each <- struct{}{}:
				case <-enough:
					return
				}
			}
		})
	}
	writers.Wait()
	for i, id := range ids {
		expectVersions(t, direct, id, versions[i])
	}
	if lost := n.forgotten.Load(); lost > 0 {
		t.Errorf("%d works were stored by a commit whose error said that nothing was", lost)
	}
	t.Logf("unknown %d, of them stored %d; known not to be stored %d", n.unknown.Load(), n.doubles.Load(), n.definite.Load())
	return &n
}

// expectVersions fails unless the events of an aggregate are 1..n.
func expectVersions(t *testing.T, s *postgres.Store, id uuid.UUID, n int) {
	t.Helper()
	last := 0
	for e, err := range s.Events(t.Context(), aggregate.EventQuery{Aggregate: id}) {
		if err != nil {
			t.Fatal(err)
		}
		if last++; e.Version != last {
			t.Fatalf("event %d has version %d", last, e.Version)
		}
	}
	if last != n {
		t.Errorf("%d events are stored of %d that were acknowledged", last, n)
	}
}

func TestStore_Commit_cut(t *testing.T) {
	t.Parallel()
	t.Run("a work with a receipt is stored once, wherever its commit is cut", func(t *testing.T) {
		t.Parallel()
		url := newDatabase(t)
		p, through := startProxy(t, url)
		s, direct := open(t, postgres.Config{URL: through, MaxConns: 8}), open(t, postgres.Config{URL: url, MaxConns: 2})
		p.cuts.Store(5)
		each, enough := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(enough)
			for range 800 {
				<-each
			}
		}()
		n := insist(t, s, direct, func() {}, each, enough)
		if p.cut.Load() < 50 || n.unknown.Load() == 0 || n.doubles.Load() == 0 {
			t.Errorf("it was cut %d times, %d outcomes were unknown, of which %d were stored: the test shows nothing",
				p.cut.Load(), n.unknown.Load(), n.doubles.Load())
		}
	})
	t.Run("what callers see is as if one after the other", func(t *testing.T) {
		t.Parallel()
		p, through := startProxy(t, newDatabase(t))
		c := &clients{
			store: open(t, postgres.Config{URL: through, MaxConns: 8}), rounds: 25, await: func() {},
			registers: []uuid.UUID{unit.NewID(), unit.NewID(), unit.NewID()},
		}
		p.cuts.Store(30)
		history := c.history(t, 6)
		if result := porcupine.CheckOperationsTimeout(registerModel(), history, time.Minute); result != porcupine.Ok {
			t.Errorf("the history of %d operations is %s", len(history), result)
		}
		if p.cut.Load() == 0 {
			t.Error("it was never cut")
		}
	})
	t.Run("a server that does not answer in time leaves an unknown outcome, and no connection behind", func(t *testing.T) {
		t.Parallel()
		url := newDatabase(t)
		p, through := startProxy(t, url)
		s := open(t, postgres.Config{URL: through, MaxConns: 2})
		id := unit.NewID()
		if err := s.Commit(t.Context(), version(id, 1)); err != nil {
			t.Fatal(err)
		}
		w := version(id, 2)
		w.Settle(unit.Receipt{Topic: "Chain", Message: unit.NewID()})
		p.held.Lock()
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		err := s.Commit(ctx, w)
		p.held.Unlock()
		if _, ok := errors.AsType[*unit.UnknownError](err); !ok || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want an *unit.UnknownError about the deadline", err)
		}
		err = s.Commit(t.Context(), w)
		if _, stored := errors.AsType[*unit.DuplicateError](err); err != nil && !stored {
			t.Errorf("got %v, want that it is stored, or was", err)
		}
		if err := s.Commit(t.Context(), version(unit.NewID(), 1)); err != nil {
			t.Error(err)
		}
		expectVersions(t, s, id, 2)
	})
}

func TestStore_Commit_crash(t *testing.T) {
	t.Parallel()
	t.Run("a work with a receipt is stored once, though the server is killed and the way to it cut", func(t *testing.T) {
		t.Parallel()
		server := startServer(t)
		p, through := startProxy(t, server.url())
		s := open(t, postgres.Config{URL: through, MaxConns: 8})
		p.cuts.Store(50)
		each, enough, over := make(chan struct{}), make(chan struct{}), make(chan struct{})
		go func() {
			defer close(over)
			defer close(enough)
			for range 3 {
				for range 300 {
					<-each
				}
				crashed := make(chan struct{})
				go func() { defer close(crashed); server.crash(t) }()
				for running := true; running; {
					select {
					case <-each:
					case <-crashed:
						running = false
					}
				}
			}
			for range 300 {
				<-each
			}
		}()
		n := insist(t, s, open(t, postgres.Config{URL: server.url()}), server.await, each, enough)
		<-over
		if n.unknown.Load() == 0 {
			t.Error("no outcome was unknown: the test shows nothing")
		}
	})
}

func TestStore_Commit_exhausted(t *testing.T) {
	t.Parallel()
	t.Run("who waits for a connection in vain has stored nothing, and others go on when one is free", func(t *testing.T) {
		t.Parallel()
		s := open(t, postgres.Config{URL: newDatabase(t), MaxConns: 2})
		holding, release := make(chan struct{}), make(chan struct{})
		var exports sync.WaitGroup
		for range 2 { // each of which holds a connection
			exports.Go(func() {
				if err := s.Export(t.Context(), blocked{holding, release}); err != nil {
					t.Error(err)
				}
			})
			<-holding
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		id := unit.NewID()
		err := s.Commit(ctx, version(id, 1))
		if _, unknown := errors.AsType[*unit.UnknownError](err); unknown || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want that the deadline has passed, with nothing stored", err)
		}
		var writers sync.WaitGroup
		for range 20 {
			writers.Go(func() {
				if err := s.Commit(t.Context(), version(unit.NewID(), 1)); err != nil {
					t.Error(err)
				}
			})
		}
		close(release)
		writers.Wait()
		exports.Wait()
		expectVersions(t, s, id, 0)
	})
}

// blocked is a writer that tells when it is written to, and waits.
type blocked struct {
	holding chan<- struct{}
	release <-chan struct{}
}

func (b blocked) Write(p []byte) (int, error) {
	b.holding <- struct{}{}
	<-b.release
	return len(p), nil
}

func TestStore_Commit_deadlock(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T) (*postgres.Store, string) {
		t.Helper()
		url := newDatabase(t)
		execute(t, url, "CREATE TABLE account (id int PRIMARY KEY, amount int NOT NULL)")
		execute(t, url, "INSERT INTO account VALUES (1, 0), (2, 0)")
		execute(t, url, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = 10', current_database()); END $$")
		return open(t, postgres.Config{URL: url, MaxConns: 4}), url
	}
	t.Run("a deadlock of statements is a conflict, and the work is stored when it is tried again", func(t *testing.T) {
		t.Parallel()
		s, url := setup(t)
		var conflicts atomic.Int64
		var writers sync.WaitGroup
		for i := range 4 {
			writers.Go(func() {
				for range 10 {
					w := version(unit.NewID(), 1)
					w.Exec("UPDATE account SET amount = amount + 1 WHERE id = $1", 1+i%2)
					w.Exec("SELECT pg_sleep(0.005)")
					w.Exec("UPDATE account SET amount = amount + 1 WHERE id = $1", 2-i%2)
					for err := s.Commit(t.Context(), w); err != nil; err = s.Commit(t.Context(), w) {
						if _, ok := errors.AsType[*unit.ConflictError](err); !ok {
							t.Error(err)
							return
						}
						conflicts.Add(1)
					}
				}
			})
		}
		writers.Wait()
		if n := count(t, url, "minos.event"); n != 40 || conflicts.Load() == 0 {
			t.Errorf("%d of 40 events are stored after %d conflicts", n, conflicts.Load())
		}
		if n := count(t, url, "account WHERE amount = 40"); n != 2 {
			t.Errorf("%d of 2 accounts have every addition", n)
		}
	})
	t.Run("so is a transaction that cannot be serialized, of which nothing is stored", func(t *testing.T) {
		t.Parallel()
		s, url := setup(t)
		w := version(unit.NewID(), 1)
		w.Exec("DO $$ BEGIN RAISE EXCEPTION 'try again' USING ERRCODE = 'serialization_failure'; END $$")
		if _, ok := errors.AsType[*unit.ConflictError](s.Commit(t.Context(), w)); !ok {
			t.Error("it is no conflict")
		}
		if n := count(t, url, "minos.event"); n != 0 {
			t.Errorf("%d events are stored", n)
		}
	})
}

// raw is a transaction of somebody who writes by hand, as the store does.
func raw(t *testing.T, url string) pgx.Tx {
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
	return tx
}

func run(t *testing.T, tx pgx.Tx, sql string, args ...any) {
	t.Helper()
	if _, err := tx.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

const takeFence = "SELECT pg_advisory_xact_lock_shared(1835626095, (pg_sequence_last_value('minos.seq') & 2147483647)::int)"

func expectVersionsPending(t *testing.T, s *postgres.Store, after int64, versions ...int) (position int64) {
	t.Helper()
	entries, position, err := s.Pending(t.Context(), after, 100)
	if err != nil {
		t.Fatal(err)
	}
	got := []int{}
	for _, e := range entries {
		got = append(got, e.Event.Version)
	}
	if fmt.Sprint(got) != fmt.Sprint(versions) {
		t.Errorf("versions %v are read, want %v", got, versions)
	}
	return position
}

func TestStore_Pending_faults(t *testing.T) {
	t.Parallel()
	t.Run("the first event of a store is not skipped while another is committed before it", func(t *testing.T) {
		t.Parallel()
		url := newDatabase(t)
		s := open(t, postgres.Config{URL: url})
		slow := raw(t, url)
		run(t, slow, takeFence)
		run(t, slow, `INSERT INTO minos.event (aggregate, version, name, action, schema, data, created_at)
			VALUES ($1, 7, 'Order', 'create', 1, '[]', now())`, unit.NewID())
		if err := s.Commit(t.Context(), version(unit.NewID(), 1)); err != nil {
			t.Fatal(err)
		}
		after := expectVersionsPending(t, s, 0)
		if err := slow.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		expectVersionsPending(t, s, after, 7, 1)
	})
	t.Run("an open transaction of somebody else holds up nobody", func(t *testing.T) {
		t.Parallel()
		url := newDatabase(t)
		s := open(t, postgres.Config{URL: url})
		old, dumping := raw(t, url), raw(t, url)
		run(t, old, "CREATE TABLE mine (id int)") // which gives it a number that later ones are above
		run(t, dumping, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
		run(t, dumping, "SELECT count(*) FROM minos.event")
		id := unit.NewID()
		for n := range 3 {
			if err := s.Commit(t.Context(), version(id, n+1)); err != nil {
				t.Fatal(err)
			}
		}
		expectVersionsPending(t, s, 0, 1, 2, 3)
	})
	t.Run("who idles with the fence in hand is sent away, and what came after is read in order", func(t *testing.T) {
		t.Parallel()
		url := newDatabase(t)
		s := open(t, postgres.Config{URL: url})
		idle := raw(t, url)
		run(t, idle, "SET LOCAL idle_in_transaction_session_timeout = 300")
		run(t, idle, takeFence)
		run(t, idle, "SELECT nextval('minos.seq')")
		id := unit.NewID()
		for n := range 3 {
			if err := s.Commit(t.Context(), version(id, n+1)); err != nil {
				t.Fatal(err)
			}
		}
		after := expectVersionsPending(t, s, 0)
		for deadline := time.Now().Add(time.Minute); ; {
			entries, _, err := s.Pending(t.Context(), after, 100)
			if err != nil || time.Now().After(deadline) {
				t.Fatalf("nothing is read: %v", err)
			}
			if len(entries) > 0 {
				break
			}
		}
		expectVersionsPending(t, s, after, 1, 2, 3)
	})
	t.Run("versions come in order though the later transaction has the earlier number", func(t *testing.T) {
		t.Parallel()
		url := newDatabase(t)
		s := open(t, postgres.Config{URL: url})
		id, held := unit.NewID(), unit.NewID()
		if err := s.Commit(t.Context(), version(id, 1)); err != nil {
			t.Fatal(err)
		}
		// The third version's transaction begins, and waits for a receipt.
		holder := raw(t, url)
		run(t, holder, "INSERT INTO minos.receipt (message, topic) VALUES ($1, 'Chain')", held)
		third := version(id, 3)
		third.Settle(unit.Receipt{Topic: "Chain", Message: held})
		done := make(chan error)
		go func() { done <- s.Commit(t.Context(), third) }()
		for waiting := 0; waiting == 0; {
			waiting = count(t, url, "pg_locks WHERE NOT granted AND locktype = 'transactionid'")
		}
		if err := s.Commit(t.Context(), version(id, 2)); err != nil {
			t.Fatal(err)
		}
		if err := holder.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if n := count(t, url, "minos.event a, minos.event b WHERE a.version = 2 AND b.version = 3 AND a.xmin::text::bigint > b.xmin::text::bigint"); n != 1 {
			t.Error("the transactions were not inverted: the test shows nothing")
		}
		expectVersionsPending(t, s, 0, 1, 2, 3)
	})
}
