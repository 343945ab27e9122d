package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// slowDisk ends the names of rows that are measured on a server whose syncs of
// the disk take a millisecond longer: as on the disks of a cloud, and unlike
// those of a laptop, which hide what waits for them.
const slowDisk = ", fsync +1 ms"

// slowSync is a library for LD_PRELOAD: fsync and fdatasync, and a sleep before.
//
//go:embed testdata/slowsync.c
var slowSync []byte

// measureSlowDisk measures appends on a server of its own, whose libc is told
// to sleep before each sync.
func measureSlowDisk(ctx context.Context, b *bench) error {
	b.say("starting a PostgreSQL whose syncs take 1 ms longer")
	dir, err := os.MkdirTemp("", "minos-bench-") // b.dir is closed to the server's user
	if err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	s := &slowServer{dir: filepath.Join(dir, "data")}
	err = s.start(ctx)
	if err == nil {
		err = b.measureAppends(ctx, s.config, slowDisk)
	}
	return errors.Join(err, s.stop(context.WithoutCancel(ctx)), os.RemoveAll(dir))
}

// slowServer is a PostgreSQL of the programs that the tests' server runs.
type slowServer struct {
	dir, programs string
	owner         *syscall.Credential // PostgreSQL does not run as root
	config        *pgx.ConnConfig
	running       bool
}

func (s *slowServer) start(ctx context.Context) error {
	if err := s.lookUp(ctx); err != nil {
		return err
	}
	source, library := s.dir+".c", s.dir+".so"
	if err := os.WriteFile(source, slowSync, 0o644); err != nil {
		return fmt.Errorf("write the library: %w", err)
	}
	if err := command(ctx, "", nil, "gcc", "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"); err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("find a port: %w", err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if err := listener.Close(); err != nil {
		return fmt.Errorf("find a port: %w", err)
	}
	if err := s.run(ctx, nil, "initdb", "--auth=trust", "--username=postgres", "--no-sync", "--pgdata="+s.dir); err != nil {
		return err
	}
	options := fmt.Sprintf("-p %d -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=100", port)
	err = s.run(ctx, []string{"LD_PRELOAD=" + library}, "pg_ctl", "start", "-s", "-w", "-D", s.dir, "-l", s.dir+".log", "-o", options)
	if err != nil {
		return err
	}
	s.running = true
	s.config, err = pgx.ParseConfig(fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port))
	return err
}

// lookUp finds the server's programs and its user.
func (s *slowServer) lookUp(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, os.Getenv("MINOS_TEST_POSTGRES"))
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }() // it has only read
	err = conn.QueryRow(ctx, "SELECT setting FROM pg_config WHERE name = 'BINDIR'").Scan(&s.programs)
	if err != nil || os.Geteuid() != 0 {
		return err
	}
	owner, err := user.Lookup("postgres")
	if err != nil {
		return fmt.Errorf("find the server's user: %w", err)
	}
	uid, uidErr := strconv.Atoi(owner.Uid)
	gid, gidErr := strconv.Atoi(owner.Gid)
	s.owner = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return errors.Join(uidErr, gidErr, os.Chown(filepath.Dir(s.dir), uid, gid))
}

func (s *slowServer) stop(ctx context.Context) error {
	if !s.running {
		return nil
	}
	return s.run(ctx, nil, "pg_ctl", "stop", "-s", "-w", "-m", "immediate", "-D", s.dir)
}

func (s *slowServer) run(ctx context.Context, env []string, program string, args ...string) error {
	c := exec.CommandContext(ctx, filepath.Join(s.programs, program), args...)
	c.Dir = filepath.Dir(s.dir)
	c.Env = append(os.Environ(), env...)
	if s.owner != nil {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: s.owner}
	}
	var said strings.Builder
	if program != "pg_ctl" { // whose server would keep the pipe open
		c.Stdout, c.Stderr = &said, &said
	}
	if err := c.Run(); err != nil {
		log, _ := os.ReadFile(s.dir + ".log") // there may be none
		return fmt.Errorf("run %s: %w\n%s%s", program, err, said.String(), log)
	}
	return nil
}
