//go:build integration

package postgres_test

import (
	"testing"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/postgres"
	"github.com/minos-framework/minos-go/framework/unit"
)

func TestStore_Events_pages(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T) *postgres.Store {
		t.Helper()
		url := newDatabase(t)
		s := open(t, postgres.Config{URL: url, MaxConns: 1})
		execute(t, url, `INSERT INTO minos.event (aggregate, version, name, action, schema, data, created_at)
			SELECT gen_random_uuid(), 1, 'Order', 'create', 1, '[]', now() FROM generate_series(1, 2100)`)
		return s
	}
	t.Run("come whole, while the loop's body uses the only connection", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		var last int64
		n := 0
		for e, err := range s.Events(t.Context(), aggregate.EventQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			if e.Seq != last+1 {
				t.Fatalf("event %d came after %d", e.Seq, last)
			}
			last = e.Seq
			if n++; n%300 == 0 {
				if err := s.Commit(t.Context(), version(unit.NewID(), 1)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if n != 2100 {
			t.Errorf("%d events came of the 2100 that were there when the iteration began", n)
		}
	})
	t.Run("may be left in the middle of any page", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		for _, enough := range []int{1, 500, 501, 1000, 1300, 2100} {
			n := 0
			for _, err := range s.Events(t.Context(), aggregate.EventQuery{}) {
				if err != nil {
					t.Fatal(err)
				}
				if n++; n == enough {
					break
				}
			}
			if err := s.Ping(t.Context()); err != nil { // on the only connection
				t.Error(err)
			}
		}
	})
}
