//go:build integration

package postgres_test

import (
	"path/filepath"
	"testing"

	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/postgres"
	"github.com/minos-framework/minos-go/framework/sqlite"
	"github.com/minos-framework/minos-go/framework/unit/unittest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	unittest.RunStore(t, func(t *testing.T) unittest.Store {
		t.Helper()
		return open(t, postgres.Config{URL: newDatabase(t), MaxConns: 8})
	})
}

func TestStore_shared(t *testing.T) {
	t.Parallel()
	unittest.RunShared(t, func(t *testing.T) unittest.Opener {
		t.Helper()
		config := postgres.Config{URL: newDatabase(t), MaxConns: 8}
		return func(t *testing.T) unittest.Store {
			t.Helper()
			return open(t, config)
		}
	})
}

func TestStore_comparison(t *testing.T) {
	t.Parallel()
	unittest.RunComparison(t,
		func(t *testing.T) unittest.Store {
			t.Helper()
			return open(t, postgres.Config{URL: newDatabase(t), MaxConns: 4})
		},
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
		"postgres": func(t *testing.T) unittest.Store {
			t.Helper()
			return open(t, postgres.Config{URL: newDatabase(t), MaxConns: 4})
		},
		"sqlite": func(t *testing.T) unittest.Store {
			t.Helper()
			s, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "store.db")})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			return s
		},
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
