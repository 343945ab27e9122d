//go:build integration

package postgres_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/minos-framework/minos-go/framework/postgres"
	"github.com/minos-framework/minos-go/framework/unit"
)

// newDatabase creates a database that is dropped when the test ends, and
// returns its URL.
func newDatabase(tb testing.TB) string {
	tb.Helper()
	server := os.Getenv("MINOS_TEST_POSTGRES")
	if server == "" {
		tb.Fatal("MINOS_TEST_POSTGRES is not set: it is the URL of a superuser of a PostgreSQL server for tests")
	}
	location, err := url.Parse(server)
	if err != nil {
		tb.Fatalf("parse MINOS_TEST_POSTGRES: %v", err)
	}
	name := "store_" + strings.ReplaceAll(unit.NewID().String(), "-", "")
	execute(tb, server, "CREATE DATABASE "+name)
	tb.Cleanup(func() { execute(tb, server, fmt.Sprintf("DROP DATABASE %s WITH (FORCE)", name)) })
	location.Path = "/" + name
	return location.String()
}

// execute runs one statement on a connection of its own.
func execute(tb testing.TB, url, sql string, args ...any) {
	tb.Helper()
	ctx := context.WithoutCancel(tb.Context())
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, sql, args...); err != nil {
		tb.Fatalf("%s: %v", sql, err)
	}
}

func open(tb testing.TB, config postgres.Config) *postgres.Store {
	tb.Helper()
	s, err := postgres.Open(tb.Context(), config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}
