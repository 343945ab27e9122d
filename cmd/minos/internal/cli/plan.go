package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/minos-framework/minos-go/scaffold"
	"github.com/minos-framework/minos-go/scaffold/manifest"
)

// planOutput is how a command that writes files shows what it does.
type planOutput struct {
	DryRun bool // show it only
	JSON   bool
}

// planFlags are the flags of commands that write files.
func planFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "dry-run", Usage: "show what would be written, and write nothing"},
		jsonFlag(),
	}
}

// planOutputOf reads planFlags.
func planOutputOf(c *cli.Context) planOutput {
	return planOutput{DryRun: c.Bool("dry-run"), JSON: c.Bool("json")}
}

// change calls fn with the project, locked against other commands that change
// it unless nothing is written. command is what they are told.
func (o planOutput) change(env *Env, command string, fn func(*Project) error) error {
	project, err := env.Project()
	if err != nil {
		return err
	}
	if o.DryRun {
		return fn(project)
	}
	lock, err := manifest.Acquire(project.Dir, command)
	if err != nil {
		return err
	}
	// Read again: another command may have had the lock meanwhile.
	if project, err = env.Project(); err == nil {
		err = fn(project)
	}
	return errors.Join(err, lock.Release())
}

// finish writes the plan, or shows it; done is what to say afterwards.
func (o planOutput) finish(ctx context.Context, env *Env, plan *scaffold.Plan, done string) error {
	out := env.Terminal.Out
	if !o.DryRun {
		if err := plan.Write(ctx); err != nil {
			return err
		}
	}
	switch {
	case o.JSON:
		return writeJSON(out, plan)
	case o.DryRun:
		return plan.Print(out)
	}
	_, err := fmt.Fprintln(out, done)
	return err
}

// shellWord is s as a shell reads it as one word.
func shellWord(s string) string {
	if s != "" && !strings.ContainsAny(s, " \t\n'\"\\$`*?[]{}()<>|&;#!") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
