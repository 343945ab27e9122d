package cli

import "github.com/urfave/cli/v2"

// newCommand is `minos new`, a group.
func newCommand(env *Env) *cli.Command {
	return &cli.Command{
		Name:        "new",
		Usage:       "create a project or a microservice",
		UsageText:   "minos new project shop\nminos new microservice foo",
		Subcommands: []*cli.Command{newProjectCommand(env), newMicroserviceCommand(env)},
	}
}
