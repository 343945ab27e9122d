package sqlite

import (
	"context"
	"fmt"

	"github.com/minos-framework/minos-go/framework/query"
	"github.com/minos-framework/minos-go/framework/sqlite/internal/dialect"
)

// CreateIndexes implements aggregate.Indexer. The indexes call functions that
// only a Store's connections have: other programs can read the file, but
// not write states to it.
func (s *Store) CreateIndexes(ctx context.Context, indexes ...query.Index) error {
	for _, index := range indexes {
		name, definition := dialect.Index(index)
		// Asking first keeps a start from waiting for a writer.
		var exists bool
		row := s.reads.QueryRowContext(ctx, "SELECT count(*) > 0 FROM sqlite_schema WHERE type = 'index' AND name = ?", name)
		if err := row.Scan(&exists); err != nil {
			return fmt.Errorf("look for index %s: %w", name, err)
		}
		if exists {
			continue
		}
		err := s.write(ctx, func(t *transaction) error {
			_, err := t.conn.ExecContext(t.ctx, "CREATE INDEX IF NOT EXISTS "+name+" ON "+definition)
			return err
		})
		if err != nil {
			return fmt.Errorf("create index %s: %w", name, err)
		}
	}
	return nil
}
