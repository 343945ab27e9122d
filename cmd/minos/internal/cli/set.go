package cli

import "github.com/urfave/cli/v2"

func setCommand(env *Env) *cli.Command {
	return &cli.Command{Name: "set", Usage: "choose what the project's services run on"}
}
