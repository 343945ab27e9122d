package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/minos-framework/minos-go/deploy"
	"github.com/minos-framework/minos-go/deploy/docker"
	"github.com/minos-framework/minos-go/scaffold/manifest"
)

type deployOptions struct {
	Service string // empty means the whole project
	DryRun  bool   // show the plan only
	JSON    bool
	Timeout time.Duration // for each service to get ready
}

func deployCommand(env *Env) *cli.Command {
	flags := []cli.Flag{
		&cli.BoolFlag{Name: "dry-run", Usage: "show what would be done and why, and do nothing"},
		jsonFlag(),
		&cli.DurationFlag{
			Name: "timeout", Value: 2 * time.Minute, Usage: "for each service to get ready; 2m if not given",
		},
	}
	action := func(names ...string) cli.ActionFunc {
		return func(c *cli.Context) error {
			args, err := arguments(c, names...)
			if err != nil {
				return err
			}
			if c.Duration("timeout") <= 0 {
				return failf(Usage, "timeout %s is no time; give it as 90s or 2m", c.Duration("timeout"))
			}
			o := deployOptions{DryRun: c.Bool("dry-run"), JSON: c.Bool("json"), Timeout: c.Duration("timeout")}
			if len(args) > 0 {
				o.Service = args[0]
			}
			return o.run(c.Context, env)
		}
	}
	return &cli.Command{
		Name:      "deploy",
		Usage:     "run the project on Docker, or bring what runs up to date",
		ArgsUsage: "[project | microservice NAME]",
		UsageText: `
			minos deploy
			minos deploy microservice foo
			minos deploy --dry-run
			minos deploy --dry-run --json`,
		Flags:  flags,
		Action: action(),
		Subcommands: []*cli.Command{
			{
				Name: "project", Usage: "the same as `minos deploy`", UsageText: "minos deploy project",
				Flags: flags, Action: action(),
			},
			{
				Name: "microservice", Usage: "one microservice, and what it stands on", ArgsUsage: "NAME",
				UsageText: "minos deploy microservice foo", Flags: flags, Action: action("NAME"),
			},
		},
	}
}

// deployResult is what `deploy --json` prints.
type deployResult struct {
	DryRun    bool                          `json:"dry_run"`
	Changes   []deploy.Step                 `json:"changes"`
	Published map[string][]deploy.Published `json:"published"`
	Notices   []string                      `json:"notices,omitempty"`
}

func (o deployOptions) run(ctx context.Context, env *Env) (err error) {
	project, err := env.Project()
	if err != nil {
		return err
	}
	scope, err := o.scope(project)
	if err != nil {
		return err
	}
	op, err := operate(ctx, project)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, op.close()) }()
	if !o.DryRun {
		lock, err := manifest.Acquire(op.project.Dir, "deploy")
		if err != nil {
			return err
		}
		defer lock.Release() //nolint:errcheck // the process ends; with it the lock
	}
	observed, err := op.engine.Observe(ctx, op.wanted)
	if err != nil {
		return engineError(err)
	}
	plan, err := deploy.NewPlan(op.wanted, observed, scope...)
	if err != nil {
		return engineError(err)
	}
	for _, notice := range plan.Notices {
		fmt.Fprintln(env.Terminal.Err, notice)
	}
	if !o.DryRun {
		runner := op.engine.Runner(plan, docker.RunnerConfig{Timeout: o.Timeout})
		lines := &stepLines{out: env.Terminal.Err, waits: len(plan.Changes()) > 0}
		if err := deploy.Execute(ctx, plan, runner, lines, deploy.Limits{}); err != nil {
			return engineError(err)
		}
	}
	return o.report(env, op, plan)
}

// scope returns the services to deploy; none means all. It has checked what can
// be checked of them without an engine.
func (o deployOptions) scope(p *Project) ([]string, error) {
	if err := deployable(p); err != nil {
		return nil, err
	}
	if len(p.Services) == 0 {
		return nil, fmt.Errorf("project %s has no microservice yet; add one with `minos new microservice NAME`", p.Name)
	}
	if o.Service == "" {
		return nil, p.checkConfigurations(p.services()...)
	}
	if _, ok := p.Services[o.Service]; !ok {
		return nil, failf(Usage, "no microservice %s in project %s; there are %s%s", o.Service, p.Name,
			strings.Join(p.services(), ", "), suggest(o.Service, p.services(), ""))
	}
	return []string{o.Service}, p.checkConfigurations(o.Service)
}

func (o deployOptions) report(env *Env, op *operation, plan *deploy.Plan) error {
	out, changes := env.Terminal.Out, plan.Changes()
	var err error
	switch {
	case o.JSON:
		if changes == nil {
			changes = []deploy.Step{}
		}
		return writeJSON(out, deployResult{o.DryRun, changes, plan.Published, plan.Notices})
	case len(changes) == 0 && o.DryRun:
		_, err = fmt.Fprintln(out, "nothing would change")
		return err
	case o.DryRun:
		_, err = fmt.Fprint(out, plan)
		return err
	case len(changes) == 0:
		_, err = fmt.Fprintf(out, "nothing changes: %s is deployed and ready\n", op.project.Name)
	default:
		_, err = fmt.Fprintf(out, "deployed %s\n", op.project.Name)
	}
	for _, url := range urls(op.wanted, plan.Published) {
		fmt.Fprintln(out, "  "+url)
	}
	return err
}
