package postgres

import (
	"context"
	"embed"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/minos-framework/minos-go/framework/postgres/internal/write"
)

// The files migrate in the order of their names. They are applied to databases
// of users: add files, never change one.
//
//go:embed schema/*.sql
var schema embed.FS

// The classes of our advisory locks, after that of the fence. They are the same
// in every program that uses the database: never change one.
const (
	leadClass    = write.FenceClass + 1 + iota // keyed by the hash of a cursor's name
	migrateClass                               // of keys 0 and 1
)

// Migrate brings the schema up to date. Several programs may call it at once;
// it refuses a schema that is newer than the program. Open calls it.
func (s *Store) Migrate(ctx context.Context) error {
	files, err := schema.ReadDir("schema")
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		version, err := lockSchema(ctx, tx)
		if err != nil {
			return err
		}
		if version > len(files) {
			return fmt.Errorf("its version is %d, which is newer than this program, which knows %d", version, len(files))
		}
		for i, file := range files[version:] {
			text, err := schema.ReadFile("schema/" + file.Name())
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, string(text), pgx.QueryExecModeSimpleProtocol); err != nil {
				return fmt.Errorf("apply %s: %w", file.Name(), err)
			}
			if _, err := tx.Exec(ctx, "INSERT INTO minos.migration (version) VALUES ($1)", version+i+1); err != nil {
				return fmt.Errorf("note %s: %w", file.Name(), err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("migrate schema minos: %w", err)
	}
	return nil
}

// lockSchema locks the schema until the end of tx and returns its version.
func lockSchema(ctx context.Context, tx pgx.Tx) (version int, err error) {
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1, 0)", migrateClass); err != nil {
		return 0, fmt.Errorf("lock: %w", err)
	}
	var exists bool
	if err := tx.QueryRow(ctx, "SELECT to_regclass('minos.migration') IS NOT NULL").Scan(&exists); err != nil {
		return 0, fmt.Errorf("look up: %w", err)
	}
	if !exists {
		_, err := tx.Exec(ctx, `CREATE SCHEMA IF NOT EXISTS minos;
			CREATE TABLE minos.migration (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())`,
			pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			return 0, fmt.Errorf("create: %w", err)
		}
	}
	if err := tx.QueryRow(ctx, "SELECT coalesce(max(version), 0) FROM minos.migration").Scan(&version); err != nil {
		return 0, fmt.Errorf("read version: %w", err)
	}
	return version, nil
}
