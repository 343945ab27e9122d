package sqlite

import (
	"context"
	"embed"
	"fmt"
)

// The files migrate in the order of their names. They are applied to databases
// of users: add files, never change one.
//
//go:embed schema/*.sql
var schema embed.FS

// Migrate brings the schema up to date. Several processes may call it at once;
// it refuses a schema that is newer than the program. Open calls it.
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.write(ctx, migrate); err != nil {
		return fmt.Errorf("migrate %s: %w", s.path, err)
	}
	return nil
}

func migrate(t *transaction) error {
	files, err := schema.ReadDir("schema")
	if err != nil {
		return err
	}
	var version int
	if err := t.conn.QueryRowContext(t.ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return fmt.Errorf("read version: %w", err)
	}
	if version > len(files) {
		return fmt.Errorf("its version is %d, which is newer than this program, which knows %d", version, len(files))
	}
	for i, file := range files[version:] {
		text, err := schema.ReadFile("schema/" + file.Name())
		if err != nil {
			return err
		}
		if _, err := t.conn.ExecContext(t.ctx, string(text)); err != nil {
			return fmt.Errorf("apply %s: %w", file.Name(), err)
		}
		if _, err := t.conn.ExecContext(t.ctx, fmt.Sprintf("PRAGMA user_version = %d", version+i+1)); err != nil {
			return fmt.Errorf("note %s: %w", file.Name(), err)
		}
	}
	return nil
}
