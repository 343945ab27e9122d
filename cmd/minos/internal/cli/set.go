package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/minos-framework/minos-go/cmd/minos/internal/blueprint"
	"github.com/minos-framework/minos-go/scaffold/manifest"
)

// setOptions is what `minos set` was told.
type setOptions struct {
	Resource, Backend string
	Output            planOutput
}

// setCommand is `minos set RESOURCE BACKEND`.
func setCommand(env *Env) *cli.Command {
	lines := []string{"RESOURCE and its BACKENDs:"}
	for _, r := range resources() {
		lines = append(lines, fmt.Sprintf("  %s\t%s", r.name, r.help()))
	}
	return &cli.Command{
		Name:      "set",
		Usage:     "choose what the project's services run on",
		ArgsUsage: "RESOURCE BACKEND",
		UsageText: `
			minos set broker kafka
			minos set database postgres
			minos set database sqlite --dry-run`,
		Description: strings.Join(lines, "\n"),
		Flags:       planFlags(),
		Action: func(c *cli.Context) error {
			args, err := arguments(c, "RESOURCE", "BACKEND")
			if err != nil {
				return err
			}
			return setOptions{Resource: args[0], Backend: args[1], Output: planOutputOf(c)}.run(c.Context, env)
		},
	}
}

// resource is something that services run on.
type resource struct {
	name     string
	backends []string
	set      func(*manifest.Resources, string) // nil: there is none yet
}

// help lists the backends.
func (r resource) help() string {
	if r.set == nil {
		return strings.Join(r.backends, ", ") + " (not there yet)"
	}
	return strings.Join(r.backends, ", ")
}

// resources is the one list of what can be set, in the order of the help.
func resources() []resource {
	return []resource{
		{"broker", words(manifest.Brokers()), func(r *manifest.Resources, to string) {
			r.Broker = manifest.Broker(to)
		}},
		{"database", words(manifest.Databases()), func(r *manifest.Resources, to string) {
			r.Database = manifest.Database(to)
		}},
		{"discovery", []string{"minos"}, nil},
		{"api-gateway", []string{"minos"}, nil},
	}
}

// choose returns the resource of that name, with that backend.
func choose(name, backend string) (resource, error) {
	var names []string
	for _, r := range resources() {
		if r.name != name {
			names = append(names, r.name)
			continue
		}
		if !slices.Contains(r.backends, backend) {
			return r, failf(Usage, "no %s is called %q; there are %s", name, backend, strings.Join(r.backends, ", "))
		}
		if r.set == nil {
			return r, failf(Failed, "%s is not there yet; this minos sets broker and database", name)
		}
		return r, nil
	}
	return resource{}, failf(Usage, "no resource is called %q; there are %s", name, strings.Join(names, ", "))
}

// run changes the resource and whatever follows from it. To set what is set
// already is no mistake.
func (o setOptions) run(ctx context.Context, env *Env) error {
	chosen, err := choose(o.Resource, o.Backend)
	if err != nil {
		return err
	}
	command := fmt.Sprintf("set %s %s", o.Resource, o.Backend)
	return o.Output.change(env, command, func(project *Project) error {
		chosen.set(&project.Resources, o.Backend)
		plan, err := blueprint.Blueprint{Source: env.Source}.Resources(project.Dir, project.Manifest, command)
		if err != nil {
			return err
		}
		done := fmt.Sprintf("%s is %s now", o.Resource, o.Backend)
		if plan.Empty() {
			done = fmt.Sprintf("%s is %s already; nothing to change", o.Resource, o.Backend)
		}
		return o.Output.finish(ctx, env, plan, done)
	})
}

// words returns values as plain strings.
func words[T ~string](values []T) []string {
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = string(value)
	}
	return texts
}
