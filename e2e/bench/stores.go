package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/minos-framework/minos-go/e2e/bench/internal/load"
	"github.com/minos-framework/minos-go/e2e/bench/internal/report"
	"github.com/minos-framework/minos-go/framework/postgres"
	"github.com/minos-framework/minos-go/framework/unit"
)

const (
	rowAppendOne    = "append on PostgreSQL, 1 caller"
	rowAppend       = "append on PostgreSQL, 16 callers"
	rowAppendAlone  = "append on PostgreSQL, 16 callers, each commit alone"
	rowAppend256    = "append on PostgreSQL, 256 callers"
	rowAppend1024   = "append on PostgreSQL, 1,024 callers"
	rowAppendAllocs = "append on PostgreSQL, allocations"
	rowAppendMany   = "append of 100 events on PostgreSQL, 16 callers"
	rowSQLiteOne    = "append on SQLite, 1 caller"
	rowSQLite       = "append on SQLite, 64 callers"
	rowSQLiteAllocs = "append on SQLite, allocations"
)

// appendRows are measured twice: as the disk is, and with one whose syncs take a
// millisecond longer.
func appendRows(disk string) []string {
	rows := []string{rowAppendOne, rowAppend, rowAppendAlone, rowAppend256, rowAppend1024, rowAppendAllocs, rowAppendMany}
	for i := range rows {
		rows[i] += disk
	}
	return rows
}

// callers is how many append at once, where a row does not say.
const callers = 16

// orderEvent and orderState are what is stored of an order.
func orderEvent() []byte {
	return fmt.Appendf(nil, `[{"name":"title","value":%q},{"name":"amount","value":12345},`+
		`{"name":"status","value":"placed"}]`, strings.Repeat("x", 200))
}

func orderState() []byte {
	return fmt.Appendf(nil, `{"title":%q,"amount":12345,"status":"placed"}`, strings.Repeat("x", 200))
}

// newOrder returns the work that creates an order: its event and its state.
func newOrder() *unit.Work {
	w, id := unit.New(nil), unit.NewID()
	w.Append(unit.Event{
		Aggregate: id, Version: 1, Name: "Order", Action: unit.Create, Schema: 1, CreatedAt: w.Now(), Data: orderEvent(),
	}, unit.Snapshot{
		Aggregate: id, Name: "Order", Version: 1, Schema: 1, CreatedAt: w.Now(), UpdatedAt: w.Now(), Data: orderState(),
	})
	return w
}

// append has callers commit works, one in each commit.
func (b *bench) append(ctx context.Context, store unit.Store, callers int, work func() *unit.Work) (load.Result, error) {
	return b.load(ctx, callers, func(ctx context.Context) error { return store.Commit(ctx, work()) })
}

// load has callers do something again and again.
func (b *bench) load(ctx context.Context, callers int, round load.Round) (load.Result, error) {
	open := func(context.Context) (load.Round, error) { return round, nil }
	if result, err := load.Run(ctx, callers, b.warmup(), open); err != nil {
		return result, err
	}
	return load.Run(ctx, callers, b.duration(), open)
}

// allocations returns how many there are in a round, of all goroutines.
func allocations(ctx context.Context, round load.Round) (float64, error) {
	const rounds = 2000
	var before, after runtime.MemStats
	for n := range 2 * rounds {
		if n == rounds {
			runtime.ReadMemStats(&before)
		}
		if err := round(ctx); err != nil {
			return 0, err
		}
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / rounds, nil
}

// openStore opens the store of a database.
func openStore(ctx context.Context, server *pgx.ConnConfig) (*postgres.Store, error) {
	return postgres.Open(ctx, postgres.Config{
		Host: server.Host, Port: int(server.Port), User: server.User, Password: server.Password, Database: server.Database,
	})
}

// measurePostgres measures appends as the disk is.
func measurePostgres(ctx context.Context, b *bench) error {
	server, err := b.database(ctx, "append")
	if err != nil {
		return err
	}
	return b.measureAppends(ctx, server, "")
}

// measureAppends measures the store as services have it, with commits that wait
// together going in one statement, and each commit by itself, both beside what
// pgbench reaches with the statement of one.
func (b *bench) measureAppends(ctx context.Context, server *pgx.ConnConfig, disk string) error {
	store, err := openStore(ctx, server)
	if err != nil {
		return err
	}
	grouped := unit.Coalesce(store, unit.CoalesceConfig{})
	var faults error
	rate := func(store unit.Store, callers int) float64 {
		if faults != nil {
			return 0
		}
		result, err := b.append(ctx, store, callers, newOrder)
		faults = err
		return result.Rate()
	}
	one, all := rate(grouped, 1), rate(grouped, callers)
	var limit float64
	if faults == nil { // beside the row that is held against it, for the machine changes its mind
		limit, faults = b.pgbench(ctx, connection(server))
	}
	alone := rate(store, callers)
	many, most := rate(grouped, 256), rate(grouped, 1024)
	if faults == nil {
		faults = b.measureMany(ctx, server, grouped, disk)
	}
	if faults == nil {
		faults = b.measureAppendAllocations(ctx, server, store, disk)
	}
	if err := errors.Join(faults, store.Close()); err != nil {
		return err
	}
	b.add(report.Row{Row: rowAppendOne + disk, Value: one, Unit: "/s"})
	row := report.Row{Row: rowAppend + disk, Value: all, Unit: "/s"}.Against("pgbench", limit)
	if disk == "" { // a slow disk is the limit of it
		row = row.AtLeast(10_000).RatioAtLeast(0.75)
	}
	b.add(row)
	b.add(report.Row{Row: rowAppendAlone + disk, Value: alone, Unit: "/s"}.Against("pgbench", limit))
	b.add(report.Row{Row: rowAppend256 + disk, Value: many, Unit: "/s"}.Against("16 callers", all).RatioAtLeast(3))
	b.add(report.Row{Row: rowAppend1024 + disk, Value: most, Unit: "/s"}.Against("16 callers", all).RatioAtLeast(5))
	return nil
}

// pgbench returns how often as many clients of pgbench run the store's
// statement in a second.
func (b *bench) pgbench(ctx context.Context, database string) (float64, error) {
	c := exec.CommandContext(ctx, "pgbench", "--no-vacuum", "--protocol=prepared", "--jobs=2",
		"--client="+strconv.Itoa(callers), "--time="+strconv.Itoa(int(b.duration().Seconds())),
		"--define=data="+string(orderEvent()), "--define=state="+string(orderState()),
		"--file="+filepath.Join("framework", "postgres", "testdata", "append.sql"), database)
	out, err := c.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("run pgbench: %w\n%s", err, out)
	}
	rate := regexp.MustCompile(`(?m)^tps = ([0-9.]+)`).FindSubmatch(out)
	if rate == nil {
		return 0, fmt.Errorf("read what pgbench says: it names no rate\n%s", out)
	}
	return strconv.ParseFloat(string(rate[1]), 64)
}
