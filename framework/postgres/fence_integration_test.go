//go:build integration

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/minos-framework/minos-go/framework/postgres"
	"github.com/minos-framework/minos-go/framework/unit"
)

func TestStore_linearizable_postgres(t *testing.T) {
	t.Parallel()
	t.Run("concurrent callers are as if one after the other", func(t *testing.T) {
		t.Parallel()
		linearizable(t, open(t, postgres.Config{URL: newDatabase(t), MaxConns: 8}))
	})
	t.Run("so are those whose commits go in groups", func(t *testing.T) {
		t.Parallel()
		linearizable(t, inGroups(open(t, postgres.Config{URL: newDatabase(t), MaxConns: 8})))
	})
}

// fenceEvents is how many events the writers try to commit in all; a long run is
// told by MINOS_TEST_FENCE_EVENTS.
func fenceEvents(t *testing.T) int64 {
	t.Helper()
	text, ok := os.LookupEnv("MINOS_TEST_FENCE_EVENTS")
	if !ok {
		return 20_000
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatalf("MINOS_TEST_FENCE_EVENTS: %v", err)
	}
	return n
}

// storm has 16 writers commit events of aggregates of their own, many of them
// after a pause that the database makes with the numbers drawn, or not at all.
func storm(t *testing.T, s *postgres.Store, events int64) {
	t.Helper()
	var left atomic.Int64
	left.Store(events)
	var writers sync.WaitGroup
	for range 16 {
		writers.Go(func() {
			for left.Load() > 0 && t.Context().Err() == nil {
				w := unit.New(nil)
				n := 1 + rand.IntN(20)
				for range n {
					changed(w)
				}
				if rand.IntN(3) == 0 {
					w.Exec(fmt.Sprintf("SELECT pg_sleep(%f)", rand.Float64()/100))
				}
				fails := rand.IntN(10) == 0
				if fails {
					w.Exec("SELECT 1 / 0")
				}
				err := s.Commit(t.Context(), w)
				if _, refused := errors.AsType[*pgconn.PgError](err); refused != fails || !fails && err != nil {
					t.Errorf("commit: %v", err)
					return
				}
				left.Add(-int64(n))
			}
		})
	}
	writers.Wait()
}

// tailing reads on from a position, returns the numbers that it read and where
// to go on from.
type tailing func(ctx context.Context, after int64) (numbers []int64, position int64, err error)

// follow reads until all is read after written was closed.
func (next tailing) follow(ctx context.Context, after int64, written <-chan struct{}) (numbers []int64, err error) {
	for {
		over := false
		select {
		case <-written:
			over = true
		default:
		}
		some, position, err := next(ctx, after)
		if err != nil || over && len(some) == 0 && position == after {
			return numbers, err
		}
		numbers, after = append(numbers, some...), position
	}
}

// TestStore_fence is the fence on the real server, with numbers like those of
// the ordinary run, and those where the 31 bits of a lock's key begin again.
func TestStore_fence(t *testing.T) {
	t.Parallel()
	t.Run("two readers who follow 16 writers skip nothing and read nothing twice", func(t *testing.T) {
		t.Parallel()
		skipped := fence(t, 0, fenceEvents(t))
		t.Logf("a reader that goes on from the highest number skipped %d", skipped)
		if skipped == 0 {
			t.Error("a reader that goes on from the highest number skipped nothing: the writers are too tame")
		}
	})
	for _, start := range []int64{1 << 31, 1 << 32} {
		t.Run(fmt.Sprintf("nor do they when the numbers pass %d", start), func(t *testing.T) {
			t.Parallel()
			fence(t, start-500, 2_000)
		})
	}
}

// fence runs the storm with two readers of the outbox and a naive one, who may
// skip, and does: it returns how many.
func fence(t *testing.T, start, events int64) (skipped int) {
	t.Helper()
	url := newDatabase(t)
	s := open(t, postgres.Config{URL: url, MaxConns: 20})
	execute(t, url, "SELECT setval('minos.seq', $1)", start)
	outbox := tailing(func(ctx context.Context, after int64) (numbers []int64, position int64, err error) {
		entries, position, err := s.Pending(ctx, after, 500)
		for _, e := range entries {
			numbers = append(numbers, e.Seq)
		}
		return numbers, position, err
	})
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	highest := tailing(func(ctx context.Context, after int64) ([]int64, int64, error) {
		rows, _ := conn.Query(ctx, "SELECT seq FROM minos.event WHERE seq > $1 ORDER BY seq LIMIT 500", after) // rows tell
		numbers, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if len(numbers) > 0 {
			after = numbers[len(numbers)-1]
		}
		return numbers, after, err
	})
	written := make(chan struct{})
	var readers sync.WaitGroup
	all := []tailing{outbox, outbox, highest}
	read := make([][]int64, len(all))
	for i, next := range all {
		readers.Go(func() {
			var err error
			if read[i], err = next.follow(t.Context(), start, written); err != nil {
				t.Error(err)
			}
		})
	}
	storm(t, s, events)
	close(written)
	readers.Wait()
	rows, _ := conn.Query(t.Context(), "SELECT seq FROM minos.event ORDER BY seq") // rows tell the error
	stored, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		t.Fatal(err)
	}
	for i, numbers := range read[:2] {
		if !slices.IsSorted(numbers) {
			t.Errorf("reader %d did not read in order", i)
		}
		missing := slices.DeleteFunc(slices.Clone(stored), func(n int64) bool {
			_, found := slices.BinarySearch(numbers, n)
			return found
		})
		if len(missing) > 0 || len(numbers) != len(stored) {
			t.Errorf("reader %d read %d of %d events, the last %d, and not %v", i, len(numbers), len(stored),
				numbers[len(numbers)-1], missing[:min(len(missing), 20)])
		}
	}
	t.Logf("%d events between %d and %d", len(stored), stored[0], stored[len(stored)-1])
	return len(stored) - len(read[2])
}
