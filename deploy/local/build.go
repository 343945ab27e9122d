package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// buildAll builds every service. The first build goes ahead alone until it
// reaches its own command: what the services share is in Go's cache by then,
// and the others need not compile it once more beside it.
func (s *System) buildAll(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelBuilds)
	for i, service := range s.project.Services {
		b := &build{
			service: service, binary: s.project.binary(service), top: s.project.Dir, tell: s.config.Observer.Event,
		}
		if i > 0 {
			group.Go(func() error { return b.run(ctx) })
			continue
		}
		b.shared = make(chan struct{})
		group.Go(func() error {
			defer b.share()
			return b.run(ctx)
		})
		<-b.shared
	}
	return group.Wait()
}

const (
	parallelBuilds = 4
	// buildProgress is how often a build tells how far it has come.
	buildProgress = 5 * time.Second
	// buildStop is how long the go command gets to tidy up when it is stopped.
	buildStop = 5 * time.Second
)

// build is one run of the go command.
type build struct {
	service Service
	binary  string
	top     string // the project's directory
	tell    func(Event)
	shared  chan struct{} // closed by share, when there is one
	once    sync.Once

	mu       sync.Mutex
	output   bytes.Buffer // without progress
	compiled int
	now      string // what is compiled
}

// run builds the service. An unchanged one costs the go command's look at it.
func (b *build) run(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	name := b.service.Name
	begin := time.Now()
	b.tell(Event{Kind: Building, Service: name, Text: "building " + name})
	if err := b.goBuild(ctx); err != nil {
		return err
	}
	took := time.Since(begin).Round(10 * time.Millisecond)
	b.tell(Event{Kind: Built, Service: name, Text: fmt.Sprintf("built %s in %s", name, took)})
	return nil
}

// goBuild runs the go command. -trimpath is what lets services share their
// copies of the framework in Go's cache: without it the key of a package holds
// its directory. -buildvcs=false, because a repository that the go command may
// not read (of another user, or without git) would end the build.
func (b *build) goBuild(ctx context.Context) error {
	if err := b.checkCompiler(ctx); err != nil {
		return &BuildError{Service: b.service.Name, Err: err}
	}
	command := exec.Command("go", "build", "-v", "-trimpath", "-buildvcs=false", "-ldflags=-w",
		"-tags", "dev", "-o", b.binary, "./cmd/"+b.service.Name)
	command.Dir = b.service.Dir
	command.Env = b.environment()
	p, err := spawn(b.service, command, b.line)
	if errors.Is(err, exec.ErrNotFound) {
		return &BuildError{Service: b.service.Name, Err: fmt.Errorf("%w; install Go from go.dev", err)}
	}
	if err != nil {
		return err
	}
	if err := b.wait(ctx, p); err != nil {
		return err
	}
	if p.err == nil {
		return nil
	}
	return &BuildError{Service: b.service.Name, Output: strings.TrimRight(b.output.String(), "\n"), Err: p.err}
}

// wait returns when the go command is done, and stops it when ctx ends before.
func (b *build) wait(ctx context.Context, p *process) error {
	begin := time.Now()
	tick := time.NewTicker(buildProgress)
	defer tick.Stop()
	for {
		select {
		case <-p.exited:
			return nil
		case <-tick.C:
			b.mu.Lock()
			text := fmt.Sprintf("building %s for %s: %d packages, now %s",
				b.service.Name, time.Since(begin).Round(time.Second), b.compiled, b.now)
			b.mu.Unlock()
			b.tell(Event{Kind: Compiling, Service: b.service.Name, Text: text})
		case <-ctx.Done():
			stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), buildStop)
			defer cancel()
			p.stop(interrupt, stop.Done()) // which the go command tidies up after
			return ctx.Err()
		}
	}
}

// line takes a line that the go command wrote: with -v, the packages that it
// compiles are among them.
func (b *build) line(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !isProgress(text) {
		b.output.WriteString(text + "\n")
		return
	}
	b.compiled++
	b.now = text
	if strings.HasSuffix(text, "/cmd/"+b.service.Name) {
		b.share()
	}
}

// environment leaves out a workspace that the project happens to lie in: its
// services are complete without one, and unknown to it. The user's own are one
// in the project, and one that GOWORK names.
func (b *build) environment() []string {
	if os.Getenv("GOWORK") != "" {
		return nil
	}
	for dir := b.service.Dir; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return nil
		}
		if dir == b.top || dir == filepath.Dir(dir) {
			return append(os.Environ(), "GOWORK=off")
		}
	}
}

// isProgress tells the path of a package, or a module that is fetched, from a
// message of the compiler.
func isProgress(text string) bool {
	return strings.HasPrefix(text, "go: downloading ") || text != "" && !strings.ContainsAny(text, " \t:")
}

func (b *build) share() {
	if b.shared != nil {
		b.once.Do(func() { close(b.shared) })
	}
}

// errNoCompiler is why a service with the Kafka client would not compile: Go
// then leaves all of it out, and says of each of its names that it is undefined.
var errNoCompiler = errors.New(
	"the Kafka client needs a C compiler, and Go has none (CGO_ENABLED is 0); install gcc or clang")

// checkCompiler returns errNoCompiler, before minutes are spent on what cannot
// succeed.
func (b *build) checkCompiler(ctx context.Context) error {
	module, _ := os.ReadFile(filepath.Join(b.service.Dir, "go.mod")) // that there is none, the go command says best
	if !bytes.Contains(module, []byte("confluent-kafka-go")) {
		return nil
	}
	command := exec.CommandContext(ctx, "go", "env", "CGO_ENABLED")
	command.Dir = b.service.Dir
	out, err := command.Output()
	if err == nil && strings.TrimSpace(string(out)) == "0" {
		return errNoCompiler
	}
	return nil
}
