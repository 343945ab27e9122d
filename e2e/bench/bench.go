package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/minos-framework/minos-go/e2e/bench/internal/load"
	"github.com/minos-framework/minos-go/e2e/bench/internal/report"
)

// part measures rows that need the same things.
type part struct {
	rows    []string
	measure func(ctx context.Context, b *bench) error
}

// parts are measured in this order, and their rows are printed in it.
func parts() []part {
	return []part{
		{[]string{rowSize, rowNewProject, rowNewService, rowStart}, measureCLI},
		{[]string{rowFirstReady, rowReady, rowIdle}, measureReady},
		{postRows(), measurePosts},
		{[]string{rowBare}, measureBare},
		{[]string{rowHandled, rowHandledTail}, measureHandled},
		{[]string{rowOnce, rowOnceAlone}, measureHandling},
		{[]string{rowSaga, rowSagaTail, rowSagas}, measureSagas},
		{appendRows(""), measurePostgres},
		{[]string{rowLoad, rowLoadAllocs, rowReplay, rowReplayAllocs, rowCursor}, measureReads},
		{[]string{rowFindStates, rowFind, rowFindAllocs}, measureFind},
		{[]string{rowSQLiteOne, rowSQLite, rowSQLiteAllocs}, measureSQLite},
		{appendRows(slowDisk), measureSlowDisk},
	}
}

// bench is one run. What several parts need is made when the first one asks.
type bench struct {
	options  options
	messages io.Writer
	dir      string // for everything that the run makes
	id       string // of the run, for names on servers that others use as well
	rows     []report.Row
	values   map[string]float64 // of all that was measured, asked for or not

	binary    string // minos
	project   *project
	system    *system
	databases map[string]bool // those that were made
	profiles  []profileOf
	undo      []func() error
}

func newBench(o options, messages io.Writer) (*bench, error) {
	dir, err := os.MkdirTemp("", "minos bench")
	if err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	b := &bench{
		options: o, messages: messages, dir: dir, id: strings.ToLower(rand.Text()[:8]),
		values: map[string]float64{}, databases: map[string]bool{},
	}
	b.undo = append(b.undo, func() error { return os.RemoveAll(dir) })
	return b, nil
}

// close undoes what the run has made, the last thing first.
func (b *bench) close() error {
	var faults error
	for i := len(b.undo) - 1; i >= 0; i-- {
		faults = errors.Join(faults, b.undo[i]())
	}
	return faults
}

// measure returns the rows that were asked for. A part that fails costs its own
// rows only.
func (b *bench) measure(ctx context.Context) ([]report.Row, error) {
	var faults error
	for _, p := range parts() {
		if ctx.Err() != nil || !b.wanted(p.rows...) {
			continue
		}
		if err := p.measure(ctx, b); err != nil {
			faults = errors.Join(faults, fmt.Errorf("measure %q: %w", p.rows[0], err))
		}
	}
	return b.rows, errors.Join(faults, ctx.Err())
}

// wanted reports whether any of the rows was asked for.
func (b *bench) wanted(rows ...string) bool {
	for _, row := range rows {
		if b.options.run.MatchString(row) {
			return true
		}
	}
	return false
}

// add keeps a row, if it was asked for.
func (b *bench) add(row report.Row) {
	b.values[row.Row] = row.Value
	if b.wanted(row.Row) {
		b.rows = append(b.rows, row)
		b.say("%s: %.4g %s", row.Row, row.Value, row.Unit)
	}
}

// say tells whoever waits how far the run is.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.messages, "bench: "+format+"\n", args...)
}

// duration is how long a load is measured, and warmup for how long it runs
// before that.
func (b *bench) duration() time.Duration {
	if b.options.short {
		return 3 * time.Second
	}
	return 12 * time.Second
}

func (b *bench) warmup() time.Duration { return b.duration() / 6 }

// times calls what is measured a number of times, and returns how long it took.
func times(n int, call func(i int) error) (load.Result, error) {
	took := make([]time.Duration, n)
	started := time.Now()
	for i := range took {
		began := time.Now()
		if err := call(i); err != nil {
			return load.Result{}, err
		}
		took[i] = time.Since(began)
	}
	return load.Of(time.Since(started), took), nil
}

func median(took []time.Duration) time.Duration { return load.Of(0, took).Percentile(0.5) }

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// command runs a program to its end, in a directory.
func command(ctx context.Context, dir string, env []string, name string, args ...string) error {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), env...)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("run %s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}
