// Package postgres keeps aggregates, the outbox and sagas in PostgreSQL 13 or
// later, in a schema called minos of the service's own database.
//
// Every unit of work is one statement and one round trip. Readers of the global
// order see every entry, in an order that agrees with the aggregates' versions,
// without a lock that writers wait for: see internal/write and outbox.go.
package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/dump"
	"github.com/minos-framework/minos-go/framework/saga"
)

// Config says which database to use.
type Config struct {
	// URL is a connection string ("postgres://user:password@host:port/database",
	// or keywords and values). It stands in for the five fields below.
	URL string
	// Host is a host name, an address or the directory of a socket. Empty means
	// "localhost".
	Host string
	// Port is the server's port. Zero means 5432.
	Port int
	// User and Password authenticate. Database is created by others; its schema
	// minos is created by Open.
	User, Password, Database string
	// MaxConns bounds the pool. Zero means 16. A process that leads (see
	// broker.Outbox) has one more connection for each lead.
	MaxConns int
}

func (c Config) withDefaults() Config {
	if c.URL == "" {
		c.Host = cmp.Or(c.Host, "localhost")
		c.Port = cmp.Or(c.Port, 5432)
	}
	c.MaxConns = cmp.Or(c.MaxConns, 16)
	return c
}

func (c Config) validate() error {
	var faults error
	fault := func(wrong bool, text string) {
		if wrong {
			faults = errors.Join(faults, errors.New(text))
		}
	}
	fault(c.MaxConns < 1, "MaxConns: it is negative")
	if c.URL != "" {
		fault(c.Host+c.User+c.Password+c.Database != "" || c.Port != 0, "URL: it excludes Host, Port, User, Password and Database")
		return faults
	}
	fault(c.User == "", "User: it is empty")
	fault(c.Database == "", "Database: it is empty")
	fault(c.Port < 1 || c.Port > 65535, fmt.Sprintf("Port: %d is not a port", c.Port))
	return faults
}

// connection returns the connection string of c.
func (c Config) connection() string {
	if c.URL != "" {
		return c.URL
	}
	text := fmt.Sprintf("host=%s port=%d user=%s dbname=%s", quote(c.Host), c.Port, quote(c.User), quote(c.Database))
	if c.Password != "" {
		text += " password=" + quote(c.Password)
	}
	return text
}

func quote(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}

var (
	_ aggregate.Store = (*Store)(nil)
	_ broker.Outbox   = (*Store)(nil)
	_ saga.Store      = (*Store)(nil)
	_ dump.Store      = (*Store)(nil)
)

// Store is a store in PostgreSQL. Its methods are safe for concurrent use, also
// by several processes. It must be made by Open.
//
// A pooler between the program and the server must keep prepared statements and
// sessions, or leave Lead a way around it.
type Store struct {
	pool       *pgxpool.Pool
	statements sync.Map // of write.Shape to string
}

// Open connects to the database and migrates its schema.
func Open(ctx context.Context, config Config) (*Store, error) {
	config = config.withDefaults()
	if err := config.validate(); err != nil {
		return nil, fmt.Errorf("configure postgres: %w", err)
	}
	pc, err := pgxpool.ParseConfig(config.connection())
	if err != nil {
		return nil, fmt.Errorf("configure postgres: %w", err)
	}
	pc.MaxConns = int32(config.MaxConns)
	params := pc.ConnConfig.RuntimeParams
	// The safe order needs a new snapshot for each statement. A transaction left
	// open would hold its fence, which readers wait at.
	params["default_transaction_isolation"] = "read committed"
	params["idle_in_transaction_session_timeout"] = "30s"
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, fmt.Errorf("connect to postgres: %w", err)
	}
	s := &Store{pool: pool}
	if err := s.Migrate(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return s, nil
}

// Ping returns nil when the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.pool.Ping(ctx); err != nil {
		return fmt.Errorf("ping postgres: %w", err)
	}
	return nil
}

// Close waits for the calls that run and closes the connections, apart from
// those of leases, which are released by their owners.
func (s *Store) Close() error {
	s.pool.Close()
	return nil
}
