package local_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/minos-framework/minos-go/deploy/local"
)

//nolint:paralleltest,tparallel // the subtests are steps of one system's life
func TestRun(t *testing.T) {
	t.Parallel()
	project := newProject(t, "foo", "foo-bar")
	watch := newRecorder()
	system := run(t, project, local.Config{Observer: watch, Env: []string{"MINOS_LOG_FORMAT=json"}})

	t.Run("gives a service what makes it run here", func(t *testing.T) {
		foo := project.Services[0]
		got := environment(t, system.URL("foo"))
		state, err := local.ReadState(project.Dir)
		if err != nil {
			t.Fatal(err)
		}
		host, port, err := net.SplitHostPort(state.Broker)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			"MINOS_DATABASES_DEFAULT_CLIENT=sqlite",
			"MINOS_DATABASES_DEFAULT_PATH=" + filepath.Join(project.Dir, ".minos", "data", "foo.db"),
			"MINOS_INTERFACES_BROKER_COMMON_HOST=" + host,
			"MINOS_INTERFACES_BROKER_COMMON_PORT=" + port,
			"MINOS_INTERFACES_HTTP_CONNECTOR_HOST=127.0.0.1",
			"MINOS_INTERFACES_HTTP_CONNECTOR_PORT=" + strconv.Itoa(foo.Port),
			"MINOS_LOG_FORMAT=json",
			"ARGUMENTS=" + filepath.Join(foo.Dir, "config.yml"),
		} {
			if !slices.Contains(got, want) {
				t.Errorf("no %s", want)
			}
		}
	})
	t.Run("builds with the tag dev and hands on each line", func(t *testing.T) {
		watch.line(t, `foo: {"msg":"started","mode":"dev"}`)
		watch.line(t, `foo-bar: {"msg":"started","mode":"dev"}`)
	})
	t.Run("tells of every step", func(t *testing.T) {
		for _, kind := range []local.Kind{local.Broker, local.Building, local.Built, local.Starting, local.Running} {
			watch.event(t, kind)
		}
		if ready := watch.event(t, local.Ready); ready.URL != system.URL(ready.Service) {
			t.Errorf("%+v", ready)
		}
	})
	t.Run("says what runs where", func(t *testing.T) {
		state, err := local.ReadState(project.Dir)
		if err != nil {
			t.Fatal(err)
		}
		foo := state.Services["foo"]
		if state.PID != os.Getpid() || state.Project != "shop" || len(state.Services) != 2 ||
			foo.URL != system.URL("foo") || strconv.Itoa(foo.PID) != read(t, filepath.Join(project.Services[0].Dir, "pid")) {
			t.Errorf("%+v", state)
		}
	})
	t.Run("refuses to run a project twice and names who runs it", func(t *testing.T) {
		_, err := local.Run(t.Context(), project, local.Config{})
		if e, ok := errors.AsType[*local.RunningError](err); !ok || e.PID != os.Getpid() {
			t.Errorf("got %v", err)
		}
	})
	t.Run("stops everything and starts again on the same ports", func(t *testing.T) {
		before, err := local.ReadState(project.Dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := system.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		watch.line(t, "foo: drained")
		watch.line(t, "foo-bar: drained")
		for _, service := range project.Services {
			mustBeGone(t, service)
		}
		if _, err := local.ReadState(project.Dir); !errors.Is(err, local.ErrNotRunning) {
			t.Errorf("state: %v", err)
		}
		if err := system.Wait(t.Context()); err != nil {
			t.Errorf("what was stopped is an error: %v", err)
		}
		again := run(t, project, local.Config{})
		after, err := local.ReadState(project.Dir)
		if err != nil || after.Broker != before.Broker || again.URL("foo") != system.URL("foo") {
			t.Errorf("%+v became %+v, %v", before, after, err)
		}
	})
}

func environment(t *testing.T, url string) []string {
	t.Helper()
	response, err := http.Get(url + "/environment")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var got []string
	if err := json.NewDecoder(response.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestRun_ports(t *testing.T) {
	t.Parallel()
	taken := func(t *testing.T) (local.Project, int) {
		t.Helper()
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { listener.Close() })
		project := newProject(t, "foo")
		project.Services[0].Port = listener.Addr().(*net.TCPAddr).Port
		return project, project.Services[0].Port
	}
	t.Run("picks a free one for one that is taken and says so", func(t *testing.T) {
		t.Parallel()
		project, port := taken(t)
		watch := newRecorder()
		system := run(t, project, local.Config{Observer: watch})
		if text := watch.event(t, local.Moved).Text; !strings.Contains(text, "port "+strconv.Itoa(port)+" of foo") {
			t.Errorf("says %s", text)
		}
		environment(t, system.URL("foo"))
	})
	t.Run("refuses when the port is fixed and names it", func(t *testing.T) {
		t.Parallel()
		project, port := taken(t)
		project.Services[0].FixedPort = true
		_, err := local.Run(t.Context(), project, local.Config{})
		if e, ok := errors.AsType[*local.PortError](err); !ok || e.Port != port || e.Service != "foo" {
			t.Errorf("got %v", err)
		}
	})
}

func TestRun_faults(t *testing.T) {
	t.Parallel()
	t.Run("names a service that ends at its start with its last 20 lines", func(t *testing.T) {
		t.Parallel()
		project := newProject(t, "foo", "foobar")
		behave(t, project.Services[1], "crash")
		_, err := local.Run(t.Context(), project, local.Config{})
		e, ok := errors.AsType[*local.NotReadyError](err)
		if !ok || e.Service != "foobar" || len(e.Log) != 20 || e.Log[19] != "no such database" || e.Log[0] != "line 11" {
			t.Fatalf("got %+v", err)
		}
		if !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "\n  no such database") {
			t.Errorf("says %s", err)
		}
		mustBeGone(t, project.Services[0])
	})
	t.Run("gives up on a service that does not get healthy", func(t *testing.T) {
		t.Parallel()
		project := newProject(t, "foo")
		behave(t, project.Services[0], "sick")
		_, err := local.Run(t.Context(), project, local.Config{ReadyTimeout: 2 * time.Second})
		if e, ok := errors.AsType[*local.NotReadyError](err); !ok || !strings.Contains(e.Error(), "503") ||
			!strings.Contains(e.Error(), "asleep") {
			t.Errorf("got %v", err)
		}
		mustBeGone(t, project.Services[0])
	})
	t.Run("shows what does not compile", func(t *testing.T) {
		t.Parallel()
		project := newProject(t, "foo", "foobar")
		write(t, filepath.Join(project.Services[1].Dir, "cmd", "foobar", "more.go"), "package main\n\nvar x int = nothing\n")
		_, err := local.Run(t.Context(), project, local.Config{})
		if e, ok := errors.AsType[*local.BuildError](err); !ok || e.Service != "foobar" ||
			!strings.Contains(e.Output, "more.go:3:13: undefined: nothing") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("cuts lines that do not end", func(t *testing.T) {
		t.Parallel()
		project := newProject(t, "foo")
		behave(t, project.Services[0], "endless")
		watch := newRecorder()
		system := run(t, project, local.Config{Observer: watch})
		if err := system.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		var lengths []int
		for _, line := range watch.lines {
			if text, ok := strings.CutPrefix(line, "foo: ~"); ok {
				lengths = append(lengths, len(text)+1)
			}
		}
		if len(lengths) < 2 || lengths[0] < 1<<20 || lengths[0] > 1<<21 {
			t.Errorf("got lines of %v bytes", lengths)
		}
	})
	t.Run("builds inside a workspace that knows nothing of the project", func(t *testing.T) {
		t.Parallel()
		project := newProject(t, "foo")
		write(t, filepath.Join(filepath.Dir(project.Dir), "go.work"), "go 1.26\n")
		run(t, project, local.Config{})
	})
	t.Run("keeps to the project's own workspace", func(t *testing.T) {
		t.Parallel()
		project := newProject(t, "foo")
		write(t, filepath.Join(project.Dir, "go.work"), "go 1.26\n")
		_, err := local.Run(t.Context(), project, local.Config{})
		if _, ok := errors.AsType[*local.BuildError](err); !ok || !strings.Contains(err.Error(), "current workspace") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("refuses a project that cannot be run", func(t *testing.T) {
		t.Parallel()
		if _, err := local.Run(t.Context(), local.Project{Dir: t.TempDir()}, local.Config{}); !errors.Is(err, local.ErrNoServices) {
			t.Errorf("got %v", err)
		}
		twice := local.Project{Dir: "x", Services: []local.Service{{Name: "foo"}, {Name: "foo"}}}
		_, err := local.Run(t.Context(), twice, local.Config{})
		for _, want := range []string{`"foo" is there twice`, `"x" is not absolute`} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("no %s in %v", want, err)
			}
		}
	})
}

func TestRun_interrupted(t *testing.T) {
	t.Parallel()
	for _, kind := range []local.Kind{local.Broker, local.Building, local.Built, local.Starting, local.Ready} {
		t.Run("leaves nothing behind when it ends at "+string(kind), func(t *testing.T) {
			t.Parallel()
			project := newProject(t, "foo", "foobar")
			behave(t, project.Services[1], "sick") // so that it is never over before it is interrupted
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			watch := newRecorder()
			watch.on = func(event local.Event) {
				if event.Kind == kind {
					cancel()
				}
			}
			if _, err := local.Run(ctx, project, local.Config{Observer: watch}); !errors.Is(err, context.Canceled) {
				t.Fatalf("got %v", err)
			}
			for _, service := range project.Services {
				mustBeGone(t, service)
			}
			behave(t, project.Services[1], "")
			run(t, project, local.Config{}) // the same once more converges
		})
	}
}

func TestRun_lock(t *testing.T) {
	t.Parallel()
	project := newProject(t, "foo")
	lock := filepath.Join(project.Dir, ".minos", "dev.lock")
	write(t, lock, strconv.Itoa(os.Getppid())) // it lives, and does not run the project
	write(t, filepath.Join(project.Dir, ".minos", "dev.json"), "{")
	run(t, project, local.Config{})
	if got := strings.TrimSpace(read(t, lock)); got != strconv.Itoa(os.Getpid()) {
		t.Errorf("the lock says %s", got)
	}
}

//nolint:paralleltest,tparallel // one service ends after the other
func TestSystem_Wait(t *testing.T) {
	t.Parallel()
	project := newProject(t, "foo", "foobar")
	watch := newRecorder()
	system := run(t, project, local.Config{Observer: watch})
	mustExit(t, system.URL("foo"))
	if event := watch.event(t, local.Exited); event.Service != "foo" || !strings.Contains(event.Text, "exit status 7") {
		t.Errorf("says %+v", event)
	}
	t.Run("says so to the other commands", func(t *testing.T) {
		eventually(t, "the state to say it", func() bool {
			state, err := local.ReadState(project.Dir)
			return err == nil && state.Services["foo"].Exit == "exit status 7" && state.Services["foobar"].Exit == ""
		})
	})
	t.Run("keeps the others and returns the death", func(t *testing.T) {
		environment(t, system.URL("foobar"))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if e, ok := errors.AsType[*local.ExitError](system.Wait(ctx)); !ok || e.Service != "foo" {
			t.Errorf("got %v", e)
		}
	})
	t.Run("returns by itself when no service is left", func(t *testing.T) {
		mustExit(t, system.URL("foobar"))
		if err := system.Wait(t.Context()); err == nil || !strings.Contains(err.Error(), "foobar ended") {
			t.Errorf("got %v", err)
		}
	})
}

// mustExit makes a service end, so that it answers nothing.
func mustExit(t *testing.T, url string) {
	t.Helper()
	response, err := http.Post(url+"/exit", "", nil)
	if err == nil {
		response.Body.Close()
		t.Fatalf("%s answers and does not exit", url)
	}
}

func TestSystem_Stop(t *testing.T) {
	t.Parallel()
	project := newProject(t, "foo")
	behave(t, project.Services[0], "stubborn")
	watch := newRecorder()
	system := run(t, project, local.Config{Observer: watch, Grace: 50 * time.Millisecond})
	for range 2 { // once more does nothing
		err := system.Stop(t.Context())
		if e, ok := errors.AsType[*local.KilledError](err); !ok || e.Service != "foo" || e.After < 50*time.Millisecond {
			t.Errorf("got %v", err)
		}
	}
	mustBeGone(t, project.Services[0])
	if event := watch.event(t, local.Killed); !strings.HasPrefix(event.Text, "foo did not end: killed after ") {
		t.Errorf("says %+v", event)
	}
}
