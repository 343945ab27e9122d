//go:build integration

package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/minos-framework/minos-go/framework/postgres"
	"github.com/minos-framework/minos-go/framework/query"
)

func kindOf(path string) (query.Kind, error) {
	kind, ok := map[string]query.Kind{
		"item": query.Text, "total": query.Number, "paid": query.Time, "price": query.Decimal, "customer.id": query.UUID,
		"done": query.Bool, "tags": query.JSON,
	}[path]
	if !ok {
		return 0, fmt.Errorf("there is no field %q", path)
	}
	return kind, nil
}

func index(tb testing.TB, paths ...string) query.Index {
	tb.Helper()
	i, err := query.BindIndex(kindOf, paths...)
	if err != nil {
		tb.Fatal(err)
	}
	i.Name = "Order"
	return i
}

func selection(tb testing.TB, clauses ...query.Clause) query.Selection {
	tb.Helper()
	s, err := query.Bind(kindOf, clauses...)
	if err != nil {
		tb.Fatal(err)
	}
	s.Name = "Order"
	return s
}

// fill inserts states of two names, every second an Order, and as many events.
func fill(tb testing.TB, url string, n int) {
	tb.Helper()
	for _, table := range []string{"snapshot", "event"} {
		execute(tb, url, "ALTER TABLE minos."+table+" SET (autovacuum_enabled = false)")
	}
	execute(tb, url, `INSERT INTO minos.snapshot (name, aggregate, version, schema, data, created_at, updated_at)
		SELECT CASE i % 2 WHEN 0 THEN 'Order' ELSE 'Other' END, md5(i::text)::uuid, i % 1000, 1, jsonb_build_object(
			'item', 'item ' || i % 5000, 'total', i % 7919, 'price', (i % 7919)::text || '.50', 'done', i % 2 = 0,
			'paid', to_char(timestamp '2026-01-01' + i * interval '1 minute', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
			'customer', jsonb_build_object('id', md5((i % 5000)::text)::uuid), 'tags', jsonb_build_array('a', i)),
			timestamptz '2026-01-01Z' + i * interval '1 second', timestamptz '2026-01-01Z' + i * interval '2 seconds'
		FROM generate_series(1, $1) AS i`, n)
	execute(tb, url, `INSERT INTO minos.event (aggregate, version, name, action, schema, data, created_at)
		SELECT md5(i::text)::uuid, 1, 'Order', 'create', 1, '[]', now() FROM generate_series(1, $1) AS i`, n)
}

const stored = 20_000

func TestStore_Snapshots_plans(t *testing.T) {
	t.Parallel()
	for _, analysed := range []bool{false, true} {
		t.Run(fmt.Sprintf("read from an index, analysed: %t", analysed), func(t *testing.T) {
			t.Parallel()
			url := newDatabase(t)
			s := open(t, postgres.Config{URL: url})
			declared := [][]string{
				{"item"}, {"total", "item"}, {"paid"}, {"price"}, {"customer.id"}, {"version"}, {"updated_at"},
			}
			names := map[string]string{}
			for _, paths := range declared {
				if err := s.CreateIndexes(t.Context(), index(t, paths...)); err != nil {
					t.Fatal(err)
				}
				names[paths[0]] = postgres.IndexName(index(t, paths...))
			}
			fill(t, url, stored)
			if analysed {
				execute(t, url, "ANALYZE")
			}
			second := func(n int) time.Time { return time.Date(2026, 1, 1, 0, 0, n, 0, time.UTC) }
			for i, c := range []struct {
				clauses []query.Clause
				want    string // the index
			}{
				{[]query.Clause{query.Equal("uuid", uuid.New())}, "snapshot_pkey"},
				{[]query.Clause{query.In("uuid", uuid.New(), uuid.New())}, "snapshot_pkey"},
				{[]query.Clause{query.Greater("uuid", uuid.Nil)}, "snapshot_pkey"},
				{nil, "snapshot_pkey"},
				{[]query.Clause{query.Equal("created_at", second(7))}, "snapshot_created"},
				{[]query.Clause{query.Greater("created_at", second(stored-100)), query.Asc("created_at")}, "snapshot_created"},
				{[]query.Clause{query.Desc("created_at")}, "snapshot_created"},
				{[]query.Clause{query.Equal("version", 17)}, names["version"]},
				{[]query.Clause{query.Greater("updated_at", second(2*stored-99)), query.Asc("updated_at")}, names["updated_at"]},
				{[]query.Clause{query.Desc("updated_at")}, names["updated_at"]},
				{[]query.Clause{query.Equal("item", "item 8")}, names["item"]},
				{[]query.Clause{query.Equal("item", "item 8"), query.Equal("done", true)}, names["item"]},
				{[]query.Clause{query.In("item", "item 8", "item 10", "item 12")}, names["item"]},
				{[]query.Clause{query.Like("item", "item 499%"), query.Asc("item")}, names["item"]},
				{[]query.Clause{query.Desc("item")}, names["item"]},
				{[]query.Clause{query.Equal("total", 8)}, names["total"]},
				{[]query.Clause{query.Equal("total", 8), query.Asc("item")}, names["total"]},
				{[]query.Clause{query.Greater("total", 7900), query.Asc("total")}, names["total"]},
				{[]query.Clause{query.Desc("total"), query.Desc("item")}, names["total"]},
				{[]query.Clause{query.Equal("paid", second(60*16))}, names["paid"]},
				{[]query.Clause{query.GreaterEqual("paid", second(60*stored-60)), query.Asc("paid")}, names["paid"]},
				{[]query.Clause{query.Equal("price", "8.5")}, names["price"]},
				{[]query.Clause{query.Equal("customer.id", uuid.NewMD5(uuid.Nil, nil))}, names["customer.id"]},
			} {
				for _, plan := range plans(t, s, selection(t, c.clauses...)) {
					// A planner that has never seen the table takes it to be small, and may
					// read what is left of an index to sort it; not all of the table.
					good := strings.Contains(plan, "Index Scan") && !strings.Contains(plan, "Seq Scan")
					if analysed {
						good = good && strings.Contains(plan, " "+c.want+" ") && reads(t, plan) <= postgres.Page+100
					}
					if !good {
						t.Errorf("%d: %+v: want no more than a page of %s:\n%s", i, c.clauses, c.want, plan)
					}
				}
			}
		})
	}
}

// plans returns how the first three pages of a selection are read.
func plans(t *testing.T, s *postgres.Store, selection query.Selection) []string {
	t.Helper()
	plans, err := postgres.PlansOf(t.Context(), s, "minos.snapshot", func(s *postgres.Store) error {
		n := 0
		for _, err := range s.Snapshots(t.Context(), selection) {
			if err != nil {
				return err
			}
			if n++; n > 2*postgres.Page {
				break
			}
		}
		return nil
	})
	if err != nil || len(plans) == 0 {
		t.Fatalf("%v, %d plans", err, len(plans))
	}
	return plans
}

// reads returns the most rows that a step of a plan has had in hand.
func reads(t *testing.T, plan string) int {
	t.Helper()
	most := 0
	for line := range strings.Lines(plan) {
		var n int
		if _, after, ok := strings.Cut(line, "(actual rows="); ok {
			_, _ = fmt.Sscanf(after, "%d", &n)
		} else if _, after, ok := strings.Cut(line, "Rows Removed by Filter: "); ok {
			_, _ = fmt.Sscanf(after, "%d", &n)
		}
		most = max(most, n)
	}
	return most
}

// The relay once read with two conditions that made the planner of a server
// that had not analysed the table combine indexes, and read all of it.
func TestStore_Pending_plan(t *testing.T) {
	t.Parallel()
	for _, analysed := range []bool{false, true} {
		t.Run(fmt.Sprintf("reads events from the index of their positions, analysed: %t", analysed), func(t *testing.T) {
			t.Parallel()
			url := newDatabase(t)
			s := open(t, postgres.Config{URL: url})
			fill(t, url, stored)
			if analysed {
				execute(t, url, "ANALYZE")
			}
			for _, after := range []int64{0, stored / 2, stored - 50, stored} {
				plans, err := postgres.PlansOf(t.Context(), s, "minos.event", func(s *postgres.Store) error {
					_, _, err := s.Pending(t.Context(), after, 100)
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
				for _, plan := range plans {
					if !strings.Contains(plan, "Index Scan using event_pkey") || strings.Contains(plan, "Bitmap") ||
						strings.Contains(plan, "Seq Scan") || reads(t, plan) > 100 {
						t.Errorf("after %d:\n%s", after, plan)
					}
				}
				if len(plans) == 0 && after < stored {
					t.Errorf("after %d: nothing was read", after)
				}
			}
		})
	}
}

func TestStore_CreateIndexes(t *testing.T) {
	t.Parallel()
	count := func(t *testing.T, s *postgres.Store) (n int) {
		t.Helper()
		plans, err := postgres.PlansOf(t.Context(), s, "minos.snapshot", func(s *postgres.Store) error {
			for _, err := range s.Snapshots(t.Context(), selection(t, query.Equal("item", "item 8"))) {
				if err != nil {
					return err
				}
				n++
			}
			return nil
		})
		if err != nil || !strings.Contains(plans[0], postgres.IndexName(index(t, "item"))) {
			t.Errorf("%v: %s", err, plans)
		}
		return n
	}
	t.Run("creates each once, whoever starts at the same time, while others write", func(t *testing.T) {
		t.Parallel()
		url := newDatabase(t)
		stores := make([]*postgres.Store, 6)
		for i := range stores {
			stores[i] = open(t, postgres.Config{URL: url, MaxConns: 2})
		}
		fill(t, url, stored)
		var starting sync.WaitGroup
		for _, s := range stores {
			starting.Go(func() {
				if err := s.CreateIndexes(t.Context(), index(t, "item"), index(t, "total", "paid")); err != nil {
					t.Error(err)
				}
			})
		}
		starting.Wait()
		if n := count(t, stores[0]); n != 4 {
			t.Errorf("found %d", n)
		}
	})
	t.Run("builds one again that was cut off", func(t *testing.T) {
		t.Parallel()
		url := newDatabase(t)
		s := open(t, postgres.Config{URL: url})
		fill(t, url, stored)
		wanted := index(t, "item")
		execute(t, url, "CREATE INDEX "+postgres.IndexName(wanted)+" ON "+postgres.IndexDefinition(wanted))
		execute(t, url, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = $1::text::regclass",
			"minos."+postgres.IndexName(wanted))
		if err := s.CreateIndexes(t.Context(), wanted); err != nil {
			t.Fatal(err)
		}
		if n := count(t, s); n != 4 {
			t.Errorf("found %d", n)
		}
	})
	t.Run("waits for a writer for longer than the timeouts that hold for others", func(t *testing.T) {
		t.Parallel()
		url := newDatabase(t)
		s := open(t, postgres.Config{URL: url, MaxConns: 1})
		execute(t, url, `DO $$ BEGIN EXECUTE format(
			'ALTER DATABASE %I SET lock_timeout = 100', current_database()); END $$`)
		execute(t, url, `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		_ = s.Ping(t.Context()) // on the connection that was cut
		writer, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = writer.Close(context.WithoutCancel(t.Context())) }()
		if _, err := writer.Exec(t.Context(), "BEGIN; LOCK TABLE minos.snapshot IN ROW EXCLUSIVE MODE"); err != nil {
			t.Fatal(err)
		}
		created := make(chan error, 1)
		go func() { created <- s.CreateIndexes(t.Context(), index(t, "item")) }()
		execute(t, url, `DO $$ BEGIN
			FOR i IN 1..1000 LOOP
				PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
				EXIT WHEN EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX%' AND wait_event_type = 'Lock'
					AND datname = current_database() AND clock_timestamp() > query_start + interval '300 ms');
			END LOOP;
		END $$`)
		if _, err := writer.Exec(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
		if err := <-created; err != nil {
			t.Error(err)
		}
	})
	t.Run("gives up when its context ends while another creates", func(t *testing.T) {
		t.Parallel()
		url := newDatabase(t)
		s := open(t, postgres.Config{URL: url})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.CreateIndexes(ctx, index(t, "item")); err == nil {
			t.Error("it was created")
		}
	})
}
