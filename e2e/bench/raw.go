package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "modernc.org/sqlite" // which the store's numbers are held against

	"github.com/minos-framework/minos-go/e2e/bench/internal/load"
	"github.com/minos-framework/minos-go/e2e/bench/internal/report"
	"github.com/minos-framework/minos-go/framework/sqlite"
	"github.com/minos-framework/minos-go/framework/unit"
)

// rawTable is the store's own table of events, without the store around it.
const rawTable = `CREATE TABLE raw (seq bigserial PRIMARY KEY, aggregate uuid NOT NULL, version integer NOT NULL,
	name text NOT NULL, action text NOT NULL, schema integer NOT NULL, data json NOT NULL, headers json,
	created_at timestamptz NOT NULL, UNIQUE (aggregate, version))`

const rawInsert = `INSERT INTO raw (aggregate, version, name, action, schema, data, headers, created_at)
	SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::int[], $6::json[], $7::json[], $8::timestamptz[])`

// at is how many events a work of many has.
const at = 100

// manyOrders returns the work that changes one order a hundred times.
func manyOrders() *unit.Work {
	w, id := unit.New(nil), unit.NewID()
	for n := range at {
		w.Append(unit.Event{
			Aggregate: id, Version: n + 1, Name: "Order", Action: unit.Update, Schema: 1, CreatedAt: w.Now(), Data: orderEvent(),
		}, unit.Snapshot{
			Aggregate: id, Name: "Order", Version: n + 1, Schema: 1, CreatedAt: w.Now(), UpdatedAt: w.Now(), Data: orderState(),
		})
	}
	return w
}

// rawRows are the arguments of rawInsert for n events of one aggregate.
func rawRows(n int) []any {
	id, now := pgtype.UUID{Bytes: unit.NewID(), Valid: true}, time.Now()
	ids, versions, schemas := make([]pgtype.UUID, n), make([]int32, n), make([]int32, n)
	names, actions, times := make([]string, n), make([]string, n), make([]time.Time, n)
	data, headers := make([][]byte, n), make([][]byte, n)
	for i := range n {
		ids[i], versions[i], schemas[i], names[i], actions[i], times[i] = id, int32(i+1), 1, "Order", "update", now
		data[i] = orderEvent()
	}
	return []any{ids, versions, names, actions, schemas, data, headers, times}
}

// rawPool connects as the store does, and makes the table if it is not there.
func rawPool(ctx context.Context, server *pgx.ConnConfig) (*pgxpool.Pool, error) {
	pool, err := pgxpool.New(ctx, connection(server)+" pool_max_conns=16")
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	if _, err := pool.Exec(ctx, "DROP TABLE IF EXISTS raw; "+rawTable, pgx.QueryExecModeSimpleProtocol); err != nil {
		pool.Close()
		return nil, fmt.Errorf("make a table: %w", err)
	}
	return pool, nil
}

// measureMany measures appends of a hundred events beside an insert of as many
// rows that does nothing else.
func (b *bench) measureMany(ctx context.Context, server *pgx.ConnConfig, store unit.Store, disk string) error {
	ours, err := b.append(ctx, store, callers, manyOrders)
	if err != nil {
		return err
	}
	pool, err := rawPool(ctx, server)
	if err != nil {
		return err
	}
	defer pool.Close()
	bare, err := b.load(ctx, callers, func(ctx context.Context) error {
		_, err := pool.Exec(ctx, rawInsert, rawRows(at)...)
		return err
	})
	if err != nil {
		return fmt.Errorf("insert rows: %w", err)
	}
	b.add(report.Row{Row: rowAppendMany + disk, Value: ours.Rate() * at, Unit: "events/s"}.
		Against("raw unnest insert", bare.Rate()*at).RatioAtLeast(0.9))
	return nil
}

func (b *bench) measureAppendAllocations(ctx context.Context, server *pgx.ConnConfig, store unit.Store, disk string) error {
	pool, err := rawPool(ctx, server)
	if err != nil {
		return err
	}
	defer pool.Close()
	ours, err := allocations(ctx, func(ctx context.Context) error { return store.Commit(ctx, newOrder()) })
	if err != nil {
		return err
	}
	bare, err := allocations(ctx, func(ctx context.Context) error {
		_, err := pool.Exec(ctx, rawInsert, rawRows(1)...)
		return err
	})
	b.add(report.Row{Row: rowAppendAllocs + disk, Value: ours}.Against("raw unnest insert", bare))
	return err
}

// measureSQLite measures appends beside the driver, which inserts the same rows
// of an event and a state, one caller after the other.
func measureSQLite(ctx context.Context, b *bench) error {
	store, err := sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(b.dir, "append.db")})
	if err != nil {
		return err
	}
	raw, err := openRaw(ctx, filepath.Join(b.dir, "raw.db"))
	if err != nil {
		return errors.Join(err, store.Close())
	}
	commit := func(ctx context.Context) error { return store.Commit(ctx, newOrder()) }
	for _, c := range []struct {
		row     string
		callers int
	}{{rowSQLiteOne, 1}, {rowSQLite, 64}} {
		var bare load.Result
		ours, err := b.load(ctx, c.callers, commit)
		if err == nil {
			bare, err = b.load(ctx, c.callers, raw.insert)
		}
		if err != nil {
			return errors.Join(err, raw.db.Close(), store.Close())
		}
		b.add(report.Row{Row: c.row, Value: ours.Rate(), Unit: "/s"}.Against("raw driver", bare.Rate()).RatioAtLeast(0.7))
	}
	ours, err := allocations(ctx, commit)
	bare, rawErr := allocations(ctx, raw.insert)
	b.add(report.Row{Row: rowSQLiteAllocs, Value: ours}.Against("raw driver", bare))
	return errors.Join(err, rawErr, raw.db.Close(), store.Close())
}

// rawSQLite is the driver, with the pragmas of the store.
type rawSQLite struct {
	db           *sql.DB
	mu           sync.Mutex
	event, state *sql.Stmt
}

func openRaw(ctx context.Context, path string) (*rawSQLite, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(ctx, `CREATE TABLE event (seq INTEGER PRIMARY KEY, aggregate BLOB NOT NULL, version INTEGER NOT NULL,
			name TEXT NOT NULL, action TEXT NOT NULL, schema INTEGER NOT NULL, data TEXT NOT NULL, headers TEXT,
			created_at INTEGER NOT NULL, UNIQUE (aggregate, version));
		CREATE TABLE state (name TEXT NOT NULL, aggregate BLOB NOT NULL, version INTEGER NOT NULL, schema INTEGER NOT NULL,
			data TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, PRIMARY KEY (name, aggregate))`)
	raw := &rawSQLite{db: db}
	if err == nil {
		raw.event, err = db.PrepareContext(ctx, `INSERT INTO event (aggregate, version, name, action, schema, data, created_at)
			VALUES (?, ?, ?, ?, ?, ?, ?)`)
	}
	if err == nil {
		raw.state, err = db.PrepareContext(ctx, "INSERT INTO state VALUES (?, ?, ?, ?, ?, ?, ?)")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare %s: %w", path, err), db.Close())
	}
	return raw, nil
}

func (r *rawSQLite) insert(ctx context.Context) error {
	id, now := unit.NewID(), time.Now().UnixMicro()
	event, state := string(orderEvent()), string(orderState())
	r.mu.Lock()
	defer r.mu.Unlock()
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	_, err = tx.StmtContext(ctx, r.event).ExecContext(ctx, id[:], 1, "Order", "create", 1, event, now)
	if err == nil {
		_, err = tx.StmtContext(ctx, r.state).ExecContext(ctx, "Order", id[:], 1, 1, state, now, now)
	}
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
