package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/minos-framework/minos-go/e2e/bench/internal/load"
	"github.com/minos-framework/minos-go/e2e/bench/internal/report"
	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/postgres"
	"github.com/minos-framework/minos-go/framework/unit"
)

const (
	rowLoad         = "load by snapshot on PostgreSQL, 16 callers"
	rowLoadAllocs   = "load by snapshot on PostgreSQL, allocations"
	rowReplay       = "load by replay of 1,000 events on PostgreSQL, 16 callers"
	rowReplayAllocs = "load by replay of 1,000 events on PostgreSQL, allocations"
	rowCursor       = "cursor read of 1,000,000 events on PostgreSQL"
)

// Order is an aggregate as newOrder stores it.
type Order struct {
	aggregate.Root

	Title  string `json:"title"`
	Amount int    `json:"amount"`
	Status string `json:"status"`
}

// reads is what the rows about reading share.
type reads struct {
	store  *postgres.Store
	pool   *pgxpool.Pool
	orders *aggregate.Repository[Order]
	short  uuid.UUID // an order of one event
	long   uuid.UUID // and one of a thousand
}

func (r *reads) close() error {
	r.pool.Close()
	return r.store.Close()
}

const events = 1000

func measureReads(ctx context.Context, b *bench) error {
	server, err := b.database(ctx, "reads")
	if err != nil {
		return err
	}
	r, err := openReads(ctx, server)
	if err != nil {
		return err
	}
	err = b.measureLoads(ctx, r)
	if err == nil && b.wanted(rowCursor) {
		err = b.measureCursor(ctx, server, r)
	}
	return errors.Join(err, r.close())
}

func openReads(ctx context.Context, server *pgx.ConnConfig) (*reads, error) {
	store, err := openStore(ctx, server)
	if err != nil {
		return nil, err
	}
	r := &reads{store: store, long: unit.NewID()}
	r.pool, err = pgxpool.New(ctx, connection(server)+" pool_max_conns=16")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connect to PostgreSQL: %w", err), store.Close())
	}
	if r.orders, err = aggregate.NewRepository[Order](aggregate.NewRegistry(store)); err != nil {
		return nil, errors.Join(err, r.close())
	}
	w, order := unit.New(nil), newOrder()
	r.short = order.Events[0].Aggregate
	for n := range events {
		action := unit.Update
		if n == 0 {
			action = unit.Create
		}
		w.Append(unit.Event{
			Aggregate: r.long, Version: n + 1, Name: "Order", Action: action, Schema: 1, CreatedAt: w.Now(), Data: orderEvent(),
		}, unit.Snapshot{
			Aggregate: r.long, Name: "Order", Version: n + 1, Schema: 1, CreatedAt: w.Now(), UpdatedAt: w.Now(), Data: orderState(),
		})
	}
	if err := store.Commit(ctx, w, order); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

// measureLoads measures how an entity is loaded, beside the select of the rows
// that it is made of.
func (b *bench) measureLoads(ctx context.Context, r *reads) error {
	for _, c := range []struct {
		row, allocations string
		ours, raw        load.Round
	}{
		{rowLoad, rowLoadAllocs, r.get, r.selectState},
		{rowReplay, rowReplayAllocs, r.replay, r.selectEvents},
	} {
		if !b.wanted(c.row, c.allocations) {
			continue
		}
		ours, err := b.load(ctx, callers, c.ours)
		if err != nil {
			return err
		}
		raw, err := b.load(ctx, callers, c.raw)
		if err != nil {
			return err
		}
		b.add(report.Row{Row: c.row, Value: ours.Rate(), Unit: "/s"}.Against("raw select", raw.Rate()).RatioAtLeast(0.7))
		allocs, err := allocations(ctx, c.ours)
		if err != nil {
			return err
		}
		rawAllocs, err := allocations(ctx, c.raw)
		if err != nil {
			return err
		}
		b.add(report.Row{Row: c.allocations, Value: allocs}.Against("raw select", rawAllocs))
	}
	return nil
}

func (r *reads) get(ctx context.Context) error {
	_, err := r.orders.Get(ctx, r.short)
	return err
}

func (r *reads) replay(ctx context.Context) error {
	_, err := r.orders.At(ctx, r.long, events)
	return err
}

func (r *reads) selectState(ctx context.Context) error {
	var version, schema int
	var data []byte
	var created, updated time.Time
	return r.pool.QueryRow(ctx, `SELECT version, schema, data, created_at, updated_at FROM minos.snapshot
		WHERE name = $1 AND aggregate = $2`, "Order", r.short).Scan(&version, &schema, &data, &created, &updated)
}

const selectEvents = "SELECT seq, aggregate, version, name, action, schema, data, headers, created_at FROM minos.event "

func (r *reads) selectEvents(ctx context.Context) error {
	rows, err := r.pool.Query(ctx, selectEvents+"WHERE aggregate = $1 ORDER BY version", r.long)
	if err != nil {
		return err
	}
	n, err := scanRows(rows)
	if err == nil && n != events {
		err = fmt.Errorf("%d events are stored", n)
	}
	return err
}

// scanRows reads what a store reads of an event.
func scanRows(rows pgx.Rows) (n int, err error) {
	defer rows.Close()
	for rows.Next() {
		var e unit.Event
		var headers []byte
		err := rows.Scan(&e.Seq, &e.Aggregate, &e.Version, &e.Name, &e.Action, &e.Schema, (*[]byte)(&e.Data), &headers, &e.CreatedAt)
		if err != nil {
			return n, err
		}
		n++
	}
	return n, rows.Err()
}

// measureCursor reads all events in the global order, beside one select of them.
func (b *bench) measureCursor(ctx context.Context, server *pgx.ConnConfig, r *reads) error {
	total := 1_000_000
	if b.options.short {
		total = 200_000
	}
	err := execute(ctx, server, fmt.Sprintf(`INSERT INTO minos.event (aggregate, version, name, action, schema, data, created_at)
		SELECT gen_random_uuid(), 1, 'Order', 'create', 1, '%s', now() FROM generate_series(1, %d)`, orderEvent(), total))
	if err == nil {
		err = execute(ctx, server, "VACUUM ANALYZE minos.event")
	}
	if err != nil {
		return err
	}
	ours, raw := time.Hour, time.Hour
	for range 4 { // the best time counts
		began, n := time.Now(), 0
		for _, err := range r.store.Events(ctx, aggregate.EventQuery{}) {
			if err != nil {
				return err
			}
			n++
		}
		ours, began = min(ours, time.Since(began)), time.Now()
		rows, err := r.pool.Query(ctx, selectEvents+"ORDER BY seq")
		if err != nil {
			return err
		}
		m, err := scanRows(rows)
		if err != nil || m != n {
			return errors.Join(err, fmt.Errorf("%d events were read, and %d by the select", n, m))
		}
		raw = min(raw, time.Since(began))
		total = n
	}
	rate := func(d time.Duration) float64 { return float64(total) / d.Seconds() }
	b.add(report.Row{Row: rowCursor, Value: rate(ours), Unit: "events/s"}.Against("raw select", rate(raw)).RatioAtLeast(0.8))
	return nil
}
