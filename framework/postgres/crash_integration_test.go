//go:build integration

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/postgres"
	"github.com/minos-framework/minos-go/framework/unit"
)

// server is a PostgreSQL server of the test's own, made with the programs of
// the one that all tests use.
type server struct {
	bin, dir string
	port     int
	owner    *syscall.Credential

	down sync.RWMutex // held while it does not run
}

func startServer(t *testing.T) *server {
	t.Helper()
	return startServerIn(t, newFolder(t))
}

// newFolder makes a folder that is removed when the test ends.
func newFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "minos-crash-") //nolint:usetesting // t.TempDir is closed to the server's user
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// startServerIn starts a server with small logs, whose data is in a folder.
func startServerIn(t *testing.T, dir string) *server {
	t.Helper()
	s := &server{bin: programs(t), port: freePort(t)}
	if s.dir = filepath.Join(dir, "data"); os.Geteuid() == 0 { // PostgreSQL does not run as root
		s.owner = postgresUser(t)
		if err := os.Chown(dir, int(s.owner.Uid), int(s.owner.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	s.run(t, "initdb", "--auth=trust", "--username=postgres", "--wal-segsize=1", "--pgdata="+s.dir)
	s.start(t)
	t.Cleanup(func() { s.run(t, "pg_ctl", "stop", "-w", "-m", "immediate", "-D", s.dir) })
	return s
}

func (s *server) url() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", s.port)
}

func (s *server) start(t *testing.T) {
	t.Helper()
	options := fmt.Sprintf("-p %d -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_wal_size=16MB -c min_wal_size=2MB", s.port)
	s.run(t, "pg_ctl", "start", "-w", "-D", s.dir, "-o", options, "-l", s.dir+".log")
}

// crash kills the server as a power cut would, and starts it again.
func (s *server) crash(t *testing.T) {
	t.Helper()
	s.down.Lock()
	defer s.down.Unlock()
	s.run(t, "pg_ctl", "stop", "-w", "-m", "immediate", "-D", s.dir)
	s.start(t)
}

// await returns when the server runs.
func (s *server) await() {
	s.down.RLock()
	defer s.down.RUnlock()
}

func (s *server) run(t *testing.T, program string, args ...string) {
	t.Helper()
	if said, err := s.try(t, program, args...); err != nil {
		t.Fatalf("%s: %v: %s", program, err, said)
	}
}

// try returns what a program says, and whether it succeeds.
func (s *server) try(t *testing.T, program string, args ...string) (said []byte, err error) {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), filepath.Join(s.bin, program), args...)
	cmd.Dir = filepath.Dir(s.dir)
	if s.owner != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.owner}
	}
	// A file, since the server that pg_ctl starts would keep a pipe open.
	output, err := os.Create(filepath.Join(t.TempDir(), program))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = output.Close() }()
	cmd.Stdout, cmd.Stderr = output, output
	err = cmd.Run()
	said, _ = os.ReadFile(output.Name())
	return said, err
}

// programs is the folder of the tests' server's own programs.
func programs(t *testing.T) (dir string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), os.Getenv("MINOS_TEST_POSTGRES"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if err := conn.QueryRow(t.Context(), "SELECT setting FROM pg_config WHERE name = 'BINDIR'").Scan(&dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

func postgresUser(t *testing.T) *syscall.Credential {
	t.Helper()
	owner, err := user.Lookup("postgres")
	if err != nil {
		t.Fatal(err)
	}
	uid, uidErr := strconv.ParseUint(owner.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(owner.Gid, 10, 32)
	if err := errors.Join(uidErr, gidErr); err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// chain is an aggregate that one writer adds versions to.
type chain struct {
	id           uuid.UUID
	acknowledged int // versions whose commit returned nil
	unknown      int // commits that ended with another error
}

// extend commits versions until enough is closed. It tells each success.
func (c *chain) extend(ctx context.Context, server *server, s *postgres.Store, success chan<- struct{}, enough <-chan struct{}) error {
	for next := 1; ; {
		select {
		case <-enough:
			return nil
		default:
		}
		err := s.Commit(ctx, version(c.id, next))
		if err == nil {
			c.acknowledged = next
			next++
			select {
			case success <- struct{}{}:
			case <-enough:
			}
			continue
		}
		if _, ok := errors.AsType[*unit.ConflictError](err); ok {
			return fmt.Errorf("version %d was there before it was committed: %w", next, err)
		}
		c.unknown++
		server.await()
		snapshot, err := s.Snapshot(ctx, "Chain", c.id)
		for err != nil && !errors.Is(err, aggregate.ErrNotFound) && ctx.Err() == nil {
			server.await()
			snapshot, err = s.Snapshot(ctx, "Chain", c.id)
		}
		if snapshot.Version < c.acknowledged || snapshot.Version > next {
			return fmt.Errorf("version is %d after a crash, with %d acknowledged", snapshot.Version, c.acknowledged)
		}
		next = snapshot.Version + 1
	}
}

func version(id uuid.UUID, n int) *unit.Work {
	w := unit.New(nil)
	w.Append(unit.Event{Aggregate: id, Version: n, Name: "Chain", Action: unit.Update, Schema: 1, Data: []byte(`[]`), CreatedAt: w.Now()},
		unit.Snapshot{Aggregate: id, Name: "Chain", Version: n, Data: []byte(`{}`), CreatedAt: w.Now(), UpdatedAt: w.Now()})
	return w
}

// follow reads the outbox as a relay does until it has read all after written
// was closed. It returns the latest version that it saw of each aggregate.
func follow(ctx context.Context, server *server, s *postgres.Store, written <-chan struct{}) (map[uuid.UUID]int, error) {
	seen := map[uuid.UUID]int{}
	for {
		over, err := lead(ctx, s, written, func(e *unit.Event) error {
			if e.Version > seen[e.Aggregate]+1 {
				return fmt.Errorf("version %d came after %d", e.Version, seen[e.Aggregate])
			}
			seen[e.Aggregate] = max(seen[e.Aggregate], e.Version)
			return nil
		})
		if over || ctx.Err() != nil {
			return seen, err
		}
		server.await()
	}
}

// lead reads for as long as the lease holds. Over says that another turn is
// not wanted.
func lead(ctx context.Context, s *postgres.Store, written <-chan struct{}, see func(e *unit.Event) error) (over bool, err error) {
	lease, err := s.Lead(ctx, "relay")
	if err != nil {
		return false, err
	}
	defer func() { _ = lease.Release(context.WithoutCancel(ctx)) }()
	for position := lease.Position(); ; {
		last := false
		select {
		case <-written:
			last = true
		default:
		}
		entries, next, err := s.Pending(ctx, position, 100)
		if err != nil {
			return false, err
		}
		for _, e := range entries {
			if err := see(e.Event); err != nil {
				return true, err
			}
		}
		if position = next; last && len(entries) == 0 {
			return true, nil
		}
		if err := lease.Save(ctx, position); err != nil {
			return false, err
		}
	}
}

func TestStore_crash(t *testing.T) {
	t.Parallel()
	t.Run("no acknowledged commit is lost or doubled when the server is killed", func(t *testing.T) {
		t.Parallel()
		server := startServer(t)
		s := open(t, postgres.Config{URL: server.url()})
		chains := make([]chain, 8)
		success, enough, written := make(chan struct{}), make(chan struct{}), make(chan struct{})
		var writers, reader sync.WaitGroup
		for i := range chains {
			chains[i].id = unit.NewID()
			writers.Go(func() {
				if err := chains[i].extend(t.Context(), server, s, success, enough); err != nil {
					t.Error(err)
				}
			})
		}
		var seen map[uuid.UUID]int
		reader.Go(func() {
			var err error
			if seen, err = follow(t.Context(), server, s, written); err != nil {
				t.Error(err)
			}
		})
		gone := make(chan struct{})
		go func() { defer close(gone); writers.Wait() }()
		commits := func(n int) {
			t.Helper()
			for range n {
				select {
				case <-success:
				case <-gone:
					t.Fatal("the writers have ended")
				}
			}
		}
		for range 3 {
			commits(200)
			crashed := make(chan struct{})
			go func() { defer close(crashed); server.crash(t) }()
			for crashed != nil {
				select {
				case <-success:
				case <-crashed:
					crashed = nil
				case <-gone:
					t.Fatal("the writers have ended")
				}
			}
		}
		commits(200)
		close(enough)
		writers.Wait()
		close(written)
		reader.Wait()
		for _, c := range chains {
			c.check(t, s, seen[c.id])
		}
	})
}

// check compares a chain with what is stored and with what the reader saw.
func (c *chain) check(t *testing.T, s *postgres.Store, seen int) {
	t.Helper()
	n := 0
	for e, err := range s.Events(t.Context(), aggregate.EventQuery{Aggregate: c.id}) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; e.Version != n {
			t.Errorf("event %d has version %d", n, e.Version)
		}
	}
	if n < c.acknowledged || n > c.acknowledged+c.unknown {
		t.Errorf("%d events are stored, with %d acknowledged and %d unknown", n, c.acknowledged, c.unknown)
	}
	if seen != n {
		t.Errorf("the reader saw %d of %d events", seen, n)
	}
	t.Logf("%d events, %d commits with an unknown outcome", n, c.unknown)
}
