package cli

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/minos-framework/minos-go/cmd/minos/internal/terminal"
)

// Tree is the command tree of minos, for tests.
func Tree(env *Env) []*cli.Command { return commands(env) }

// ClassOf is classOf.
func ClassOf(err error) Class { return classOf(err) }

// Fail is fail.
func Fail(class Class, err error) error { return fail(class, err) }

// ReportInterrupted is report after Ctrl-C.
func ReportInterrupted(t *terminal.Terminal, err error) Class {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errInterrupted)
	return report(ctx, t, err)
}

// LogsError is logsError.
func LogsError(err error) error { return logsError(err) }

// Classes are those of the table.
func Classes() []Class {
	var classes []Class
	for _, o := range outcomes() {
		classes = append(classes, o.class)
	}
	return classes
}

// Wait is a command that waits to be interrupted, and says so. A stubborn one
// does not end then.
func Wait(stubborn bool) int {
	ctx, stop := withInterrupt(context.Background())
	defer stop()
	fmt.Println("ready")
	<-ctx.Done()
	fmt.Println("canceled")
	if stubborn {
		select {}
	}
	return int(report(ctx, terminal.Std(), fmt.Errorf("wait: %w", ctx.Err())))
}
