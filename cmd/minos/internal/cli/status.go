package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/minos-framework/minos-go/deploy"
)

type statusOptions struct{ JSON bool }

func statusCommand(env *Env) *cli.Command {
	return &cli.Command{
		Name:      "status",
		Usage:     "show what of the project runs on Docker, and what differs from what is wanted",
		UsageText: "minos status\nminos status --json",
		Flags:     []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			if _, err := arguments(c); err != nil {
				return err
			}
			return statusOptions{JSON: c.Bool("json")}.run(c.Context, env)
		},
	}
}

// serviceStatus is a line of `minos status`.
type serviceStatus struct {
	Service   string   `json:"service"`
	Container string   `json:"container,omitempty"`
	State     string   `json:"state"`            // the engine's word; "missing" without a container
	Ready     bool     `json:"ready"`            // it answers
	Reason    string   `json:"reason,omitempty"` // why it is not ready
	Image     string   `json:"image"`
	Ports     []string `json:"ports"`           // "127.0.0.1:4545", of the host
	Drift     string   `json:"drift,omitempty"` // what the next deploy changes
}

func (o statusOptions) run(ctx context.Context, env *Env) (err error) {
	project, err := env.Project()
	if err != nil {
		return err
	}
	op, err := operate(ctx, project)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, op.close()) }()
	observed, err := op.engine.Observe(ctx, op.wanted)
	if err != nil {
		return engineError(err)
	}
	plan, err := deploy.NewPlan(op.wanted, observed)
	if err != nil && !errors.Is(err, deploy.ErrConflict) {
		return err
	}
	if plan == nil { // a port is in the way of the next deploy; what is there can be shown all the same
		fmt.Fprintln(env.Terminal.Err, err)
		plan = &deploy.Plan{}
	}
	statuses := make([]serviceStatus, len(op.wanted.Services))
	var all sync.WaitGroup
	for i, s := range op.wanted.Services {
		all.Go(func() { statuses[i] = op.status(ctx, s, observed, plan) })
	}
	all.Wait()
	if o.JSON {
		return writeJSON(env.Terminal.Out, map[string]any{"project": op.project.Name, "services": statuses})
	}
	return printStatus(env, statuses)
}

// status asks one service.
func (o *operation) status(
	ctx context.Context, s deploy.Service, observed *deploy.Observed, plan *deploy.Plan,
) serviceStatus {
	status := serviceStatus{
		Service: s.Name, State: "missing", Image: s.Image, Ports: []string{}, Drift: drift(plan, s.Name),
	}
	for _, c := range observed.Containers {
		if c.Service != s.Name {
			continue
		}
		status.Container, status.State = c.Name, string(c.State)
		status.Reason = o.engine.Health(ctx, o.wanted, s, c)
		status.Ready = status.Reason == ""
		for _, p := range c.Published {
			status.Ports = append(status.Ports, fmt.Sprintf("%s:%d", p.Wanted.HostIP, p.Chosen))
		}
		break
	}
	return status
}

// drift returns why the next deploy would touch a service; "" when it would not.
func drift(plan *deploy.Plan, service string) string {
	for _, s := range plan.Changes() {
		if s.Service == service {
			return s.Cause
		}
	}
	return ""
}

func printStatus(env *Env, statuses []serviceStatus) error {
	table := tabwriter.NewWriter(env.Terminal.Out, 0, 8, 3, ' ', 0)
	fmt.Fprintln(table, "SERVICE\tSTATE\tREADY\tPORTS\tIMAGE\tNEXT DEPLOY")
	for _, s := range statuses {
		ready := "yes"
		if !s.Ready {
			ready = "no"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", s.Service, s.State, ready,
			cmp.Or(strings.Join(s.Ports, " "), "-"), s.Image, cmp.Or(s.Drift, "-"))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, s := range statuses {
		if s.Reason != "" {
			fmt.Fprintf(env.Terminal.Out, "%s is not ready: %s; see `minos logs %s`\n", s.Service, s.Reason, s.Service)
		}
	}
	return nil
}
