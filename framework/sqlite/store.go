// Package sqlite keeps aggregates, the outbox and sagas in one SQLite file, in
// tables whose names begin with minos_. What was acknowledged is on the disk.
//
// All writes go through one connection, where those that come at the same time
// share a transaction; reads have connections of their own and wait for nobody.
package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/dump"
	"github.com/minos-framework/minos-go/framework/saga"
	"github.com/minos-framework/minos-go/framework/sqlite/internal/dialect"
)

// Config says which file to use.
type Config struct {
	// Path is the file. It is created if it is not there, with its directory.
	Path string
	// Busy bounds how long a write waits for another process that writes to the
	// file. Zero means 10 seconds.
	Busy time.Duration
	// Readers bounds the connections that read. Zero means 4.
	Readers int
}

func (c Config) withDefaults() Config {
	c.Busy = cmp.Or(c.Busy, 10*time.Second)
	c.Readers = cmp.Or(c.Readers, 4)
	return c
}

func (c Config) validate() error {
	var faults error
	if c.Path == "" || strings.HasPrefix(c.Path, ":") {
		faults = errors.Join(faults, fmt.Errorf("Path: %q is not a file", c.Path))
	}
	if c.Busy < 0 {
		faults = errors.Join(faults, errors.New("Busy: it is negative"))
	}
	if c.Readers < 0 {
		faults = errors.Join(faults, errors.New("Readers: it is negative"))
	}
	return faults
}

var (
	_ aggregate.Store = (*Store)(nil)
	_ broker.Outbox   = (*Store)(nil)
	_ saga.Store      = (*Store)(nil)
	_ dump.Store      = (*Store)(nil)
)

// Store is a store in a SQLite file. Its methods are safe for concurrent use,
// also by several processes of one machine. It must be made by Open.
type Store struct {
	path    string
	reads   *sql.DB
	writes  *sql.DB // of one connection, which writer holds
	calls   chan *call
	closing chan struct{} // closed by Close
	closed  chan struct{} // closed when the writer has ended
}

// Open opens the file and migrates its schema.
func Open(ctx context.Context, config Config) (*Store, error) {
	config = config.withDefaults()
	if err := config.validate(); err != nil {
		return nil, fmt.Errorf("configure sqlite: %w", err)
	}
	path, err := filepath.Abs(config.Path)
	if err != nil {
		return nil, fmt.Errorf("configure sqlite: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("open sqlite: %w", err)
	}
	s := &Store{path: path, calls: make(chan *call), closing: make(chan struct{}), closed: make(chan struct{})}
	busy := fmt.Sprintf("busy_timeout(%d)", config.Busy.Milliseconds())
	if s.writes, err = connect(path, 1, busy, "journal_mode(WAL)", "synchronous(FULL)",
		"secure_delete(ON)"); err != nil {
		return nil, err
	}
	if s.reads, err = connect(path, config.Readers, busy, "query_only(1)"); err != nil {
		return nil, errors.Join(err, s.writes.Close())
	}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), s.reads.Close(), s.writes.Close())
	}
	if err := s.Migrate(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// connect prepares a pool of connections to a file.
func connect(path string, conns int, pragmas ...string) (*sql.DB, error) {
	slashed := filepath.ToSlash(path)
	location := url.URL{
		Scheme:   "file",
		Path:     "/" + strings.TrimPrefix(slashed, "/"),
		RawQuery: url.Values{"_pragma": pragmas, "_time_format": {"sqlite"}}.Encode(),
	}
	connector, err := dialect.Connector(location.String())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// Ping returns nil when the file can be read.
func (s *Store) Ping(ctx context.Context) error {
	var last int64
	if err := s.reads.QueryRowContext(ctx, "SELECT last FROM minos_sequence").Scan(&last); err != nil {
		return fmt.Errorf("ping %s: %w", s.path, err)
	}
	return nil
}

// Close waits for the commits that run and closes the file. It is called once.
func (s *Store) Close() error {
	close(s.closing)
	<-s.closed
	return errors.Join(s.reads.Close(), s.writes.Close())
}
