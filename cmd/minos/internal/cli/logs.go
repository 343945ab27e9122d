package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/minos-framework/minos-go/deploy/docker"
)

type logsOptions struct {
	Services []string // empty means all
	Follow   bool
	Tail     int // negative means all
}

func logsCommand(env *Env) *cli.Command {
	return &cli.Command{
		Name:      "logs",
		Usage:     "show what the deployed services logged",
		ArgsUsage: "[SERVICE...]",
		UsageText: `
			minos logs
			minos logs foo --tail 20
			minos logs foo postgres -f`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "wait for more lines, until Ctrl-C"},
			&cli.IntFlag{
				Name: "tail", Value: -1, Usage: "begin with this many lines of each service; all if not given",
			},
		},
		Action: func(c *cli.Context) error {
			if c.IsSet("tail") && c.Int("tail") < 0 {
				return failf(Usage, "tail %d is no number of lines", c.Int("tail"))
			}
			o := logsOptions{Services: c.Args().Slice(), Follow: c.Bool("follow"), Tail: c.Int("tail")}
			return o.run(c.Context, env)
		},
	}
}

func (o logsOptions) run(ctx context.Context, env *Env) (err error) {
	project, err := env.Project()
	if err != nil {
		return err
	}
	engine, err := docker.Connect(ctx)
	if err != nil {
		return engineError(err)
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	width := 0
	for _, name := range append(project.services(), "postgres", "kafka") {
		width = max(width, len(name))
	}
	options := docker.LogOptions{Tail: o.Tail, Follow: o.Follow}
	return logsError(engine.Logs(ctx, project.Name, o.Services, options, func(service, text string) {
		fmt.Fprintf(env.Terminal.Out, "%-*s | %s\n", width, service, text)
	}))
}

// logsError is engineError with the next command, where nothing is deployed.
func logsError(err error) error {
	if e, ok := errors.AsType[*docker.NoContainerError](err); ok && len(e.Others) == 0 {
		return fmt.Errorf("%w; run `minos deploy`", err)
	}
	return engineError(err)
}
