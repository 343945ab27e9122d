package cli

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/minos-framework/minos-go/cmd/minos/internal/blueprint"
	"github.com/minos-framework/minos-go/scaffold"
)

// newMicroserviceOptions is what `minos new microservice` was told.
type newMicroserviceOptions struct {
	Name   string
	Port   int // 0 means the next free one
	Output planOutput
}

// newMicroserviceCommand is `minos new microservice NAME`.
func newMicroserviceCommand(env *Env) *cli.Command {
	return &cli.Command{
		Name:      "microservice",
		Usage:     "add a microservice to the project",
		ArgsUsage: "NAME",
		UsageText: `
			minos new microservice foo
			minos new microservice order-line --port 8001
			minos new microservice foo --dry-run --json`,
		Flags: append([]cli.Flag{
			&cli.IntFlag{
				Name: "port", Usage: "on this machine, and no other; the next free one from 4545 if not given",
			},
		}, planFlags()...),
		Action: func(c *cli.Context) error {
			args, err := arguments(c, "NAME")
			if err != nil {
				return err
			}
			if port := c.Int("port"); c.IsSet("port") && (port < 1 || port > 65535) {
				return failf(Usage, "port %d is none; ports are 1 to 65535", port)
			}
			o := newMicroserviceOptions{Name: args[0], Port: c.Int("port"), Output: planOutputOf(c)}
			return o.run(c.Context, env)
		},
	}
}

// run adds the service: its files, its container, its line in minos.yaml. The
// name is looked at first, before the project: it is what was typed last.
func (o newMicroserviceOptions) run(ctx context.Context, env *Env) error {
	name, err := scaffold.ParseName(o.Name)
	if err != nil {
		return err
	}
	return o.Output.change(env, "new microservice "+o.Name, func(project *Project) error {
		plan, err := blueprint.Blueprint{Source: env.Source}.
			Service(project.Dir, project.Manifest, blueprint.NewService{Name: name, Port: o.Port})
		if err != nil {
			return err
		}
		service := project.Services[o.Name]
		return o.Output.finish(ctx, env, plan, fmt.Sprintf(
			"created microservice %s in %s, on port %d\nnext: minos dev", name, service.Path, service.Port))
	})
}
