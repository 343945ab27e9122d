package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/minos-framework/minos-go/e2e/bench/internal/load"
	"github.com/minos-framework/minos-go/e2e/bench/internal/report"
)

// bareCommand has the program be the bare service: bench bare URL ADDRESS.
const bareCommand = "bare"

const bareTable = `CREATE TABLE event (seq bigserial PRIMARY KEY, aggregate uuid NOT NULL, version integer NOT NULL,
	name text NOT NULL, action text NOT NULL, schema integer NOT NULL, data json NOT NULL,
	created_at timestamptz NOT NULL, UNIQUE (aggregate, version))`

const bareInsert = `INSERT INTO event (aggregate, version, name, action, schema, data, created_at)
	VALUES ($1, 1, 'Foo', 'create', 1, $2, $3)`

// serveBare is the least that a service written by hand does for POST /foos: it
// decodes the request, inserts the event's row and answers. There is no
// snapshot, no message and no handler.
func serveBare(ctx context.Context, url, address string) error {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer pool.Close()
	routes := http.NewServeMux()
	routes.HandleFunc("GET "+health, func(http.ResponseWriter, *http.Request) {})
	routes.HandleFunc("POST /foos", func(w http.ResponseWriter, r *http.Request) {
		if err := insertBare(r.Context(), pool, w, r); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	server := http.Server{Addr: address, Handler: routes, ReadHeaderTimeout: patience}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve on %s: %w", address, err)
	}
	return nil
}

func insertBare(ctx context.Context, pool *pgxpool.Pool, w http.ResponseWriter, r *http.Request) error {
	var in struct{ Bar string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	data, err := json.Marshal([]map[string]any{{"name": "bar", "value": in.Bar}, {"name": "foobar", "value": nil}})
	if err != nil {
		return err
	}
	if _, err := pool.Exec(ctx, bareInsert, id, data, time.Now()); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	return json.NewEncoder(w).Encode(map[string]uuid.UUID{"uuid": id})
}

// measureBare holds POST /foos against the bare service, in the same run.
func measureBare(ctx context.Context, b *bench) error {
	const connections = 16
	ours, known := b.values[minosPosts()[1].row()]
	if !known {
		s, err := b.running(ctx)
		if err != nil {
			return err
		}
		result, _, err := b.post(ctx, s.foo, connections)
		if err != nil {
			return err
		}
		ours = result.Rate()
	}
	bare, err := b.bare(ctx, connections)
	b.add(report.Row{Row: rowBare, Value: ours, Unit: "/s"}.Against("bare", bare.Rate()))
	return err
}

func (b *bench) bare(ctx context.Context, connections int) (load.Result, error) {
	server, err := b.database(ctx, "bare")
	if err == nil {
		err = execute(ctx, server, bareTable)
	}
	if err != nil {
		return load.Result{}, err
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return load.Result{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return load.Result{}, fmt.Errorf("find this program: %w", err)
	}
	p, err := start(ctx, "the bare service", address, nil, self, bareCommand, connection(server)+" pool_max_conns="+strconv.Itoa(connections), address)
	if err != nil {
		return load.Result{}, err
	}
	if err = p.ready(ctx, health); err == nil {
		_, err = load.Run(ctx, connections, b.warmup(), posting(address))
	}
	var result load.Result
	if err == nil {
		result, err = load.Run(ctx, connections, b.duration(), posting(address))
	}
	return result, errors.Join(err, p.stop())
}

// connection returns a connection string.
func connection(server *pgx.ConnConfig) string {
	return fmt.Sprintf("host='%s' port=%d user='%s' password='%s' dbname='%s'",
		server.Host, server.Port, server.User, server.Password, server.Database)
}
