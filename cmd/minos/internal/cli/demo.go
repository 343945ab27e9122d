package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/minos-framework/minos-go/cmd/minos/internal/blueprint"
	"github.com/minos-framework/minos-go/cmd/minos/internal/demo"
	"github.com/minos-framework/minos-go/cmd/minos/internal/screen"
	"github.com/minos-framework/minos-go/deploy/local"
	"github.com/minos-framework/minos-go/scaffold"
	"github.com/minos-framework/minos-go/scaffold/manifest"
)

type demoOptions struct {
	Dir  string // empty means a new one in the working directory
	Exit bool   // when the story is over
	JSON bool
}

func demoCommand(env *Env) *cli.Command {
	return &cli.Command{
		Name:  "demo",
		Usage: "make the quickstart's two services, run them here, and play their story",
		UsageText: `
			minos demo
			minos demo --dir ~/work/quickstart
			minos demo --exit`,
		Description: "Needs Go and a C compiler, and neither Docker nor a server. The services stay up until Ctrl-C.",
		Flags: []cli.Flag{
			&cli.StringFlag{
				Name: "dir", Usage: "make the project here; ./minos-demo, or the next free name, if not given",
			},
			&cli.BoolFlag{Name: "exit", Usage: "end after the story: with 0 when every step held, else with 1"},
			jsonFlag(),
		},
		Action: func(c *cli.Context) error {
			if _, err := arguments(c); err != nil {
				return err
			}
			return demoOptions{Dir: c.String("dir"), Exit: c.Bool("exit"), JSON: c.Bool("json")}.run(c.Context, env)
		},
	}
}

func (o demoOptions) run(ctx context.Context, env *Env) (err error) {
	begin := time.Now()
	dir, err := o.place(env)
	if err != nil {
		return err
	}
	found, err := scaffoldQuickstart(ctx, env, dir)
	if err != nil {
		return err
	}
	project := localProject(found)
	shown := screen.New(env.Terminal, project, o.JSON)
	stage := demo.NewStage(shown, begin)
	shown.Say("the quickstart's project is in " + dir)
	shown.Object(map[string]string{"event": "project", "dir": dir})
	system, err := local.Run(ctx, project, local.Config{Observer: stage, Env: []string{jsonLogs}})
	if err != nil {
		return runFailure(err)
	}
	defer func() { err = errors.Join(err, system.Stop(context.WithoutCancel(ctx))) }()
	story := demo.Story{Foo: system.URL("foo"), Log: &stage.Log, Tell: stage.Tell}
	if err := story.Play(ctx); err != nil {
		return stage.Explain(err)
	}
	stage.Finish()
	if o.Exit {
		return nil
	}
	stage.Open(fmt.Sprintf("foo is on %s, foobar on %s. Ctrl-C stops them; again: cd %s && minos dev",
		system.URL("foo"), system.URL("foobar"), shellWord(dir)))
	return runFailure(system.Wait(ctx))
}

// demoName is of the demo's project and, with a number, of its directory.
const demoName = "minos-demo"

// place returns the directory that the project is made in: the one that was
// named, or the first of minos-demo, minos-demo-2, ... that is not there.
func (o demoOptions) place(env *Env) (string, error) {
	if filepath.IsAbs(o.Dir) {
		return filepath.Clean(o.Dir), nil
	}
	if o.Dir != "" {
		return filepath.Join(env.Dir, o.Dir), nil
	}
	dir := filepath.Join(env.Dir, demoName)
	for n := 2; ; n++ {
		err := os.Mkdir(dir, 0o755)
		if err == nil {
			return dir, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", fmt.Errorf("make the demo's directory: %w; say where with --dir", err)
		}
		dir = filepath.Join(env.Dir, fmt.Sprintf("%s-%d", demoName, n))
	}
}

// scaffoldQuickstart makes the quickstart's project in dir, or what is missing
// of one that was begun there.
func scaffoldQuickstart(ctx context.Context, env *Env, dir string) (*Project, error) {
	plans := blueprint.Blueprint{Source: env.Source}
	m, err := manifest.Load(dir)
	if errors.Is(err, fs.ErrNotExist) {
		m = manifest.New(demoName, "example.com/"+demoName)
		var plan *scaffold.Plan
		if plan, err = plans.Project(dir, m); err == nil {
			err = plan.Write(ctx)
		}
	}
	if err != nil {
		return nil, err
	}
	if m.Name != demoName {
		return nil, failf(Conflict, "%s holds another project, %s; choose a new directory", dir, m.Name)
	}
	for _, service := range []string{"foo", "foobar"} {
		if _, there := m.Services[service]; there {
			continue
		}
		name, err := scaffold.ParseName(service)
		if err != nil {
			return nil, err
		}
		plan, err := plans.Service(dir, m, blueprint.NewService{Name: name, Quickstart: true})
		if err != nil {
			return nil, err
		}
		if err := plan.Write(ctx); err != nil {
			return nil, err
		}
	}
	return &Project{Dir: dir, Manifest: m}, nil
}
