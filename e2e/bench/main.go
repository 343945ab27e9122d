// Command bench measures what minos promises about speed, beside Minos 0.7.0 and
// beside the limits of the same machine, in one run.
//
//	go run ./e2e/bench [-short] [-run REGEXP] [-profile DIRECTORY] [-database DATABASE]
//
// It is run in the root of the repository, with the addresses of real servers
// in MINOS_TEST_POSTGRES and MINOS_TEST_KAFKA: see `make bench`. It prints one
// Markdown table and writes out/bench.json. A row that misses its goal is shown
// as missing it, and is no failure: what else runs on the machine counts.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"

	"github.com/minos-framework/minos-go/e2e/bench/internal/report"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// options are what the command was told.
type options struct {
	short    bool
	run      *regexp.Regexp
	profile  string
	database string
	output   string
}

func parse(args []string, messages io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(messages)
	rows := flags.String("run", "", "measure only the rows whose names match `REGEXP`")
	flags.BoolVar(&o.short, "short", false, "measure for a shorter time, less exactly")
	flags.StringVar(&o.profile, "profile", "", "leave the services' CPU profiles in `DIRECTORY`")
	flags.StringVar(&o.database, "database", "postgres", "the services' `DATABASE`: postgres or memory")
	flags.StringVar(&o.output, "output", filepath.Join("out", "bench.json"), "write the rows to `FILE`")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	var err error
	if o.run, err = regexp.Compile(*rows); err != nil {
		return o, fmt.Errorf("read -run: %w", err)
	}
	return o, nil
}

// run returns the exit code.
func run(args []string, out, messages io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(args) == 3 && args[0] == bareCommand {
		return exitCode(serveBare(ctx, args[1], args[2]), messages)
	}
	o, err := parse(args, messages)
	if err != nil {
		return 2
	}
	b, err := newBench(o, messages)
	if err != nil {
		return exitCode(err, messages)
	}
	rows, err := b.measure(ctx)
	err = errors.Join(err, b.close(), report.WriteTable(out, rows), writeFile(o.output, rows))
	return exitCode(err, messages)
}

func exitCode(err error, messages io.Writer) int {
	if err == nil {
		return 0
	}
	fmt.Fprintf(messages, "bench: %v\n", err)
	return 1
}

func writeFile(path string, rows []report.Row) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write rows: %w", err)
	}
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write rows: %w", err)
	}
	return errors.Join(report.WriteJSON(file, rows), file.Close())
}
