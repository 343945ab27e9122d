//go:build e2e

package docker_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"github.com/minos-framework/minos-go/deploy"
	"github.com/minos-framework/minos-go/deploy/compose"
	"github.com/minos-framework/minos-go/deploy/docker"
)

// stack is a project of its own on the real engine. It is taken down with its
// volumes and images when the test ends.
type stack struct {
	t      *testing.T
	name   string
	dir    string
	engine *docker.Engine
	api    *client.Client // to look behind the engine's back
}

// newStack makes a project whose compose.yaml is text; PORT in it is a free port.
func newStack(t *testing.T, text string) *stack {
	t.Helper()
	engine, err := docker.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	api, err := client.New(client.FromEnv)
	if err != nil {
		t.Fatal(err)
	}
	s := &stack{t: t, name: "minos-" + strings.ToLower(rand.Text()[:10]), dir: t.TempDir(), engine: engine, api: api}
	if err := os.CopyFS(filepath.Join(s.dir, "service"), os.DirFS("testdata/service")); err != nil {
		t.Fatal(err)
	}
	s.write(deploy.ComposeFile, strings.ReplaceAll(text, "PORT", fmt.Sprint(freePort(t))))
	t.Cleanup(func() { s.cleanUp() })
	return s
}

func (s *stack) cleanUp() {
	defer s.engine.Close()
	defer s.api.Close()
	ctx := context.WithoutCancel(s.t.Context())
	if err := s.down(ctx, true); err != nil {
		s.t.Errorf("clean up: %v", err)
	}
	images, err := s.api.ImageList(ctx, client.ImageListOptions{
		Filters: make(client.Filters).Add("label", "com.docker.compose.project="+s.name),
	})
	if err != nil {
		s.t.Errorf("clean up: %v", err)
	}
	for _, image := range images.Items {
		if _, err := s.api.ImageRemove(ctx, image.ID, client.ImageRemoveOptions{Force: true}); err != nil {
			s.t.Errorf("clean up: %v", err)
		}
	}
}

func (s *stack) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// edit replaces a part of a file of the project.
func (s *stack) edit(name, before, after string) {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		s.t.Fatal(err)
	}
	if !strings.Contains(string(text), before) {
		s.t.Fatalf("%s has no %q", name, before)
	}
	s.write(name, strings.Replace(string(text), before, after, 1))
}

func (s *stack) plan(services ...string) *deploy.Plan {
	s.t.Helper()
	plan, err := s.tryPlan(s.t.Context(), services...)
	if err != nil {
		s.t.Fatal(err)
	}
	return plan
}

func (s *stack) tryPlan(ctx context.Context, services ...string) (*deploy.Plan, error) {
	project, err := compose.Load(ctx, compose.Source{Dir: s.dir, Name: s.name})
	if err != nil {
		return nil, err
	}
	observed, err := s.engine.Observe(ctx, project)
	if err != nil {
		return nil, err
	}
	return deploy.NewPlan(project, observed, services...)
}

// execute carries out plan; watch is told what happens.
func (s *stack) execute(ctx context.Context, plan *deploy.Plan, watch deploy.Observer) error {
	runner := s.engine.Runner(plan, docker.RunnerConfig{Timeout: 3 * time.Minute})
	return deploy.Execute(ctx, plan, runner, watch, deploy.Limits{})
}

// deploy plans and carries out, and returns the plan.
func (s *stack) deploy(services ...string) *deploy.Plan {
	s.t.Helper()
	plan := s.plan(services...)
	if err := s.execute(s.t.Context(), plan, &recorder{t: s.t}); err != nil {
		s.t.Fatal(err)
	}
	return plan
}

func (s *stack) down(ctx context.Context, volumes bool) error {
	observed, err := s.engine.ObserveName(ctx, s.name)
	if err != nil {
		return err
	}
	plan := deploy.NewDown(observed, volumes)
	runner := s.engine.Runner(plan, docker.RunnerConfig{Volumes: volumes})
	return deploy.Execute(ctx, plan, runner, &recorder{t: s.t}, deploy.Limits{})
}

// state returns the state of each container by service.
func (s *stack) states() map[string]deploy.State {
	s.t.Helper()
	observed, err := s.engine.ObserveName(s.t.Context(), s.name)
	if err != nil {
		s.t.Fatal(err)
	}
	states := map[string]deploy.State{}
	for _, c := range observed.Containers {
		states[c.Service] = c.State
	}
	return states
}

// errStopped is the cause of a run that a test interrupts.
var errStopped = errors.New("stopped by the test")

// recorder logs what happens, and cancels the run when a step has ended or begins.
type recorder struct {
	t      *testing.T
	cancel context.CancelCauseFunc
	after  string // the id of a step
	during string // the id of a step

	mu    sync.Mutex
	lines []string
}

func (r *recorder) Begin(step deploy.Step) {
	if r.cancel != nil && step.ID() == r.during {
		go r.cancel(errStopped) // so that the step's call is under way
	}
}

func (r *recorder) Output(_ deploy.Step, line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, line)
}

func (r *recorder) End(step deploy.Step, took time.Duration, err error) {
	r.t.Logf("%s (%s): %s %v", step.ID(), step.Cause, took.Round(time.Millisecond), err)
	if r.cancel != nil && step.ID() == r.after {
		r.cancel(errStopped)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// ids returns what plan changes.
func ids(plan *deploy.Plan) []string {
	var all []string
	for _, s := range plan.Changes() {
		all = append(all, s.ID())
	}
	return all
}
