//go:build integration

package postgres_test

import (
	"testing"

	"github.com/minos-framework/minos-go/framework/postgres"
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
