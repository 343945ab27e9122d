//go:build e2e

package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/minos-framework/minos-go/templates"
)

// patience is how long what must happen may take on a loaded machine.
const patience = 2 * time.Minute

// built is the binary under test, as it is released.
//
//nolint:gochecknoglobals // all tests share the one build, and none changes it
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "minos e2e")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "minos")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "../cmd/minos")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return binary, nil
})

// project is a directory in which the binary is run.
type project struct {
	t   *testing.T
	dir string
}

// quickstart makes the quickstart's project step by step, as its reader would
// type it, in a directory whose name has a space.
func quickstart(t *testing.T, name string, set ...[]string) project {
	t.Helper()
	parent := filepath.Join(t.TempDir(), "my projects")
	if err := os.Mkdir(parent, 0o755); err != nil {
		t.Fatal(err)
	}
	project{t, parent}.minos("new", "project", name)
	p := project{t, filepath.Join(parent, name)}
	for _, arguments := range set {
		p.minos(append([]string{"set"}, arguments...)...)
	}
	for _, service := range []string{"foo", "foobar"} {
		p.minos("new", "microservice", service)
		p.overlay(name, service)
	}
	return p
}

// overlay puts the quickstart's code of a service in the place of the code that
// every new service starts with.
func (p project) overlay(name, service string) {
	p.t.Helper()
	tree, err := fs.Sub(templates.FS, "quickstart/"+service)
	if err != nil {
		p.t.Fatal(err)
	}
	from := "github.com/minos-framework/minos-go/templates/quickstart/" + service
	err = fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(tree, path)
		if err != nil {
			return err
		}
		body = bytes.ReplaceAll(body, []byte(from), []byte("example.com/"+name+"/"+service))
		return os.WriteFile(filepath.Join(p.dir, "microservices", service, path), body, 0o644)
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

// command prepares a run of the binary.
func (p project) command(ctx context.Context, arguments ...string) *exec.Cmd {
	p.t.Helper()
	binary, err := built()
	if err != nil {
		p.t.Fatal(err)
	}
	c := exec.CommandContext(ctx, binary, arguments...)
	c.Dir = p.dir
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGINT) }
	c.WaitDelay = time.Minute
	return c
}

// minos runs the binary, which must succeed, and returns its standard output.
func (p project) minos(arguments ...string) string {
	p.t.Helper()
	started := time.Now()
	c := p.command(p.t.Context(), arguments...)
	var out, messages bytes.Buffer
	c.Stdout, c.Stderr = &out, &messages
	if err := c.Run(); err != nil {
		p.t.Fatalf("minos %s: %v\n%s%s", strings.Join(arguments, " "), err, messages.String(), out.String())
	}
	p.t.Logf("minos %s: %s", strings.Join(arguments, " "), time.Since(started).Round(time.Millisecond))
	return out.String() + messages.String()
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for !holds() {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-deadline.C:
			t.Fatalf("%s: not within %s", what, patience)
		}
	}
}

// story plays the seeds' story.
type story struct {
	t           *testing.T
	foo, foobar string                      // where the services are, as http://host:port
	logs        func(service string) string // what a service has logged
}

// ask makes a request, which must be answered with a status, and decodes the
// answer into out unless that is nil.
func (s story) ask(method, url string, body any, status int, out any) {
	s.t.Helper()
	content, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	got, answer, err := request(s.t.Context(), method, url, content)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Logf("%s %s %s: %d %s", method, url, content, got, bytes.TrimSpace(answer))
	if got != status {
		s.t.Fatalf("%s %s answered %d, not %d: %s", method, url, got, status, answer)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(answer, out); err != nil {
		s.t.Fatalf("%s %s answered %s: %v", method, url, answer, err)
	}
}

func request(ctx context.Context, method, url string, content []byte) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(content))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, answer, errors.Join(err, response.Body.Close())
}

type created struct{ UUID string }

type fooView struct {
	Bar    string
	FooBar *struct{ UUID, Something string }
}

// heard waits until a service has logged that it handled an event of an
// aggregate.
func (s story) heard(service, message, id string) {
	s.t.Helper()
	eventually(s.t, service+" logs that "+message+" "+id, func() bool {
		for line := range strings.Lines(s.logs(service)) {
			if strings.Contains(line, message) && strings.Contains(line, id) {
				return true
			}
		}
		return false
	})
}

// play returns the id of the foo that has a foobar.
func (s story) play() string {
	s.t.Helper()
	var foo, other, foobar created
	s.ask(http.MethodPost, s.foo+"/foos", map[string]string{"bar": "test"}, http.StatusCreated, &foo)
	s.heard("foo", "a foo was created", foo.UUID)

	add := map[string]string{"uuid": foo.UUID, "something": "something"}
	s.ask(http.MethodPost, s.foo+"/foos/add-foobar", add, http.StatusCreated, &foobar)
	s.heard("foo", "the foobar of a foo was updated", foobar.UUID)
	s.shows(foo.UUID, foobar.UUID)

	s.ask(http.MethodPost, s.foo+"/foos", map[string]string{"bar": "other"}, http.StatusCreated, &other)
	refused := map[string]string{"uuid": other.UUID, "something": "refused"}
	var problem struct{ Detail string }
	s.ask(http.MethodPost, s.foo+"/foos/add-foobar", refused, http.StatusConflict, &problem)
	if !strings.Contains(problem.Detail, "AddFooBar") || !strings.Contains(problem.Detail, `a foobar of "refused" is refused`) {
		s.t.Errorf("the refusal says %q", problem.Detail)
	}
	s.shows(other.UUID, "")

	nobody := map[string]string{"uuid": "01010101-0101-4101-8101-010101010101", "something": "lost"}
	s.ask(http.MethodPost, s.foo+"/foos/add-foobar", nobody, http.StatusNotFound, nil)
	s.heard("foobar", "a foobar was deleted", "")
	return foo.UUID
}

// shows holds that a foo refers to a foobar, or to none if that is empty.
func (s story) shows(foo, foobar string) {
	s.t.Helper()
	var view fooView
	s.ask(http.MethodGet, s.foo+"/foos/"+foo, nil, http.StatusOK, &view)
	switch {
	case foobar == "" && view.FooBar != nil:
		s.t.Errorf("foo %s refers to %+v", foo, view.FooBar)
	case foobar != "" && (view.FooBar == nil || view.FooBar.UUID != foobar || view.FooBar.Something != "something"):
		s.t.Errorf("foo %s refers to %+v, not to %s", foo, view.FooBar, foobar)
	}
}
