package sqlite_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/unit"
)

func TestStore_Commit_full(t *testing.T) {
	t.Parallel()
	t.Run("a full disk costs nothing that was acknowledged, and works go on when there is room", func(t *testing.T) {
		t.Parallel()
		s := open(t, newFile(t))
		pages := func(limit string) { // as the disk has room for
			t.Helper()
			w := unit.New(nil)
			w.Exec("PRAGMA max_page_count = " + limit)
			if err := s.Commit(t.Context(), w); err != nil {
				t.Fatal(err)
			}
		}
		pages("200")
		var writers sync.WaitGroup
		ids, versions := make([]uuid.UUID, 8), make([]int, 8)
		extend := func(i int) error {
			w := version(ids[i], versions[i]+1)
			w.Settle(unit.Receipt{Topic: "Chain", Message: unit.NewID()})
			if err := s.Commit(t.Context(), w); err != nil {
				return err
			}
			versions[i]++
			return nil
		}
		for i := range ids {
			ids[i] = unit.NewID()
			writers.Go(func() {
				for failures := 0; failures < 5; {
					err := extend(i)
					if err == nil {
						continue
					}
					if _, known := errors.AsType[*unit.ConflictError](err); known {
						t.Errorf("version %d: %v", versions[i]+1, err)
					}
					failures++
				}
			})
		}
		writers.Wait()
		if versions[0] == 0 {
			t.Error("nothing was stored before the disk was full: the test shows nothing")
		}
		pages("2000")
		for i, id := range ids {
			if err := extend(i); err != nil {
				t.Error(err)
			}
			n := 0
			for e, err := range s.Events(t.Context(), aggregate.EventQuery{Aggregate: id}) {
				if err != nil {
					t.Fatal(err)
				}
				if n++; e.Version != n {
					t.Fatalf("event %d has version %d", n, e.Version)
				}
			}
			if n != versions[i] {
				t.Errorf("%d events are stored of %d that were acknowledged", n, versions[i])
			}
		}
	})
}
