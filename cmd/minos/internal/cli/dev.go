package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/minos-framework/minos-go/cmd/minos/internal/screen"
	"github.com/minos-framework/minos-go/deploy/local"
)

type devOptions struct{ JSON bool }

func devCommand(env *Env) *cli.Command {
	return &cli.Command{
		Name:  "dev",
		Usage: "run the project on this machine, without Docker, until Ctrl-C",
		UsageText: `
			minos dev
			minos dev --json`,
		Description: "Builds each service and starts it with an embedded broker and a SQLite database, whatever the " +
			"project is set to. State is kept in .minos.",
		Flags: []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			if _, err := arguments(c); err != nil {
				return err
			}
			return devOptions{JSON: c.Bool("json")}.run(c.Context, env)
		},
	}
}

func (o devOptions) run(ctx context.Context, env *Env) (err error) {
	found, err := env.Project()
	if err != nil {
		return err
	}
	if err := found.checkConfigurations(found.services()...); err != nil {
		return err
	}
	project := localProject(found)
	shown := screen.New(env.Terminal, project, o.JSON)
	system, err := local.Run(ctx, project, local.Config{Observer: shown, Env: []string{jsonLogs}})
	if err != nil {
		return runFailure(err)
	}
	defer func() { err = errors.Join(err, system.Stop(context.WithoutCancel(ctx))) }()
	shown.Say("Ctrl-C stops everything; its state is kept in " + filepath.Join(project.Dir, ".minos"))
	return runFailure(system.Wait(ctx))
}

// jsonLogs has services log what the screen and the demo read.
const jsonLogs = "MINOS_LOG_FORMAT=json"

// localProject is the project as this machine runs it, its services by name.
func localProject(p *Project) local.Project {
	project := local.Project{Name: p.Name, Dir: p.Dir}
	for _, name := range p.services() {
		service := p.Services[name]
		project.Services = append(project.Services, local.Service{
			Name: name, Dir: filepath.Join(p.Dir, filepath.FromSlash(service.Path)),
			Port: service.Port, FixedPort: service.FixedPort,
		})
	}
	return project
}

// runFailure gives an error of package local its class and the next command.
func runFailure(err error) error {
	switch {
	case is[*local.RunningError](err):
		return failf(Conflict, "%w; stop it with Ctrl-C where it runs", err)
	case is[*local.PortError](err):
		return failf(Conflict, "%w; free it, or set fixed_port to false in minos.yaml", err)
	case is[*local.NotReadyError](err):
		return fail(NotReady, err)
	case errors.Is(err, local.ErrNoServices):
		return fmt.Errorf("%w; add one with `minos new microservice NAME`", err)
	}
	return err
}
