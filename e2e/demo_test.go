//go:build e2e

package e2e_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// demoDir makes the directory that a demo is started in; its name has a space.
func demoDir(t *testing.T) project {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "my demos")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return project{t, dir}
}

// TestDemo_Cold holds that the README's first command works on a machine where
// nothing was compiled before, and that it says what it is doing.
func TestDemo_Cold(t *testing.T) {
	p := demoDir(t)
	c := p.command(t.Context(), "demo", "--exit", "--json")
	c.Env = append(os.Environ(), "GOCACHE="+filepath.Join(t.TempDir(), "cache"))
	began := time.Now()
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("cold demo: %s, %s of processor", time.Since(began).Round(time.Second), processor(c))
	if told := p.played(out); told["compiling"] == 0 {
		t.Errorf("it was silent while it compiled: %v", told)
	}
	p.nothingRuns()

	t.Run("and once more, warm, in a directory of its own", func(t *testing.T) {
		c := p.command(t.Context(), "demo", "--exit", "--json")
		began := time.Now()
		out, err := c.Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		t.Logf("warm demo: %s, %s of processor", time.Since(began).Round(10*time.Millisecond), processor(c))
		p.played(out)
		for _, name := range []string{"minos-demo", "minos-demo-2"} {
			if _, err := os.Stat(filepath.Join(p.dir, name, "microservices", "foobar", "go.mod")); err != nil {
				t.Error(err)
			}
		}
	})
}

// processor is what a command and its children took of the processor.
func processor(c *exec.Cmd) time.Duration {
	return (c.ProcessState.UserTime() + c.ProcessState.SystemTime()).Round(10 * time.Millisecond)
}

// played reads the events of a demo: each line is one, and all eight steps held.
// It returns how many there were of each kind.
func (p project) played(out []byte) map[string]int {
	p.t.Helper()
	told := map[string]int{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		var event struct {
			Event          string
			Held           bool
			FirstMS        int `json:"first_request_ms"`
			FirstStartedMS int `json:"first_request_started_ms"`
		}
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			p.t.Fatalf("%v in %s", err, lines.Text())
		}
		told[event.Event]++
		switch event.Event {
		case "step":
			if !event.Held {
				p.t.Errorf("does not hold: %s", lines.Text())
			}
		case "story":
			p.t.Logf("the first request was handled %d ms after the command, %d ms after the processes were started",
				event.FirstMS, event.FirstStartedMS)
		}
	}
	if told["step"] != 8 || told["story"] != 1 {
		p.t.Errorf("got %v", told)
	}
	return told
}

// nothingRuns holds that no process works in the directory: no service, no
// compiler.
func (p project) nothingRuns() {
	p.t.Helper()
	for _, process := range p.processes() {
		p.t.Errorf("still runs: %s", process)
	}
}

// processes returns the command lines of those that work in the directory.
func (p project) processes() []string {
	p.t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		p.t.Fatal(err)
	}
	var running []string
	for _, link := range links {
		// One that cannot be read is gone.
		if at, err := os.Readlink(link); err == nil && strings.HasPrefix(at, p.dir+"/") {
			command, _ := os.ReadFile(filepath.Join(filepath.Dir(link), "cmdline"))
			running = append(running, string(bytes.ReplaceAll(command, []byte{0}, []byte(" "))))
		}
	}
	return running
}

// start starts minos in the directory; what it prints is in the output.
func (p project) start(arguments ...string) (*exec.Cmd, *output) {
	p.t.Helper()
	c, out := p.command(p.t.Context(), arguments...), &output{}
	c.Stdout, c.Stderr = out, out
	if err := c.Start(); err != nil {
		p.t.Fatal(err)
	}
	return c, out
}

// TestDemo_Interrupted holds that Ctrl-C at any point leaves no process behind,
// and that the same command works afterwards.
func TestDemo_Interrupted(t *testing.T) {
	p := demoDir(t)
	for _, point := range []string{"is in", "building foo", "building foobar", "built", "starting foo", "is ready", "1. create"} {
		c, out := p.start("demo", "--dir", "my demo", "--exit")
		eventually(t, "the demo says "+point, func() bool { return strings.Contains(out.String(), point) })
		if err := c.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatalf("%s: %v\n%s", point, err, out)
		}
		_ = c.Wait() // its exit code is looked at
		// Between the last step and the end there is nothing left to interrupt.
		if code := c.ProcessState.ExitCode(); code != 130 && (code != 0 || !strings.Contains(out.String(), "Every step held")) {
			t.Errorf("at %q it ended with %d\n%s", point, code, out)
		}
		p.nothingRuns()
	}
	p.minos("demo", "--dir", "my demo", "--exit")
	p.nothingRuns()

	t.Run("twice, for who does not want to wait", func(t *testing.T) {
		c, out := p.start("demo", "--dir", "my demo")
		eventually(t, "the demo stays up", func() bool { return strings.Contains(out.String(), "Ctrl-C stops them") })
		for range 2 {
			if err := c.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
		}
		_ = c.Wait() // its exit code is looked at
		// The first may have been enough.
		if code := c.ProcessState.ExitCode(); code != 130 && code != 0 {
			t.Errorf("it ended with %d\n%s", code, out)
		}
		eventually(t, "the services are gone", func() bool { return len(p.processes()) == 0 })
	})
}

// TestDemo_StaysUp holds that the services answer until Ctrl-C, that what they
// knew is there again afterwards, also after a kill, and that a demo which does
// not hold fails and says why.
func TestDemo_StaysUp(t *testing.T) {
	p := demoDir(t)
	foo := p.up(func(c *exec.Cmd, foo string) created {
		var made created
		story{t: t}.ask(http.MethodPost, foo+"/foos", map[string]string{"bar": "kept"}, http.StatusCreated, &made)
		if err := c.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		if err := c.Wait(); err != nil {
			t.Errorf("Ctrl-C after the story: %v", err)
		}
		p.nothingRuns()
		return made
	})
	p.up(func(c *exec.Cmd, url string) created {
		var view fooView
		story{t: t}.ask(http.MethodGet, url+"/foos/"+foo.UUID, nil, http.StatusOK, &view)
		if view.Bar != "kept" {
			t.Errorf("the foo is %+v", view)
		}
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait() // it was killed
		eventually(t, "the services die with what ran them", func() bool {
			_, _, err := request(t.Context(), http.MethodGet, url+"/system/health", nil)
			return err != nil
		})
		return foo
	})
	p.sabotage()
	c, out := p.start("demo", "--dir", "here")
	_ = c.Wait() // its exit code is looked at
	if code := c.ProcessState.ExitCode(); code != 1 || !strings.Contains(out.String(), "minos: step 6, ") ||
		!strings.Contains(out.String(), "expected a problem of status 4xx") {
		t.Errorf("a demo that does not hold ended with %d\n%s", code, out)
	}
	p.nothingRuns()
}

// up starts the demo without --exit and calls do when it stays up, with where
// foo is.
func (p project) up(do func(c *exec.Cmd, foo string) created) created {
	p.t.Helper()
	c, out := p.start("demo", "--dir", "here")
	eventually(p.t, "the demo stays up", func() bool { return strings.Contains(out.String(), "Ctrl-C stops them") })
	state, err := os.ReadFile(filepath.Join(p.dir, "here", ".minos", "dev.json"))
	if err != nil {
		p.t.Fatalf("%v\n%s", err, out)
	}
	var where struct {
		Services map[string]struct{ URL string }
	}
	if err := json.Unmarshal(state, &where); err != nil {
		p.t.Fatal(err)
	}
	return do(c, where.Services["foo"].URL)
}

// sabotage has foobar refuse nothing.
func (p project) sabotage() {
	p.t.Helper()
	file := filepath.Join(p.dir, "here", "microservices", "foobar", "internal", "foobar", "commands.go")
	source, err := os.ReadFile(file)
	if err != nil {
		p.t.Fatal(err)
	}
	changed := bytes.Replace(source, []byte(`"refused"`), []byte(`"nothing"`), 1)
	if bytes.Equal(changed, source) {
		p.t.Fatal("foobar refuses nothing as it is")
	}
	if err := os.WriteFile(file, changed, 0o644); err != nil {
		p.t.Fatal(err)
	}
}
