package local_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/minos-framework/minos-go/deploy/local"
)

// deadline bounds what a test waits for.
const deadline = 60 * time.Second

// newProject makes a project of stand-ins, in a directory with a space.
func newProject(t *testing.T, names ...string) local.Project {
	t.Helper()
	project := local.Project{Name: "shop", Dir: filepath.Join(t.TempDir(), "my shop")}
	for _, name := range names {
		service := local.Service{Name: name, Dir: filepath.Join(project.Dir, "microservices", name), Port: freePort(t)}
		write(t, filepath.Join(service.Dir, "go.mod"), "module example.com/shop/"+name+"\n\ngo 1.26\n")
		for _, file := range []string{"main.go", "mode.go", "mode_dev.go"} {
			source, err := os.ReadFile(filepath.Join("testdata", "standin", file))
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(service.Dir, "cmd", name, file), string(source))
		}
		project.Services = append(project.Services, service)
	}
	return project
}

// behave makes a service of the project misbehave.
func behave(t *testing.T, service local.Service, how string) {
	t.Helper()
	write(t, filepath.Join(service.Dir, "behaviour"), how)
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// run runs the project and stops it at the end of the test.
func run(t *testing.T, project local.Project, config local.Config) *local.System {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	system, err := local.Run(ctx, project, config)
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	t.Cleanup(func() { _ = system.Stop(context.WithoutCancel(t.Context())) })
	return system
}

// freePort returns a port that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// mustBeGone fails the test when a process that the service ever was still runs.
func mustBeGone(t *testing.T, service local.Service) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(service.Dir, "pid"))
	if errors.Is(err, os.ErrNotExist) {
		return // it never started
	}
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if running(pid) {
		t.Errorf("process %d of %s still runs", pid, service.Name)
	}
}

func running(pid int) bool { return syscall.Kill(pid, 0) == nil }

// recorder is an Observer that remembers, and tells when what it was told
// changes.
type recorder struct {
	mu      sync.Mutex
	events  []local.Event
	lines   []string // "service: text"
	changed chan struct{}
	on      func(local.Event)
}

func newRecorder() *recorder { return &recorder{changed: make(chan struct{})} }

// Event remembers an event.
func (r *recorder) Event(event local.Event) {
	r.mu.Lock()
	r.events = append(r.events, event)
	r.tell()
	r.mu.Unlock()
	if r.on != nil {
		r.on(event)
	}
}

// Line remembers a line.
func (r *recorder) Line(service, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, service+": "+text)
	r.tell()
}

func (r *recorder) tell() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// event returns the first event of a kind, once it is there.
func (r *recorder) event(t *testing.T, kind local.Kind) local.Event {
	t.Helper()
	var found local.Event
	r.await(t, "event "+string(kind), func() bool {
		for _, event := range r.events {
			if event.Kind == kind {
				found = event
				return true
			}
		}
		return false
	})
	return found
}

// line returns once a line that holds text was written.
func (r *recorder) line(t *testing.T, text string) {
	t.Helper()
	r.await(t, "line "+text, func() bool {
		for _, line := range r.lines {
			if strings.Contains(line, text) {
				return true
			}
		}
		return false
	})
}

func (r *recorder) await(t *testing.T, what string, seen func() bool) {
	t.Helper()
	timeout := time.After(deadline)
	for {
		r.mu.Lock()
		ok, changed := seen(), r.changed
		r.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("no %s; got\n%s", what, r)
		}
	}
}

// String shows all that was told.
func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out strings.Builder
	for _, event := range r.events {
		fmt.Fprintf(&out, "%s %s: %s\n", event.Kind, event.Service, event.Text)
	}
	return out.String() + strings.Join(r.lines, "\n")
}
