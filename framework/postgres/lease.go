package postgres

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/minos-framework/minos-go/framework/broker"
)

// candidacy is how often a process that waits for the lead asks for it. It does
// not wait in the database, where a long statement would hold up vacuum.
const candidacy = 200 * time.Millisecond

// Lead implements broker.Outbox. The lead is a lock of a connection of its own,
// so that it ends when the process, the connection or the server does.
func (s *Store) Lead(ctx context.Context, name string) (broker.Lease, error) {
	config := s.pool.Config().ConnConfig
	// A cursor that is lost in a crash of the server is a few messages sent
	// again, and not worth a sync of the disk.
	config.RuntimeParams["synchronous_commit"] = "off"
	// The server ends a lead whose network is gone within half a minute.
	config.RuntimeParams["tcp_keepalives_idle"] = "10"
	config.RuntimeParams["tcp_keepalives_interval"] = "5"
	config.RuntimeParams["tcp_keepalives_count"] = "3"
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to lead %s: %w", name, err)
	}
	l := &lease{name: name, conn: conn}
	if err := l.await(ctx); err != nil {
		_ = conn.Close(context.WithoutCancel(ctx)) // nothing is lost with it
		return nil, fmt.Errorf("lead %s: %w", name, err)
	}
	return l, nil
}

var _ broker.Lease = (*lease)(nil)

// lease moves the cursor on the connection that holds the lock, and only there:
// after a crash of the server, which may take back numbers that were drawn and
// never committed, nobody goes on from a position of before. The epoch keeps
// out a lease whose lock the server has already given to another.
type lease struct {
	name            string
	epoch, position int64

	mu   sync.Mutex
	conn *pgx.Conn
}

// await waits for the lock and reads the cursor.
func (l *lease) await(ctx context.Context) error {
	tick := time.NewTicker(candidacy)
	defer tick.Stop()
	for locked := false; ; {
		err := l.conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1, hashtext($2))", leadClass, l.name).Scan(&locked)
		if err != nil {
			return fmt.Errorf("lock: %w", err)
		}
		if locked {
			break
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := l.conn.QueryRow(ctx, `INSERT INTO minos.cursor AS c (name, epoch, position) VALUES ($1, 1, 0)
		ON CONFLICT (name) DO UPDATE SET epoch = c.epoch + 1 RETURNING epoch, position`, l.name).Scan(&l.epoch, &l.position)
	if err != nil {
		return fmt.Errorf("read cursor: %w", err)
	}
	return nil
}

func (l *lease) Position() int64 { return l.position }

func (l *lease) Save(ctx context.Context, position int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn.IsClosed() {
		return broker.ErrDeposed
	}
	tag, err := l.conn.Exec(ctx, "UPDATE minos.cursor SET position = $1 WHERE name = $2 AND epoch = $3",
		position, l.name, l.epoch)
	switch {
	case err != nil && l.conn.IsClosed():
		return fmt.Errorf("save cursor %s: %w: %w", l.name, broker.ErrDeposed, err)
	case err != nil:
		return fmt.Errorf("save cursor %s: %w", l.name, err)
	case tag.RowsAffected() == 0:
		return broker.ErrDeposed
	}
	return nil
}

func (l *lease) Release(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn.IsClosed() {
		return nil
	}
	// The lock is given up before the server notices the end of the connection.
	_, err := l.conn.Exec(ctx, "SELECT pg_advisory_unlock_all()")
	if closeErr := l.conn.Close(ctx); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("release %s: %w", l.name, err)
	}
	return nil
}
