package sqlite

import (
	"context"
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/minos-framework/minos-go/framework/query"
)

// CreateIndexes implements aggregate.Indexer. The indexes call functions that
// only this package's connections have: other programs can read the file, but
// not write states to it.
func (s *Store) CreateIndexes(ctx context.Context, indexes ...query.Index) error {
	for _, index := range indexes {
		name, definition := indexSQL(index)
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

// indexSQL returns the name of an index, which tells it from every other, and
// what it is on.
func indexSQL(index query.Index) (name, definition string) {
	var keys []string
	for _, path := range index.Paths {
		keys = append(keys, expression(path))
	}
	// The name leads: SQLite would prefer the primary key to an index that is of
	// one name by a WHERE, and sort.
	definition = fmt.Sprintf("minos_snapshot (name, %s, aggregate)", strings.Join(keys, ", "))
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(definition)) // a hash takes all
	return fmt.Sprintf("minos_snapshot_%016x", sum.Sum64()), definition
}
