package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/minos-framework/minos-go/framework/postgres/internal/dialect"
	"github.com/minos-framework/minos-go/framework/query"
)

// CreateIndexes implements aggregate.Indexer. Writers are not kept waiting while
// an index is built, which takes its time: the server's timeouts for statements
// and locks do not hold for it. An index whose building was cut off is built again.
//
// The name leads an index, which is not one of that name by a WHERE: the planner
// does not use what it knows of expressions in such indexes.
func (s *Store) CreateIndexes(ctx context.Context, indexes ...query.Index) error {
	var missing []query.Index
	for _, index := range indexes {
		name, _ := dialect.Index(index)
		valid, _, err := indexState(ctx, s.pool, name)
		if err != nil {
			return err
		}
		if !valid {
			missing = append(missing, index)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return s.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		release, err := lockIndexes(ctx, conn.Conn())
		if err != nil {
			return err
		}
		defer release()
		if _, err := conn.Exec(ctx, "SELECT set_config(name, '0', false)"+timeouts); err != nil {
			return fmt.Errorf("set the timeouts: %w", err)
		}
		for _, index := range missing {
			if err := createIndex(ctx, conn.Conn(), index); err != nil {
				return err
			}
		}
		// The planner knows nothing of an expression before.
		if _, err := conn.Exec(ctx, "ANALYZE minos.snapshot"); err != nil {
			return fmt.Errorf("analyze the states: %w", err)
		}
		return nil
	})
}

// timeouts has the settings that would end the building of an index. Those that
// an older server does not have are not among them.
const timeouts = " FROM pg_settings WHERE name IN ('statement_timeout', 'lock_timeout', 'transaction_timeout')"

// lockIndexes waits until no other process creates indexes. It asks again and
// again, since who waits in the server is in a transaction, and the building of
// an index waits for the end of all transactions: each would wait for the other.
// Release also puts the timeouts back.
func lockIndexes(ctx context.Context, conn *pgx.Conn) (release func(), err error) {
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		var locked bool
		if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1, 1)", migrateClass).Scan(&locked); err != nil {
			return nil, fmt.Errorf("lock the indexes: %w", err)
		}
		if locked {
			break
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("lock the indexes: %w", ctx.Err())
		case <-time.After(wait):
		}
	}
	return func() {
		// Neither may stay with a connection that goes back to the pool.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_, err := conn.Exec(ctx, "SELECT pg_advisory_unlock($1, 1)", migrateClass)
		if err == nil {
			_, err = conn.Exec(ctx, "SELECT set_config(name, reset_val, false)"+timeouts)
		}
		if err != nil {
			_ = conn.Close(ctx) // which ends both
		}
	}, nil
}

// createIndex creates one index unless another process did, by whoever holds
// the lock.
func createIndex(ctx context.Context, conn *pgx.Conn, index query.Index) error {
	name, definition := dialect.Index(index)
	valid, exists, err := indexState(ctx, conn, name)
	if err != nil || valid {
		return err
	}
	if exists {
		if _, err := conn.Exec(ctx, "DROP INDEX CONCURRENTLY minos."+name); err != nil {
			return fmt.Errorf("drop the unfinished index %s: %w", name, err)
		}
	}
	if _, err := conn.Exec(ctx, "CREATE INDEX CONCURRENTLY "+name+" ON "+definition); err != nil {
		return fmt.Errorf("create index %s: %w", name, err)
	}
	return nil
}

// indexState reports whether an index can be used, and whether it is there.
func indexState(
	ctx context.Context, conn interface {
		QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	}, name string,
) (valid, exists bool, err error) {
	err = conn.QueryRow(ctx, `SELECT i.indisvalid AND i.indisready FROM pg_index AS i
		JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
		WHERE n.nspname = 'minos' AND c.relname = $1`, name).Scan(&valid)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, false, nil
	}
	if err != nil {
		return false, false, fmt.Errorf("look for index %s: %w", name, err)
	}
	return valid, true, nil
}
