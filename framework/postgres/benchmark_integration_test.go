//go:build integration

package postgres_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/postgres"
	"github.com/minos-framework/minos-go/framework/unit"
)

// created is a new aggregate of about 250 bytes of JSON, twice: the event and
// the state after it. testdata/append.sql is the same for pgbench:
//
//	pgbench -n -M prepared -c 16 -j 2 -T 10 -f testdata/append.sql -D data=... -D state=... URL
func created() *unit.Work {
	return next(unit.NewID(), 1)
}

func next(id uuid.UUID, version int) *unit.Work {
	title := strings.Repeat("x", 150)
	w := unit.New(nil)
	w.Append(unit.Event{
		Aggregate: id, Version: version, Name: "Order", Action: unit.Create, Schema: 1, CreatedAt: w.Now(),
		Data: json.RawMessage(`[{"name":"title","value":"` + title + `"},{"name":"amount","value":12345},` +
			`{"name":"status","value":"placed"}]`),
	}, unit.Snapshot{
		Aggregate: id, Name: "Order", Version: version, CreatedAt: w.Now(), UpdatedAt: w.Now(),
		Data: json.RawMessage(`{"title":"` + title + `","amount":12345,"status":"placed"}`),
	})
	return w
}

// spread runs fn b.N times, in this many goroutines.
func spread(b *testing.B, callers int, fn func() error) {
	b.Helper()
	b.ReportAllocs()
	var left atomic.Int64
	left.Store(int64(b.N))
	done := make(chan error)
	b.ResetTimer()
	for range callers {
		go func() {
			var err error
			for err == nil && left.Add(-1) >= 0 {
				err = fn()
			}
			done <- err
		}()
	}
	for range callers {
		if err := <-done; err != nil {
			b.Error(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}

func BenchmarkStore_Commit(b *testing.B) {
	for _, callers := range []int{1, 16} {
		b.Run(fmt.Sprintf("create, %d callers", callers), func(b *testing.B) {
			s := open(b, postgres.Config{URL: newDatabase(b)})
			spread(b, callers, func() error { return s.Commit(b.Context(), created()) })
		})
	}
	for _, callers := range []int{1, 16, 256, 1024} {
		b.Run(fmt.Sprintf("create in groups, %d callers", callers), func(b *testing.B) {
			s := unit.Coalesce(open(b, postgres.Config{URL: newDatabase(b)}), unit.CoalesceConfig{})
			spread(b, callers, func() error { return s.Commit(b.Context(), created()) })
		})
	}
	b.Run("update, 16 callers", func(b *testing.B) {
		s := open(b, postgres.Config{URL: newDatabase(b)})
		versions := make(chan [2]any, 16)
		for range cap(versions) {
			versions <- [2]any{unit.NewID(), 0}
		}
		spread(b, cap(versions), func() error {
			mine := <-versions
			version := mine[1].(int) + 1
			defer func() { versions <- [2]any{mine[0], version} }()
			return s.Commit(b.Context(), next(mine[0].(uuid.UUID), version))
		})
	})
}

func BenchmarkStore_Snapshot(b *testing.B) {
	s := open(b, postgres.Config{URL: newDatabase(b)})
	w := created()
	if err := s.Commit(b.Context(), w); err != nil {
		b.Fatal(err)
	}
	spread(b, 16, func() error {
		_, err := s.Snapshot(b.Context(), "Order", w.Snapshots[0].Aggregate)
		return err
	})
}
