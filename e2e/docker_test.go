//go:build e2e

package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// published returns where a service of a deployed project is, as
// http://host:port, and holds that it is ready and reached from this machine
// alone.
func (p project) published(service string) string {
	p.t.Helper()
	var status struct {
		Services []struct {
			Service string
			Ready   bool
			Ports   []string
		}
	}
	if err := json.Unmarshal([]byte(p.output("status", "--json")), &status); err != nil {
		p.t.Fatal(err)
	}
	for _, s := range status.Services {
		if s.Service != service {
			continue
		}
		address, _, _ := strings.Cut(strings.Join(s.Ports, " "), "->")
		if !s.Ready || !strings.HasPrefix(address, "127.0.0.1:") {
			p.t.Fatalf("%s: ready %v, published on %v", service, s.Ready, s.Ports)
		}
		return "http://" + address
	}
	p.t.Fatalf("status does not know %s: %+v", service, status)
	return ""
}

// output is the standard output of a run that succeeds.
func (p project) output(arguments ...string) string {
	p.t.Helper()
	out, err := p.command(p.t.Context(), arguments...).Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			p.t.Fatalf("minos %s: %v\n%s%s", strings.Join(arguments, " "), err, exit.Stderr, out)
		}
		p.t.Fatal(err)
	}
	return string(out)
}

// TestQuickstart_Docker holds that the seeds' seven steps end in a finished and
// in a compensated saga on a real engine, with Kafka and PostgreSQL, and that
// the project can then be operated.
func TestQuickstart_Docker(t *testing.T) {
	name := fmt.Sprintf("shop-%x", time.Now().UnixNano()&0xffffff) // no other run's volumes
	p := quickstart(t, name, []string{"broker", "kafka"}, []string{"database", "postgres"})
	t.Cleanup(func() {
		down := p.command(t.Context(), "down", "--volumes", "--yes")
		if t.Context().Err() != nil {
			down = exec.Command(down.Path, down.Args[1:]...)
			down.Dir = p.dir
		}
		if out, err := down.CombinedOutput(); err != nil {
			t.Errorf("minos down --volumes: %v\n%s", err, out)
		}
	})

	p.minos("deploy")
	s := story{
		t: t, foo: p.published("foo"), foobar: p.published("foobar"),
		logs: func(service string) string { return p.minosQuietly("logs", service) },
	}
	foo := s.play()

	started := time.Now()
	again := p.minos("deploy")
	if took := time.Since(started); !strings.Contains(again, "nothing") {
		t.Errorf("a second deploy took %s and says %q", took, again)
	}
	p.minos("status")

	p.minos("down")
	started = time.Now()
	p.minos("deploy") // everything is built: this is the warm one
	s.foo = p.published("foo")
	s.ask(http.MethodPost, s.foo+"/foos", map[string]string{"bar": "warm"}, http.StatusCreated, nil)
	t.Logf("warm deploy to the handled request: %s", time.Since(started).Round(time.Millisecond))
	var view fooView
	s.ask(http.MethodGet, s.foo+"/foos/"+foo, nil, http.StatusOK, &view)
	if view.Bar != "test" || view.FooBar == nil {
		t.Errorf("after down and deploy the foo is %+v", view)
	}

	p.minos("deploy", "microservice", "foo")
	p.minos("deploy", "project")
}

// minosQuietly runs the binary without logging each run.
func (p project) minosQuietly(arguments ...string) string {
	p.t.Helper()
	out, err := p.command(p.t.Context(), arguments...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("minos %s: %v\n%s", strings.Join(arguments, " "), err, out)
	}
	return string(out)
}
