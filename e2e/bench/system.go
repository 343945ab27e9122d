package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/minos-framework/minos-go/e2e/bench/internal/report"
)

const (
	rowFirstReady = "service ready after its first start (schema and topics made)"
	rowReady      = "service ready after its start"
	rowIdle       = "idle service, resident memory"
)

const health = "/system/health"

// system is the quickstart's services as they run.
type system struct{ foo, foobar *process }

// running returns the system, with its services started.
func (b *bench) running(ctx context.Context) (*system, error) {
	if b.system != nil {
		return b.system, nil
	}
	foobar, err := b.serve(ctx, "foobar")
	if err != nil {
		return nil, err
	}
	foo, err := b.serve(ctx, "foo")
	if err != nil {
		return nil, errors.Join(err, foobar.stop())
	}
	b.system = &system{foo, foobar}
	b.undo = append(b.undo, foobar.stop, foo.stop)
	for _, p := range []*process{foo, foobar} {
		if err := p.ready(ctx, health); err != nil {
			return nil, err
		}
	}
	return b.system, nil
}

// serve starts a service of the quickstart on a database of its own, which the
// run keeps until its end.
func (b *bench) serve(ctx context.Context, name string) (*process, error) {
	p, err := b.quickstart(ctx)
	if err != nil {
		return nil, err
	}
	env, err := b.environment(ctx, name)
	if err != nil {
		return nil, err
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	env = append(env, "MINOS_INTERFACES_HTTP_CONNECTOR_HOST="+host, "MINOS_INTERFACES_HTTP_CONNECTOR_PORT="+port)
	if b.options.profile != "" {
		profile, err := freeAddress(ctx)
		if err != nil {
			return nil, err
		}
		b.profiles = append(b.profiles, profileOf{name, profile})
		env = append(env, "BENCH_PROFILE="+profile)
	}
	return start(ctx, name, address, env, p.binary(name), filepath.Join(p.service(name), "config.yml"))
}

// environment returns what a service is told about its servers.
func (b *bench) environment(ctx context.Context, name string) ([]string, error) {
	host, port, err := net.SplitHostPort(os.Getenv("MINOS_TEST_KAFKA"))
	if err != nil {
		return nil, fmt.Errorf("read MINOS_TEST_KAFKA: %w", err)
	}
	env := []string{
		"MINOS_LOG_FORMAT=json",
		"MINOS_INTERFACES_BROKER_COMMON_HOST=" + host,
		"MINOS_INTERFACES_BROKER_COMMON_PORT=" + port,
	}
	if b.options.database != "postgres" {
		return env, nil
	}
	server, err := b.database(ctx, name)
	if err != nil {
		return nil, err
	}
	return append(env,
		"MINOS_DATABASES_DEFAULT_HOST="+server.Host,
		"MINOS_DATABASES_DEFAULT_PORT="+strconv.Itoa(int(server.Port)),
		"MINOS_DATABASES_DEFAULT_USER="+server.User,
		"MINOS_DATABASES_DEFAULT_PASSWORD="+server.Password,
		"MINOS_DATABASES_DEFAULT_DATABASE="+server.Database), nil
}

// database returns how to reach the run's database of a name, which is made if
// it is not there yet.
func (b *bench) database(ctx context.Context, name string) (*pgx.ConnConfig, error) {
	server, err := pgx.ParseConfig(os.Getenv("MINOS_TEST_POSTGRES"))
	if err != nil {
		return nil, fmt.Errorf("read MINOS_TEST_POSTGRES: %w", err)
	}
	database := "bench_" + b.id + "_" + name
	if !b.databases[database] {
		if err := execute(ctx, server, "CREATE DATABASE "+database); err != nil {
			return nil, err
		}
		b.databases[database] = true
		undoing := context.WithoutCancel(ctx)
		b.undo = append(b.undo, func() error {
			return execute(undoing, server, "DROP DATABASE "+database+" WITH (FORCE)")
		})
	}
	own := server.Copy()
	own.Database = database
	return own, nil
}

func execute(ctx context.Context, server *pgx.ConnConfig, sql string) error {
	conn, err := pgx.ConnectConfig(ctx, server)
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}

// freeAddress returns an address that nobody listens on.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return listener.Addr().String(), listener.Close()
}

// measureReady measures how soon foo is ready, and how much memory it takes
// while nothing happens.
func measureReady(ctx context.Context, b *bench) error {
	if _, err := b.quickstart(ctx); err != nil { // before the clock runs
		return err
	}
	if _, err := b.environment(ctx, "foo"); err != nil {
		return err
	}
	const starts = 9
	var took [starts + 1]time.Duration
	for i := range took {
		began := time.Now()
		p, err := b.serve(ctx, "foo")
		if err == nil {
			err = p.ready(ctx, health)
		}
		if err != nil {
			return err
		}
		took[i] = time.Since(began)
		if i == starts {
			err = b.idle(ctx, p)
		}
		if err := errors.Join(err, p.stop()); err != nil {
			return err
		}
	}
	const anchor = "Minos, at best"
	b.add(report.Row{Row: rowFirstReady, Value: milliseconds(took[0]), Unit: "ms"})
	b.add(report.Row{Row: rowReady, Value: milliseconds(median(took[1:])), Unit: "ms"}.Against(anchor, 1000).AtMost(300))
	return nil
}

func (b *bench) idle(ctx context.Context, p *process) error {
	select {
	case <-time.After(2 * time.Second): // what the start left behind is done by then
	case <-ctx.Done():
		return ctx.Err()
	}
	megabytes, err := p.memory()
	if err != nil {
		return err
	}
	b.add(report.Row{Row: rowIdle, Value: megabytes, Unit: "MB"}.Against("Minos", 63).AtMost(40))
	return nil
}
