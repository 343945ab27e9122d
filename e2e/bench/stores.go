package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/minos-framework/minos-go/e2e/bench/internal/load"
	"github.com/minos-framework/minos-go/e2e/bench/internal/report"
	"github.com/minos-framework/minos-go/framework/postgres"
	"github.com/minos-framework/minos-go/framework/sqlite"
	"github.com/minos-framework/minos-go/framework/unit"
)

const (
	rowAppendOne   = "append on PostgreSQL, 1 caller"
	rowAppend      = "append on PostgreSQL, 16 callers"
	rowAppendAlone = "append on PostgreSQL, 16 callers, each commit alone"
	rowSQLiteOne   = "append on SQLite, 1 caller"
	rowSQLite      = "append on SQLite, 16 callers"
)

// callers is how many append at once.
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
		Aggregate: id, Name: "Order", Version: 1, CreatedAt: w.Now(), UpdatedAt: w.Now(), Data: orderState(),
	})
	return w
}

// append has callers commit new orders, one in each commit.
func (b *bench) append(ctx context.Context, store unit.Store, callers int) (load.Result, error) {
	open := func(context.Context) (load.Round, error) {
		return func(ctx context.Context) error { return store.Commit(ctx, newOrder()) }, nil
	}
	if result, err := load.Run(ctx, callers, b.warmup(), open); err != nil {
		return result, err
	}
	return load.Run(ctx, callers, b.duration(), open)
}

// measurePostgres measures the store as services have it, with commits that
// wait together going in one statement, and each commit by itself, both beside
// what pgbench reaches with the statement of one.
func measurePostgres(ctx context.Context, b *bench) error {
	server, err := b.database(ctx, "append")
	if err != nil {
		return err
	}
	store, err := postgres.Open(ctx, postgres.Config{
		Host: server.Host, Port: int(server.Port), User: server.User, Password: server.Password, Database: server.Database,
	})
	if err != nil {
		return err
	}
	grouped := unit.Coalesce(store, unit.CoalesceConfig{})
	one, err := b.append(ctx, grouped, 1)
	var all, alone load.Result
	if err == nil {
		all, err = b.append(ctx, grouped, callers)
	}
	if err == nil {
		alone, err = b.append(ctx, store, callers)
	}
	if err := errors.Join(err, store.Close()); err != nil {
		return err
	}
	limit, err := b.pgbench(ctx, connection(server))
	if err != nil {
		return err
	}
	b.add(report.Row{Row: rowAppendOne, Value: one.Rate(), Unit: "/s"})
	b.add(report.Row{Row: rowAppend, Value: all.Rate(), Unit: "/s"}.Against("pgbench", limit).AtLeast(10_000).RatioAtLeast(0.75))
	b.add(report.Row{Row: rowAppendAlone, Value: alone.Rate(), Unit: "/s"}.Against("pgbench", limit))
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

func measureSQLite(ctx context.Context, b *bench) error {
	store, err := sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(b.dir, "append.db")})
	if err != nil {
		return err
	}
	for _, c := range []struct {
		row     string
		callers int
	}{{rowSQLiteOne, 1}, {rowSQLite, callers}} {
		result, err := b.append(ctx, store, c.callers)
		if err != nil {
			return errors.Join(err, store.Close())
		}
		b.add(report.Row{Row: c.row, Value: result.Rate(), Unit: "/s"})
	}
	return store.Close()
}
