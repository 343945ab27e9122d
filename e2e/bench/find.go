package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/minos-framework/minos-go/e2e/bench/internal/load"
	"github.com/minos-framework/minos-go/e2e/bench/internal/report"
	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/query"
	"github.com/minos-framework/minos-go/framework/unit"
)

const (
	rowFindStates = "find by indexed field over 1,000,000 snapshots on PostgreSQL, 16 callers, states"
	rowFind       = "find by indexed field over 1,000,000 snapshots on PostgreSQL, 16 callers, entities"
	rowFindAllocs = "find by indexed field on PostgreSQL, entities, allocations"
)

// The orders that are looked through, and what one search finds of them.
const (
	findable  = 1_000_000
	perSearch = 10
)

// found are the columns that the store reads, of as many orders.
const found = `SELECT aggregate, name, version, schema, data, created_at, updated_at FROM minos.snapshot
	WHERE name = 'Order' AND data ->> 'status' = $1 ORDER BY aggregate LIMIT 500`

// measureFind measures a search of the store, and one of the repository, which
// makes entities of what it finds, beside the same rows by SQL with an index of
// its own.
func measureFind(ctx context.Context, b *bench) error {
	server, err := b.database(ctx, "find")
	if err != nil {
		return err
	}
	store, err := openStore(ctx, server)
	if err != nil {
		return err
	}
	pool, err := pgxpool.New(ctx, connection(server)+" pool_max_conns=16")
	if err != nil {
		return errors.Join(fmt.Errorf("connect to PostgreSQL: %w", err), store.Close())
	}
	registry := aggregate.NewRegistry(store)
	orders, err := aggregate.NewRepository[Order](registry, aggregate.Index("status"))
	if err == nil {
		err = fillOrders(ctx, pool)
	}
	if err == nil {
		err = registry.CreateIndexes(ctx)
	}
	if err == nil {
		err = b.compareFinds(ctx, store, orders, pool)
	}
	pool.Close()
	return errors.Join(err, store.Close())
}

func (b *bench) compareFinds(
	ctx context.Context, store aggregate.Reader, orders *aggregate.Repository[Order], pool *pgxpool.Pool,
) error {
	status := func() string { return fmt.Sprint("placed ", rand.IntN(findable/perSearch)) }
	states := func(ctx context.Context) error {
		kind := func(string) (query.Kind, error) { return query.Text, nil }
		selection, err := query.Bind(kind, query.Equal("status", status()))
		if err != nil {
			return err
		}
		selection.Name = "Order"
		n := 0
		for _, err := range store.Snapshots(ctx, selection) {
			if err != nil {
				return err
			}
			n++
		}
		return expectFound(n, nil)
	}
	entities := func(ctx context.Context) error {
		all, err := orders.All(ctx, query.Equal("status", status()))
		return expectFound(len(all), err)
	}
	raw := func(ctx context.Context) error {
		rows, _ := pool.Query(ctx, found, status()) // rows tell the error
		all, err := pgx.CollectRows(rows, scanState)
		return expectFound(len(all), err)
	}
	decoded := func(ctx context.Context) error {
		rows, _ := pool.Query(ctx, found, status()) // rows tell the error
		all, err := pgx.CollectRows(rows, scanOrder)
		return expectFound(len(all), err)
	}
	var rates []float64
	for _, round := range []load.Round{states, raw, entities, decoded} {
		result, err := b.load(ctx, callers, round)
		if err != nil {
			return err
		}
		rates = append(rates, result.Rate())
	}
	b.add(report.Row{Row: rowFindStates, Value: rates[0], Unit: "/s"}.Against("raw SQL", rates[1]).RatioAtLeast(0.8))
	b.add(report.Row{Row: rowFind, Value: rates[2], Unit: "/s"}.
		Against("raw SQL and encoding/json", rates[3]).RatioAtLeast(0.8))
	ours, err := allocations(ctx, entities)
	if err != nil {
		return err
	}
	limit, err := allocations(ctx, decoded)
	if err != nil {
		return err
	}
	b.add(report.Row{Row: rowFindAllocs, Value: ours}.Against("raw SQL and encoding/json", limit))
	return nil
}

// fillOrders stores the orders, and makes the index that SQL has of its own.
func fillOrders(ctx context.Context, pool *pgxpool.Pool) error {
	for _, sql := range []string{
		fmt.Sprintf(`INSERT INTO minos.snapshot (name, aggregate, version, schema, data, created_at, updated_at)
			SELECT 'Order', md5(i::text)::uuid, 1, 1, jsonb_build_object('title', repeat('x', 200), 'amount', i,
				'status', 'placed ' || i %% %d), now(), now() FROM generate_series(1, %d) AS i`, findable/perSearch, findable),
		"CREATE INDEX raw_status ON minos.snapshot (name, (data ->> 'status'), aggregate)",
		"VACUUM ANALYZE minos.snapshot",
	} {
		if _, err := pool.Exec(ctx, sql); err != nil {
			return fmt.Errorf("store a million orders: %w", err)
		}
	}
	return nil
}

func scanState(row pgx.CollectableRow) (s unit.Snapshot, err error) {
	err = row.Scan(&s.Aggregate, &s.Name, &s.Version, &s.Schema, (*[]byte)(&s.Data), &s.CreatedAt, &s.UpdatedAt)
	return s, err
}

// scanOrder makes an order of its row.
func scanOrder(row pgx.CollectableRow) (*Order, error) {
	s, err := scanState(row)
	if err != nil {
		return nil, err
	}
	order := &Order{Root: aggregate.Root{UUID: s.Aggregate, Version: s.Version, CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt}}
	return order, json.Unmarshal(s.Data, order)
}

func expectFound(n int, err error) error {
	if err == nil && n != perSearch {
		return fmt.Errorf("found %d orders, not %d", n, perSearch)
	}
	return err
}
