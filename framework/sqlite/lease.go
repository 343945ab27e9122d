package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"modernc.org/sqlite"

	"github.com/minos-framework/minos-go/framework/broker"
)

// candidacy is how often a process that waits for the lead tries to get it.
const candidacy = 50 * time.Millisecond

// Lead implements broker.Outbox. The lead is an open exclusive transaction on a
// small file of its own beside the store's: a lock that the operating system
// takes back when the process ends, however it ends.
func (s *Store) Lead(ctx context.Context, name string) (broker.Lease, error) {
	db, err := connect(s.path+"-lead-"+url.PathEscape(name), 1, "busy_timeout(0)")
	if err != nil {
		return nil, err
	}
	l := &lease{store: s, name: name, db: db}
	if err := l.await(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("lead %s: %w", name, err), db.Close())
	}
	return l, nil
}

var _ broker.Lease = (*lease)(nil)

// lease moves a cursor. The lock keeps others from the lead; the epoch keeps a
// lease whose lock was lost from the cursor.
type lease struct {
	store           *Store
	name            string
	epoch, position int64

	mu sync.Mutex
	db *sql.DB // holds the lock; nil after Release
}

// await waits for the lock and reads the cursor.
func (l *lease) await(ctx context.Context) error {
	tick := time.NewTicker(candidacy)
	defer tick.Stop()
	for {
		// The transaction stays open on the one connection of the pool.
		_, err := l.db.ExecContext(context.WithoutCancel(ctx), "BEGIN EXCLUSIVE")
		if err == nil {
			break
		}
		if !busy(err) {
			return fmt.Errorf("lock: %w", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return l.store.write(ctx, func(t *transaction) error {
		return t.conn.QueryRowContext(t.ctx, `INSERT INTO minos_cursor (name, epoch, position) VALUES (?, 1, 0)
			ON CONFLICT (name) DO UPDATE SET epoch = epoch + 1 RETURNING epoch, position`, l.name).Scan(&l.epoch, &l.position)
	})
}

// busy reports whether another connection holds a lock.
func busy(err error) bool {
	const primary, sqliteBusy = 0xff, 5
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code()&primary == sqliteBusy
}

func (l *lease) Position() int64 { return l.position }

// Save shares its transaction with commits, as every write does.
func (l *lease) Save(ctx context.Context, position int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.db == nil {
		return broker.ErrDeposed
	}
	return l.store.write(ctx, func(t *transaction) error {
		n, err := t.exec("UPDATE minos_cursor SET position = ? WHERE name = ? AND epoch = ?", position, l.name, l.epoch)
		if err != nil {
			return fmt.Errorf("save cursor %s: %w", l.name, err)
		}
		if n == 0 {
			return broker.ErrDeposed
		}
		return nil
	})
}

// Release closes the lock's connection, and with it the transaction.
func (l *lease) Release(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.db == nil {
		return nil
	}
	db := l.db
	l.db = nil
	if err := db.Close(); err != nil {
		return fmt.Errorf("release %s: %w", l.name, err)
	}
	return nil
}
