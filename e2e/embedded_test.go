//go:build e2e

package e2e_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// output collects what a program prints while it runs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// running is a project that `minos dev` runs.
type running struct {
	urls map[string]string
	out  *output
	stop func()
}

// dev runs the project on this machine until stop.
func (p project) dev() running {
	p.t.Helper()
	c, out := p.command(p.t.Context(), "dev"), &output{}
	c.Stdout, c.Stderr = out, out
	state := filepath.Join(p.dir, ".minos", "dev.json")
	if err := os.RemoveAll(state); err != nil {
		p.t.Fatal(err)
	}
	started := time.Now()
	if err := c.Start(); err != nil {
		p.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	r := running{urls: map[string]string{}, out: out}
	r.stop = sync.OnceFunc(func() {
		if err := c.Process.Signal(syscall.SIGINT); err != nil {
			p.t.Error(err)
		}
		if err := <-ended; c.ProcessState.ExitCode() != 130 && c.ProcessState.ExitCode() != 0 {
			p.t.Errorf("minos dev ended with %v\n%s", err, out)
		}
	})
	p.t.Cleanup(r.stop)
	eventually(p.t, "minos dev is up", func() bool {
		select {
		case err := <-ended:
			p.t.Fatalf("minos dev ended: %v\n%s", err, out)
		default:
		}
		return r.read(state)
	})
	p.t.Logf("minos dev is up after %s", time.Since(started).Round(time.Millisecond))
	return r
}

// read reads where the services are, and reports whether they are up.
func (r running) read(file string) bool {
	var state struct {
		Services map[string]struct{ URL string }
	}
	data, err := os.ReadFile(file)
	if err != nil || json.Unmarshal(data, &state) != nil || len(state.Services) == 0 {
		return false
	}
	for name, s := range state.Services {
		r.urls[name] = s.URL
	}
	return true
}

// TestQuickstart_Embedded holds that a project without any `set` runs on this
// machine without a server, and keeps its state between runs.
func TestQuickstart_Embedded(t *testing.T) {
	p := quickstart(t, "shop")
	first := p.dev()
	s := story{
		t: t, foo: first.urls["foo"], foobar: first.urls["foobar"],
		logs: func(service string) string {
			var lines strings.Builder
			for line := range strings.Lines(first.out.String()) {
				if strings.HasPrefix(line, service+" ") {
					lines.WriteString(line)
				}
			}
			return lines.String()
		},
	}
	foo := s.play()
	first.stop()

	second := p.dev()
	s.foo = second.urls["foo"]
	var view fooView
	s.ask(http.MethodGet, s.foo+"/foos/"+foo, nil, http.StatusOK, &view)
	if view.Bar != "test" || view.FooBar == nil {
		t.Errorf("after a restart the foo is %+v", view)
	}
	second.stop()
}
