//go:build integration

package aggregate_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/minos-framework/minos-go/framework/postgres"
)

// database makes an empty database on the server of the tests.
func database(t *testing.T) postgres.Config {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), os.Getenv("MINOS_TEST_POSTGRES"))
	if err != nil {
		t.Fatalf("connect to MINOS_TEST_POSTGRES: %v", err)
	}
	defer func() { _ = conn.Close(t.Context()) }() // nothing is left to say
	name := fmt.Sprintf("replay_%x", uuid.New())
	if _, err := conn.Exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		conn, err := pgx.Connect(ctx, os.Getenv("MINOS_TEST_POSTGRES"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close(ctx) }() // nothing is left to say
		if _, err := conn.Exec(ctx, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	c := conn.Config()
	return postgres.Config{Host: c.Host, Port: int(c.Port), User: c.User, Password: c.Password, Database: name}
}

func TestReplay_postgres(t *testing.T) {
	t.Parallel()
	store, err := postgres.Open(t.Context(), database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }() // the database is the test's own
	b := cartsIn(t, store, cartOptions()...)
	rapid.Check(t, func(rt *rapid.T) { replayEqualsState(t.Context(), rt, b) })
}
