package cli

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"regexp"

	"github.com/urfave/cli/v2"

	"github.com/minos-framework/minos-go/cmd/minos/internal/blueprint"
	"github.com/minos-framework/minos-go/scaffold"
	"github.com/minos-framework/minos-go/scaffold/manifest"
)

// newProjectOptions is what `minos new project` was told.
type newProjectOptions struct {
	Path   string
	Name   string // empty means the last part of Path
	Module string // empty means example.com/NAME
	Output planOutput
}

// newProjectCommand is `minos new project PATH`.
func newProjectCommand(env *Env) *cli.Command {
	return &cli.Command{
		Name:      "project",
		Usage:     "create a project in a new or empty directory",
		ArgsUsage: "PATH",
		UsageText: `
			minos new project shop
			minos new project ~/work/shop --module github.com/acme/shop
			minos new project . --name shop
			minos new project shop --dry-run`,
		Description: "PATH is where the project goes; its last part is the name of the project, unless --name gives one.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "name", Usage: "of the project; the last part of PATH if not given"},
			&cli.StringFlag{
				Name: "module", Usage: "what the services' module paths start with; example.com/NAME if not given",
			},
		}, planFlags()...),
		Action: func(c *cli.Context) error {
			args, err := arguments(c, "PATH")
			if err != nil {
				return err
			}
			return newProjectOptions{
				Path: args[0], Name: c.String("name"), Module: c.String("module"), Output: planOutputOf(c),
			}.run(c.Context, env)
		},
	}
}

// run makes the project. There is no lock: the directory appears as a whole, and
// the second of two finds it there.
func (o newProjectOptions) run(ctx context.Context, env *Env) error {
	dir, name, err := o.place(env)
	if err != nil {
		return err
	}
	module := cmp.Or(o.Module, "example.com/"+name.String())
	if !regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+(/[A-Za-z0-9][A-Za-z0-9._~-]*)*$`).MatchString(module) {
		return failf(Usage, "module %q is no module path; it starts with a host, like example.com/shop", module)
	}
	plan, err := blueprint.Blueprint{Source: env.Source}.Project(dir, manifest.New(name.String(), module))
	if err != nil {
		return err
	}
	return o.Output.finish(ctx, env, plan, fmt.Sprintf(
		"created project %s in %s\nnext: cd %s && minos new microservice NAME", name, dir, shellWord(o.Path)))
}

// place returns the project's directory and name.
func (o newProjectOptions) place(env *Env) (string, scaffold.Name, error) {
	if o.Path == "" {
		return "", scaffold.Name{}, failf(Usage, "PATH is empty; say where, as `minos new project shop`")
	}
	dir := o.Path
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(env.Dir, dir)
	}
	last := filepath.Base(o.Path)
	if last == "." {
		last = filepath.Base(dir)
	}
	name, err := scaffold.ParseName(cmp.Or(o.Name, last))
	if err != nil && o.Name == "" {
		err = failf(Usage, "%w; or give a name with --name", err)
	}
	return filepath.Clean(dir), name, err
}
