//go:build e2e

package docker_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"github.com/minos-framework/minos-go/deploy"
	"github.com/minos-framework/minos-go/deploy/compose"
	"github.com/minos-framework/minos-go/deploy/probe"
)

// whole is a service that stands on a database.
const whole = `
services:
  postgres:
    image: postgres:17
    environment: {POSTGRES_USER: minos, POSTGRES_PASSWORD: secret}
    volumes: [postgres:/var/lib/postgresql/data]
    restart: unless-stopped
  foo:
    build: service
    ports: ["127.0.0.1:PORT:8080"]
    environment: {MINOS_DATABASES_DEFAULT_USER: minos}
    labels: {run.minos.database: foo_db}
    depends_on: {postgres: {condition: service_healthy}}
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    tmpfs: [/tmp]
    init: true
    mem_limit: 64m
    cpus: 1
    pids_limit: 100
    stop_grace_period: 5s
volumes: {postgres: {}}
`

// alone is a service that needs nothing.
const alone = `
services:
  foo:
    build: service
    ports: ["PORT:8080"]
`

func TestDeploy(t *testing.T) {
	t.Parallel()
	s := newStack(t, whole)
	plan := s.deploy()
	port := plan.Published["foo"][0].Chosen
	response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d%s", port, probe.HealthPath))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("the service answers %d after the deployment", response.StatusCode)
	}

	began := time.Now()
	again := s.deploy()
	t.Logf("a deployment that changes nothing: %s", time.Since(began).Round(time.Millisecond))
	if len(again.Changes()) != 0 {
		t.Errorf("a second deployment changes:\n%s", again)
	}
	testDatabase(t, s)
	testLabels(t, s)
	testHardening(t, s)

	if err := s.down(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	observed, err := s.engine.ObserveName(t.Context(), s.name)
	if err != nil {
		t.Fatal(err)
	}
	if len(observed.Containers) != 0 || len(observed.Networks) != 0 || !observed.Volumes[s.name+"_postgres"] {
		t.Errorf("after down there is %+v; want the volume alone", observed)
	}
	if back := s.deploy(); !slices.Contains(ids(back), "start container "+s.name+"-foo-1") {
		t.Errorf("the deployment after down changes:\n%s", back)
	}
}

// testDatabase looks at what was created on PostgreSQL.
func testDatabase(t *testing.T, s *stack) {
	t.Helper()
	project, err := compose.Load(t.Context(), compose.Source{Dir: s.dir, Name: s.name})
	if err != nil {
		t.Fatal(err)
	}
	observed, err := s.engine.Observe(t.Context(), project)
	if err != nil {
		t.Fatal(err)
	}
	if !observed.Databases["postgres"]["foo_db"] {
		t.Errorf("databases are %v; want foo_db", observed.Databases)
	}
	s.edit(deploy.ComposeFile, "foo_db", "bar_db")
	s.edit(deploy.ComposeFile, "MINOS_DATABASES_DEFAULT_USER: minos", "MINOS_DATABASES_DEFAULT_USER: bar, "+
		`MINOS_DATABASES_DEFAULT_PASSWORD: "it's a \\ secret"`)
	plan := s.deploy()
	if !slices.Contains(ids(plan), "create database bar_db") {
		t.Errorf("a database of a later service is not in the plan:\n%s", plan)
	}
	if again := s.plan(); len(again.Changes()) != 0 {
		t.Errorf("after it was created, the plan is\n%s", again)
	}
}

// testLabels checks that docker compose would find the containers.
func testLabels(t *testing.T, s *stack) {
	t.Helper()
	result, err := s.api.ContainerInspect(t.Context(), s.name+"-foo-1", client.ContainerInspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	labels := result.Container.Config.Labels
	for name, want := range map[string]string{
		"com.docker.compose.project": s.name, "com.docker.compose.service": "foo",
		"com.docker.compose.container-number": "1", "com.docker.compose.oneoff": "False",
		"com.docker.compose.project.working_dir":  s.dir,
		"com.docker.compose.project.config_files": s.dir + "/compose.yaml",
	} {
		if labels[name] != want {
			t.Errorf("label %s is %q; want %q", name, labels[name], want)
		}
	}
	if labels["com.docker.compose.config-hash"] == "" {
		t.Error("no config-hash label")
	}
	for name, value := range labels {
		if strings.Contains(value, "secret") {
			t.Errorf("label %s holds a password", name)
		}
	}
}

// testHardening checks that what compose.yaml says of security reached the engine.
func testHardening(t *testing.T, s *stack) {
	t.Helper()
	result, err := s.api.ContainerInspect(t.Context(), s.name+"-foo-1", client.ContainerInspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	host := result.Container.HostConfig
	if !host.ReadonlyRootfs || !slices.Contains(host.CapDrop, "ALL") || len(host.SecurityOpt) != 1 || !*host.Init {
		t.Errorf("host configuration is %+v", host)
	}
	if host.Memory != 64<<20 || host.NanoCPUs != 1e9 || *host.PidsLimit != 100 ||
		*result.Container.Config.StopTimeout != 5 {
		t.Errorf("limits are %d bytes, %d cpu, %d processes", host.Memory, host.NanoCPUs, *host.PidsLimit)
	}
	for _, bindings := range result.Container.NetworkSettings.Ports {
		for _, b := range bindings {
			if b.HostIP.String() != "127.0.0.1" {
				t.Errorf("a port is published on %s", b.HostIP)
			}
		}
	}
}

func TestDeploy_changes(t *testing.T) {
	t.Parallel()
	s := newStack(t, alone)
	s.deploy()
	for _, c := range []struct {
		behaviour, file, before, after, cause string
	}{
		{
			"an environment variable", "compose.yaml", "build: service", "build: service\n    environment: {A: b}",
			"configuration changed: environment A",
		},
		{"the source of the service", "service/main.go", "listening", "listening now", "build context changed"},
		{"what .dockerignore leaves out", "service/.dockerignore", "README.md", "README.md\nx", "build context changed"},
	} {
		s.edit(c.file, c.before, c.after)
		plan := s.plan()
		if !strings.Contains(plan.String(), c.cause) {
			t.Errorf("%s: the plan is\n%s", c.behaviour, plan)
		}
		s.deploy()
		if again := s.plan(); len(again.Changes()) != 0 {
			t.Errorf("%s: afterwards the plan is\n%s", c.behaviour, again)
		}
	}
	s.write("service/README.md", "ignored")
	if plan := s.plan(); len(plan.Changes()) != 0 {
		t.Errorf("an ignored file changes\n%s", plan)
	}
}

func TestDeploy_interrupted(t *testing.T) {
	t.Parallel()
	for _, step := range []string{
		"create network NAME_default", "start container NAME-postgres-1", "create database foo_db",
		"create container NAME-foo-1",
	} {
		t.Run("converges after "+step, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, whole)
			interrupt(t, s, &recorder{t: t, after: strings.ReplaceAll(step, "NAME", s.name)})
		})
	}
	for _, step := range []string{
		"create network NAME_default", "build image NAME-foo", "create container NAME-postgres-1",
		"start container NAME-postgres-1", "await postgres", "start container NAME-foo-1",
	} {
		t.Run("converges in the middle of "+step, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, whole)
			interrupt(t, s, &recorder{t: t, during: strings.ReplaceAll(step, "NAME", s.name)})
		})
	}
}

// interrupt deploys, is interrupted where watch says, and deploys again.
func interrupt(t *testing.T, s *stack, watch *recorder) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	watch.cancel = cancel
	if err := s.execute(ctx, s.plan(), watch); !errors.Is(err, errStopped) {
		t.Fatalf("the interrupted run returns %v", err)
	}
	s.deploy()
	if again := s.plan(); len(again.Changes()) != 0 {
		t.Errorf("after the same command again, the plan is\n%s", again)
	}
	if got := s.states(); got["foo"] != deploy.Running || got["postgres"] != deploy.Running {
		t.Errorf("containers are %v", got)
	}
}

func TestDeploy_inTheWay(t *testing.T) {
	t.Parallel()
	for kind, occupy := range map[string]func(t *testing.T, s *stack) (undo func(context.Context) error){
		"network": func(t *testing.T, s *stack) func(context.Context) error {
			t.Helper()
			made, err := s.api.NetworkCreate(t.Context(), s.name+"_default", client.NetworkCreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return func(ctx context.Context) error {
				_, err := s.api.NetworkRemove(ctx, made.ID, client.NetworkRemoveOptions{})
				return err
			}
		},
		"volume": func(t *testing.T, s *stack) func(context.Context) error {
			t.Helper()
			if _, err := s.api.VolumeCreate(t.Context(), client.VolumeCreateOptions{Name: s.name + "_data"}); err != nil {
				t.Fatal(err)
			}
			return func(ctx context.Context) error {
				_, err := s.api.VolumeRemove(ctx, s.name+"_data", client.VolumeRemoveOptions{})
				return err
			}
		},
		"container": func(t *testing.T, s *stack) func(context.Context) error {
			t.Helper()
			made, err := s.api.ContainerCreate(t.Context(), client.ContainerCreateOptions{
				Name: s.name + "-foo-1", Image: "debian:12-slim",
			})
			if err != nil {
				t.Fatal(err)
			}
			return func(ctx context.Context) error {
				_, err := s.api.ContainerRemove(ctx, made.ID, client.ContainerRemoveOptions{})
				return err
			}
		},
	} {
		t.Run("names a "+kind+" that is not the project's, and leaves it alone", func(t *testing.T) {
			t.Parallel()
			s := newStack(t, "services:\n  foo: {image: \"debian:12-slim\", init: true, command: [sleep, infinity], "+
				"volumes: [\"data:/data\"]}\nvolumes: {data: {}}\n")
			undo := occupy(t, s)
			err := s.execute(t.Context(), s.plan(), &recorder{t: t})
			if !errors.Is(err, deploy.ErrConflict) || !strings.Contains(err.Error(), "a "+kind+" of this name") {
				t.Errorf("the error is %v", err)
			}
			if err := undo(t.Context()); err != nil {
				t.Errorf("what was in the way is gone: %v", err)
			}
			s.deploy()
			if again := s.plan(); len(again.Changes()) != 0 {
				t.Errorf("once nothing is in the way, a second plan is\n%s", again)
			}
		})
	}
}

// TestDeploy_byHand changes what runs behind the back of minos.
func TestDeploy_byHand(t *testing.T) {
	t.Parallel()
	s := newStack(t, whole)
	s.deploy()
	foo, postgres := s.name+"-foo-1", s.name+"-postgres-1"
	for behaviour, change := range map[string]func(ctx context.Context) error{
		"a container that was stopped": func(ctx context.Context) error {
			_, err := s.api.ContainerStop(ctx, foo, client.ContainerStopOptions{})
			return err
		},
		"a container that was killed and removed": func(ctx context.Context) error {
			_, err := s.api.ContainerRemove(ctx, foo, client.ContainerRemoveOptions{Force: true})
			return err
		},
		"a container that was paused": func(ctx context.Context) error {
			_, err := s.api.ContainerPause(ctx, postgres, client.ContainerPauseOptions{})
			return err
		},
		"a container that was taken off the network": func(ctx context.Context) error {
			_, err := s.api.NetworkDisconnect(ctx, s.name+"_default", client.NetworkDisconnectOptions{Container: foo})
			return err
		},
		"an image that was removed": func(ctx context.Context) error {
			_, err := s.api.ImageRemove(ctx, s.name+"-foo", client.ImageRemoveOptions{Force: true})
			return err
		},
	} {
		if err := change(t.Context()); err != nil {
			t.Fatalf("%s: %v", behaviour, err)
		}
		if plan := s.deploy(); len(plan.Changes()) == 0 {
			t.Errorf("%s is not seen", behaviour)
		}
		if again := s.plan(); len(again.Changes()) != 0 {
			t.Errorf("%s: after it was repaired, the plan is\n%s", behaviour, again)
		}
	}
}

// TestDeploy_renamed has a service find its database in a container that the
// user gave another name.
func TestDeploy_renamed(t *testing.T) {
	t.Parallel()
	s := newStack(t, whole)
	s.deploy()
	rename := client.ContainerRenameOptions{NewName: s.name + "-mine"}
	if _, err := s.api.ContainerRename(t.Context(), s.name+"-postgres-1", rename); err != nil {
		t.Fatal(err)
	}
	if again := s.deploy(); len(again.Changes()) != 0 {
		t.Errorf("a new name changes\n%s", again)
	}
	s.edit(deploy.ComposeFile, "foo_db", "late_db")
	if plan := s.deploy(); !slices.Contains(ids(plan), "create database late_db") {
		t.Errorf("the plan is\n%s", plan)
	}
}

func TestEngine_Health(t *testing.T) {
	t.Parallel()
	s := newStack(t, alone+"    environment: {SICK: yes}\n    labels: {run.minos.protocol: tcp}\n")
	s.deploy()
	project, err := compose.Load(t.Context(), compose.Source{Dir: s.dir, Name: s.name})
	if err != nil {
		t.Fatal(err)
	}
	observed, err := s.engine.ObserveName(t.Context(), s.name)
	if err != nil {
		t.Fatal(err)
	}
	foo, _ := project.Service("foo")
	if got := s.engine.Health(t.Context(), project, foo, observed.Containers[0]); got != "" {
		t.Errorf("of a port that is open it says %q", got)
	}
	foo.Labels = nil // asked over HTTP now
	got := s.engine.Health(t.Context(), project, foo, observed.Containers[0])
	if !strings.Contains(got, "password refused") {
		t.Errorf("of a service that is sick it says %q", got)
	}
}

func TestDeploy_ports(t *testing.T) {
	t.Parallel()
	t.Run("takes another port, says so and keeps it", func(t *testing.T) {
		t.Parallel()
		s := newStack(t, alone)
		wanted := s.plan().Published["foo"][0].Wanted.HostPort
		holder, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", wanted))
		if err != nil {
			t.Fatal(err)
		}
		plan := s.deploy()
		chosen := plan.Published["foo"][0].Chosen
		if chosen == wanted || len(plan.Notices) != 1 || !strings.Contains(plan.Notices[0], fmt.Sprint(wanted)) {
			t.Errorf("wanted %d, chosen %d, notices %q", wanted, chosen, plan.Notices)
		}
		holder.Close()
		if again := s.deploy(); again.Published["foo"][0].Chosen != chosen || len(again.Changes()) != 0 {
			t.Errorf("the second deployment takes %v and changes\n%s", again.Published, again)
		}
	})
	t.Run("names the container that holds a fixed port", func(t *testing.T) {
		t.Parallel()
		s, other := newStack(t, alone), newStack(t, alone)
		s.deploy()
		port := s.plan().Published["foo"][0].Chosen
		other.write(deploy.ComposeFile, fmt.Sprintf(`{services: {foo: {build: service, ports: ["%d:8080"],
			labels: {run.minos.port: fixed}}}}`, port))
		_, err := other.tryPlan(t.Context())
		if !errors.Is(err, deploy.ErrConflict) || !strings.Contains(err.Error(), fmt.Sprint(port)) ||
			!strings.Contains(err.Error(), s.name+"-foo-1") {
			t.Errorf("the plan's error is %v", err)
		}
	})
}
