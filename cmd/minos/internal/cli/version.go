package cli

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"
)

// version is set when a release is linked (-X); a build of a module's version
// or of a commit knows its own.
var version string

// buildVersion returns the version of this binary.
func buildVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "v0.0.0-dev"
	}
	return info.Main.Version
}

// versionOptions is what `minos version` was told.
type versionOptions struct{ JSON bool }

// versionCommand is `minos version`.
func versionCommand(env *Env) *cli.Command {
	return &cli.Command{
		Name:      "version",
		Usage:     "print the version",
		UsageText: "minos version\nminos version --json",
		Flags:     []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			if _, err := arguments(c); err != nil {
				return err
			}
			return versionOptions{JSON: c.Bool("json")}.run(c.Context, env)
		},
	}
}

// run prints the version; a bug report wants the rest of the JSON as well.
func (o versionOptions) run(_ context.Context, env *Env) error {
	if !o.JSON {
		_, err := fmt.Fprintf(env.Terminal.Out, "minos %s\n", env.Version)
		return err
	}
	return writeJSON(env.Terminal.Out, map[string]string{
		"version": env.Version, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH,
	})
}
