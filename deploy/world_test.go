package deploy_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minos-framework/minos-go/deploy"
	"github.com/minos-framework/minos-go/deploy/compose"
)

// world is an engine in memory: what a Runner does shows in what is observed. It
// refuses what a real engine refuses.
type world struct {
	project *deploy.Project
	plan    *deploy.Plan

	mu         sync.Mutex
	networks   map[string]bool
	volumes    map[string]bool
	images     map[string]deploy.Image
	containers []deploy.Container
	databases  map[string]map[string]bool
	holders    map[int]string
	made       int
	done       []string // the ids of the steps, as they ended
	building   int
	most       int // builds that ran at once
}

func newWorld(project *deploy.Project) *world {
	return &world{
		project: project, networks: map[string]bool{}, volumes: map[string]bool{}, images: map[string]deploy.Image{},
		databases: map[string]map[string]bool{}, holders: map[int]string{},
	}
}

// observe returns a copy of what there is.
func (w *world) observe() *deploy.Observed {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := &deploy.Observed{
		Networks: maps.Clone(w.networks), Volumes: maps.Clone(w.volumes), Images: maps.Clone(w.images),
		Containers: slices.Clone(w.containers), Databases: map[string]map[string]bool{},
		PortHolder: func(_ string, port int) string { return w.holders[port] },
	}
	slices.SortFunc(o.Containers, func(a, b deploy.Container) int { return strings.Compare(a.Name, b.Name) })
	for _, c := range w.containers {
		if databases, ok := w.databases[c.Service]; ok && c.State == deploy.Running {
			o.Databases[c.Service] = maps.Clone(databases)
		}
	}
	return o
}

// deploy plans, carries out and returns the plan.
func (w *world) deploy(t *testing.T, services ...string) *deploy.Plan {
	t.Helper()
	w.plan = w.planFor(t, services...)
	if err := deploy.Execute(t.Context(), w.plan, w, &events{}, deploy.Limits{}); err != nil {
		t.Fatalf("carry out\n%s: %v", w.plan, err)
	}
	return w.plan
}

func (w *world) planFor(t *testing.T, services ...string) *deploy.Plan {
	t.Helper()
	plan, err := deploy.NewPlan(w.project, w.observe(), services...)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// Run does one step.
func (w *world) Run(ctx context.Context, s deploy.Step, output func(string)) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.run(s); err != nil {
		return err
	}
	output("did " + s.ID())
	w.done = append(w.done, s.ID())
	return nil
}

func (w *world) run(s deploy.Step) error {
	service, _ := w.project.Service(s.Service)
	switch s.Action {
	case deploy.CreateNetwork:
		w.networks[s.Subject] = true
	case deploy.CreateVolume:
		w.volumes[s.Subject] = true
	case deploy.RemoveNetwork:
		delete(w.networks, s.Subject)
	case deploy.RemoveVolume:
		delete(w.volumes, s.Subject)
	case deploy.PullImage:
		w.images[s.Subject] = deploy.Image{ID: "pulled " + s.Subject}
	case deploy.BuildImage:
		return w.build(service)
	case deploy.CreateContainer:
		return w.create(s, service)
	case deploy.CreateDatabase:
		server := w.project.DatabaseServer(service)
		if c := w.find(w.project.ContainerName(server)); c == nil || c.State != deploy.Running {
			return fmt.Errorf("%s does not run", server)
		}
		if w.databases[server] == nil {
			w.databases[server] = map[string]bool{}
		}
		w.databases[server][s.Subject] = true
	default:
		return w.change(s, service)
	}
	return nil
}

// change does what is done to a container that is there.
func (w *world) change(s deploy.Step, service deploy.Service) error {
	name := s.Subject
	if s.Action == deploy.Await {
		name = w.project.ContainerName(s.Service)
	}
	c := w.find(name)
	if c == nil {
		return fmt.Errorf("no container %s", name)
	}
	switch s.Action {
	case deploy.ConnectNetwork:
		if !w.networks[s.Object] {
			return fmt.Errorf("no network %s", s.Object)
		}
		c.Networks = append(c.Networks, s.Object)
	case deploy.StartContainer:
		if name := service.Labels[deploy.LabelDatabase]; name != "" && !w.databases[w.project.DatabaseServer(service)][name] {
			return fmt.Errorf("%s starts before its database %s is there", s.Service, name)
		}
		c.State = deploy.Running
		if w.project.ReadyWhen(service) == deploy.Job {
			c.State, c.ExitCode = deploy.Exited, 0
		}
	case deploy.StopContainer:
		c.State = deploy.Exited
	case deploy.RemoveContainer:
		if c.State == deploy.Running {
			return fmt.Errorf("%s runs", s.Subject)
		}
		w.containers = slices.DeleteFunc(w.containers, func(c deploy.Container) bool { return c.Name == s.Subject })
	case deploy.Await:
		if want := w.project.ReadyWhen(service); c.State != deploy.Running && want != deploy.Job {
			return &deploy.NotReadyError{Service: s.Service, Container: c.Name, Reason: "it is " + string(c.State)}
		}
	}
	return nil
}

// build takes a moment without the lock, so that builds can meet.
func (w *world) build(s deploy.Service) error {
	image := deploy.Image{BuildHash: s.Build.Hash, BaseIDs: map[string]string{}, ID: "built from " + s.Build.Hash}
	for _, base := range s.Build.Bases {
		there, ok := w.images[deploy.Reference(base)]
		if !ok {
			return fmt.Errorf("no base image %s", base)
		}
		image.BaseIDs[deploy.Reference(base)] = there.ID
		image.ID += " on " + there.ID
	}
	w.building++
	w.most = max(w.most, w.building)
	w.mu.Unlock()
	<-time.After(time.Millisecond)
	w.mu.Lock()
	w.building--
	w.images[deploy.Reference(s.Image)] = image
	return nil
}

func (w *world) create(step deploy.Step, s deploy.Service) error {
	image, ok := w.images[deploy.Reference(s.Image)]
	if !ok {
		return fmt.Errorf("no image %s", s.Image)
	}
	if w.find(step.Subject) != nil {
		return fmt.Errorf("%s exists", step.Subject)
	}
	for _, m := range s.Mounts {
		if m.Type == deploy.MountVolume && !w.volumes[m.Source] {
			return fmt.Errorf("no volume %s", m.Source)
		}
	}
	for _, n := range s.Networks[:1] {
		if !w.networks[n] {
			return fmt.Errorf("no network %s", n)
		}
	}
	w.made++
	w.containers = append(w.containers, deploy.Container{
		ID: fmt.Sprintf("id-%d", w.made), Name: step.Subject, Service: s.Name, Number: 1, State: deploy.Created,
		ImageID: image.ID, ConfigHash: s.ConfigHash(), Fields: s.Fields(), Networks: []string{s.Networks[0]},
		Published: w.plan.Published[s.Name],
	})
	return nil
}

func (w *world) find(name string) *deploy.Container {
	for i := range w.containers {
		if w.containers[i].Name == name {
			return &w.containers[i]
		}
	}
	return nil
}

// events is an Observer that keeps what it is told, and calls after when a step
// has ended.
type events struct {
	lines []string
	after func(deploy.Step)
}

func (e *events) Begin(s deploy.Step)            { e.lines = append(e.lines, "begin "+s.ID()) }
func (e *events) Output(_ deploy.Step, l string) { e.lines = append(e.lines, l) }
func (e *events) End(s deploy.Step, _ time.Duration, err error) {
	e.lines = append(e.lines, fmt.Sprintf("end %s %v", s.ID(), err))
	if e.after != nil {
		e.after(s)
	}
}

// write writes files, given as name and content, into a new directory.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// load reads a project called shop.
func load(t *testing.T, dir string) *deploy.Project {
	t.Helper()
	project, err := compose.Load(t.Context(), compose.Source{Dir: dir, Name: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// shop is a project with all that a plan knows: two built services over a
// database and a broker, a job and two networks.
func shop(t *testing.T) *deploy.Project {
	t.Helper()
	return load(t, write(t, map[string]string{
		"compose.yaml": shopYAML, "foo/Dockerfile": "FROM debian:12-slim\n", "bar/Dockerfile": "FROM debian:12-slim\n",
	}))
}

const shopYAML = `
services:
  postgres:
    image: postgres:17
    environment: {POSTGRES_USER: minos, POSTGRES_PASSWORD: secret}
    volumes: ["data:/var/lib/postgresql/data"]
  kafka:
    image: apache/kafka:4.1.0
  migrate:
    image: debian:12-slim
  foo:
    build: ./foo
    environment: {MINOS_X: "1"}
    ports: ["4545:8080"]
    networks: [default, side]
    depends_on:
      postgres: {condition: service_started}
      kafka: {condition: service_healthy}
      migrate: {condition: service_completed_successfully}
    labels: {run.minos.database: foo_db}
  bar:
    build: ./bar
    ports: ["4546:8080"]
    depends_on: [postgres, foo]
    labels: {run.minos.database: bar_db}
networks: {side: {}}
volumes: {data: {}}
`
