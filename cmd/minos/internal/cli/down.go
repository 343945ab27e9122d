package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/minos-framework/minos-go/deploy"
	"github.com/minos-framework/minos-go/deploy/docker"
	"github.com/minos-framework/minos-go/scaffold/manifest"
)

type downOptions struct {
	Volumes bool // delete the data too
	Yes     bool // do not ask
}

func downCommand(env *Env) *cli.Command {
	return &cli.Command{
		Name:  "down",
		Usage: "stop and remove what runs on Docker; data is kept unless --volumes is given",
		UsageText: `
			minos down
			minos down --volumes --yes`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "volumes", Usage: "delete the databases and the broker's messages too"},
			&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask before data is deleted"},
		},
		Action: func(c *cli.Context) error {
			if _, err := arguments(c); err != nil {
				return err
			}
			return downOptions{Volumes: c.Bool("volumes"), Yes: c.Bool("yes")}.run(c.Context, env)
		},
	}
}

// run needs no compose.yaml: what is labeled as the project's goes.
func (o downOptions) run(ctx context.Context, env *Env) (err error) {
	project, err := env.Project()
	if err != nil {
		return err
	}
	if o.Volumes && !o.Yes && !env.Terminal.Interactive {
		return failf(Usage, "--volumes deletes the project's data; confirm it with --yes")
	}
	engine, err := docker.Connect(ctx)
	if err != nil {
		return engineError(err)
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	lock, err := manifest.Acquire(project.Dir, "down")
	if err != nil {
		return err
	}
	defer lock.Release() //nolint:errcheck // the process ends; with it the lock
	observed, err := engine.ObserveName(ctx, project.Name)
	if err != nil {
		return engineError(err)
	}
	volumes := slices.Sorted(maps.Keys(observed.Volumes))
	question := "delete " + strings.Join(volumes, ", ") + " and all data in them?"
	if o.Volumes && !o.Yes && len(volumes) > 0 && !confirm(env, question) {
		return errors.New("nothing was changed")
	}
	plan := deploy.NewDown(observed, o.Volumes)
	runner := engine.Runner(plan, docker.RunnerConfig{Volumes: o.Volumes})
	if err := deploy.Execute(ctx, plan, runner, &stepLines{out: env.Terminal.Err}, deploy.Limits{}); err != nil {
		return engineError(err)
	}
	if len(plan.Steps) == 0 {
		_, err := fmt.Fprintf(env.Terminal.Out, "nothing of %s runs on Docker\n", project.Name)
		return err
	}
	kept := ""
	if !o.Volumes && len(volumes) > 0 {
		kept = "; kept the data in " + strings.Join(volumes, ", ")
	}
	_, err = fmt.Fprintf(env.Terminal.Out, "%s is down%s\n", project.Name, kept)
	return err
}

// confirm asks a person; only "y" and "yes" agree.
func confirm(env *Env, question string) bool {
	fmt.Fprintf(env.Terminal.Err, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(env.Terminal.In).ReadString('\n') // an end of input agrees to nothing
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}
