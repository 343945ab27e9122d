package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/minos-framework/minos-go/cmd/minos/internal/terminal"
	"github.com/minos-framework/minos-go/deploy"
	"github.com/minos-framework/minos-go/deploy/compose"
	"github.com/minos-framework/minos-go/deploy/docker"
	"github.com/minos-framework/minos-go/scaffold/manifest"
)

// operation is what the commands about a deployed project share: the project,
// what its compose files want, and the engine. It is closed after use.
type operation struct {
	project *Project
	wanted  *deploy.Project
	engine  *docker.Engine
}

// operate loads what project wants and connects to the engine. A project that
// does not run on Docker is an error that says what to set.
func operate(ctx context.Context, project *Project) (*operation, error) {
	if err := deployable(project); err != nil {
		return nil, err
	}
	wanted, err := compose.Load(ctx, compose.Source{Dir: project.Dir, Name: project.Name, Env: os.Environ()})
	if err != nil {
		return nil, err
	}
	engine, err := docker.Connect(ctx)
	if err != nil {
		return nil, engineError(err)
	}
	return &operation{project: project, wanted: wanted, engine: engine}, nil
}

func (o *operation) close() error { return o.engine.Close() }

// deployable says what to set before a project can run on Docker.
func deployable(p *Project) error {
	var missing []string
	if p.Resources.Broker != manifest.Kafka {
		missing = append(missing, fmt.Sprintf("its broker is %s: run `minos set broker kafka`", p.Resources.Broker))
	}
	if p.Resources.Database != manifest.Postgres {
		missing = append(missing, fmt.Sprintf(
			"its database is %s: run `minos set database postgres`", p.Resources.Database))
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("project %s does not run on Docker: %s; or run it here with `minos dev`",
		p.Name, strings.Join(missing, ", and "))
}

// engineError gives an error of package deploy or docker its class.
func engineError(err error) error {
	switch {
	case errors.Is(err, docker.ErrUnreachable):
		return fail(NoEngine, err)
	case errors.Is(err, deploy.ErrConflict):
		return fail(Conflict, err)
	case is[*deploy.NotReadyError](err):
		return fail(NotReady, err)
	}
	return err
}

// stepLines prints what happens to a plan, as plain lines.
type stepLines struct {
	out   *terminal.Output
	waits bool // say when a service is ready, too
}

var _ deploy.Observer = (*stepLines)(nil)

// Begin announces the steps that take long.
func (l *stepLines) Begin(s deploy.Step) {
	if s.Action == deploy.BuildImage || s.Action == deploy.PullImage {
		fmt.Fprintf(l.out, "%s: %s\n", s.ID(), s.Cause)
	}
}

// Output passes on what a build or pull says.
func (l *stepLines) Output(s deploy.Step, line string) {
	fmt.Fprintln(l.out, l.out.Paint(terminal.Dim, "  "+s.Subject+" | "+line))
}

// End says what was done. What failed is said once, by the command's error.
func (l *stepLines) End(s deploy.Step, took time.Duration, err error) {
	rounded := took.Round(time.Millisecond)
	switch {
	case err != nil || s.Action == deploy.Await && !l.waits:
	case s.Action == deploy.Await:
		fmt.Fprintf(l.out, "%s is ready (%s)\n", s.Subject, rounded)
	case s.Action == deploy.BuildImage || s.Action == deploy.PullImage:
		fmt.Fprintf(l.out, "%s: done (%s)\n", s.ID(), rounded)
	default:
		fmt.Fprintf(l.out, "%s: %s (%s)\n", s.ID(), s.Cause, rounded)
	}
}

// urls returns where the services answer on this machine.
func urls(wanted *deploy.Project, published map[string][]deploy.Published) []string {
	var all []string
	for _, s := range wanted.Services {
		for _, p := range published[s.Name] {
			if p.Wanted.Protocol == "tcp" && p.Chosen != 0 {
				all = append(all, fmt.Sprintf("%s at http://%s:%d", s.Name, p.Wanted.HostIP, p.Chosen))
			}
		}
	}
	return all
}

// services returns the microservices of the project, sorted.
func (p *Project) services() []string {
	var names []string
	for name := range p.Services {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
