package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/sqlite"
	"github.com/minos-framework/minos-go/framework/unit/unittest"
)

func open(tb testing.TB, path string) *sqlite.Store {
	tb.Helper()
	s, err := sqlite.Open(tb.Context(), sqlite.Config{Path: path})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

// newFile returns the path of a file that is not there yet, with all that a
// path may have.
func newFile(tb testing.TB) string {
	tb.Helper()
	return filepath.Join(tb.TempDir(), "new folder", "100% #1 ü?x=1.db")
}

func TestStore(t *testing.T) {
	t.Parallel()
	unittest.RunStore(t, func(t *testing.T) unittest.Store {
		t.Helper()
		return open(t, newFile(t))
	})
}

func TestStore_shared(t *testing.T) {
	t.Parallel()
	unittest.RunShared(t, func(t *testing.T) unittest.Opener {
		t.Helper()
		path := newFile(t)
		return func(t *testing.T) unittest.Store {
			t.Helper()
			return open(t, path)
		}
	})
}

func TestStore_comparison(t *testing.T) {
	t.Parallel()
	unittest.RunComparison(t,
		func(t *testing.T) unittest.Store { t.Helper(); return open(t, newFile(t)) },
		func(t *testing.T) unittest.Store {
			t.Helper()
			s, err := memory.Open(t.Context(), memory.Config{})
			if err != nil {
				t.Fatal(err)
			}
			return s
		})
}

func TestStore_dump(t *testing.T) {
	t.Parallel()
	unittest.RunDump(t, map[string]unittest.Opener{
		"sqlite": func(t *testing.T) unittest.Store { t.Helper(); return open(t, newFile(t)) },
		"memory": func(t *testing.T) unittest.Store {
			t.Helper()
			s, err := memory.Open(t.Context(), memory.Config{})
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
	})
}
