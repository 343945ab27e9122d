// Package cli is the minos command: a function of its arguments and streams.
//
// To add a command, write a file of its own with three parts, and name its
// constructor in commands, below:
//
//	type statusOptions struct{ JSON bool }                       // what the command was told
//	func statusCommand(env *Env) *cli.Command                    // flags and arguments -> options
//	func (o statusOptions) run(ctx context.Context, env *Env) error // knows no flags
//
// A command returns errors; only Main prints them and decides the exit code.
// fail gives an error its class (exit.go), arguments counts what was typed, and
// Env.Project finds the project around the working directory.
// Results go to env.Terminal.Out, all else to env.Terminal.Err. A flag of one
// name takes a value in every command that has it or in none: flags may stand
// anywhere on the line. UsageText holds a command's examples, which its help
// starts with.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/minos-framework/minos-go"
	"github.com/minos-framework/minos-go/cmd/minos/internal/commandline"
	"github.com/minos-framework/minos-go/cmd/minos/internal/terminal"
	"github.com/minos-framework/minos-go/deploy/local"
)

// Env is what a command may use of the world. Its fields are not changed once a
// command runs.
type Env struct {
	Terminal *terminal.Terminal
	// Dir is the absolute path of the directory that relative paths start from.
	Dir string
	// Source is the module's own source, as package minos embeds it:
	// framework/, templates/, go.mod and go.sum.
	Source fs.FS
	// Version is of this binary, as "v1.2.0".
	Version string
}

// commands is the command tree. Its order is that of the help.
func commands(env *Env) []*cli.Command {
	return []*cli.Command{
		newCommand(env),
		setCommand(env),
		devCommand(env),
		demoCommand(env),
		deployCommand(env),
		statusCommand(env),
		logsCommand(env),
		downCommand(env),
		versionCommand(env),
	}
}

// Main runs minos with arguments, the program's name left out, and returns its
// exit code (see Class). The first interrupt cancels what runs; the second ends
// the process at once.
func Main(ctx context.Context, args []string, t *terminal.Terminal) int {
	ctx, stop := withInterrupt(ctx)
	defer stop()
	dir, err := os.Getwd()
	if err == nil {
		err = run(ctx, &Env{Terminal: t, Dir: dir, Source: minos.Source, Version: buildVersion()}, args)
	}
	return int(report(ctx, t, err))
}

// run parses args and runs the command that they name.
func run(ctx context.Context, env *Env, args []string) error {
	root := &cli.Command{
		Name:        "minos",
		Usage:       "event-sourced microservices in Go, from an empty directory to a running system",
		Subcommands: commands(env),
		Flags:       []cli.Flag{&cli.BoolFlag{Name: "version", Usage: "print the version"}},
	}
	line, err := commandline.Parse(root, args)
	if err != nil {
		return err
	}
	switch {
	case line.Command() == root && line.Has("version"):
		return versionOptions{}.run(ctx, env)
	case line.Help || line.Command() == root && len(line.Args) == 0:
		return writeHelp(env.Terminal.Out, line)
	}
	return line.Run(ctx)
}

// report prints what err says and returns the class of the outcome.
func report(ctx context.Context, t *terminal.Terminal, err error) Class {
	if err == nil {
		return OK
	}
	class := classOf(err)
	// Of a service that had died, Ctrl-C only ends the others; one that had to be
	// killed did not end as it should.
	unclean := is[*local.ExitError](err) || is[*local.KilledError](err)
	if errors.Is(context.Cause(ctx), errInterrupted) && !unclean {
		class = Interrupted
		if errors.Is(err, context.Canceled) {
			err = errInterrupted
		}
	}
	fmt.Fprintf(t.Err, "%s %s\n", t.Err.Paint(terminal.Red, "minos:"), err)
	return class
}

// errInterrupted is the cause of a context that Ctrl-C canceled.
var errInterrupted = errors.New("interrupted")

// withInterrupt returns a context that the first interrupt cancels, with
// errInterrupted for its cause; the second one ends the process.
func withInterrupt(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals, done := make(chan os.Signal, 2), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
			cancel(errInterrupted)
		case <-done:
			return
		}
		select {
		case <-signals:
			os.Exit(int(Interrupted)) //nolint:forbidigo // the user will not wait for what a command tidies up
		case <-done:
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}
