package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
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
		b := &build{service: service, binary: s.project.binary(service), tell: s.config.Observer.Event}
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
	buildProgress = 3 * time.Second
	// buildStop is how long the go command gets to tidy up when it is stopped.
	buildStop = 5 * time.Second
)

// build is one run of the go command.
type build struct {
	service Service
	binary  string
	tell    func(Event)
	shared  chan struct{} // closed by share, when there is one
	once    sync.Once

	output   bytes.Buffer // without progress
	compiled int
	told     time.Time
}

// run builds the service. An unchanged one costs the go command's look at it.
func (b *build) run(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	name := b.service.Name
	begin := time.Now()
	b.told = begin
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
	command := exec.Command("go", "build", "-v", "-trimpath", "-buildvcs=false", "-tags", "dev",
		"-o", b.binary, "./cmd/"+b.service.Name)
	command.Dir = b.service.Dir
	p, err := spawn(b.service, command, b.line)
	if errors.Is(err, exec.ErrNotFound) {
		return &BuildError{Service: b.service.Name, Err: fmt.Errorf("find the Go toolchain: %w", err)}
	}
	if err != nil {
		return err
	}
	select {
	case <-p.exited:
	case <-ctx.Done():
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), buildStop)
		defer cancel()
		p.stop(interrupt, stop.Done()) // which the go command tidies up after
		return ctx.Err()
	}
	if p.err == nil {
		return nil
	}
	return &BuildError{Service: b.service.Name, Output: b.explained(), Err: p.err}
}

// line takes a line that the go command wrote: with -v, the packages that it
// compiles are among them. Its stdout stays empty, so one goroutine calls.
func (b *build) line(text string) {
	if !isProgress(text) {
		b.output.WriteString(text + "\n")
		return
	}
	b.compiled++
	if strings.HasSuffix(text, "/cmd/"+b.service.Name) {
		b.share()
	}
	if time.Since(b.told) < buildProgress {
		return
	}
	b.told = time.Now()
	b.tell(Event{Kind: Compiling, Service: b.service.Name, Text: fmt.Sprintf(
		"building %s: %d packages so far, now %s", b.service.Name, b.compiled, text)})
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

// explained is the go command's output, with what a missing C compiler looks
// like said in words.
func (b *build) explained() string {
	text := strings.TrimRight(b.output.String(), "\n")
	if strings.Contains(text, "confluent-kafka-go") && !cgo(b.service.Dir) {
		text += "\nthe Kafka client needs a C compiler, and Go finds none (CGO_ENABLED=0); install gcc or clang"
	}
	return text
}

func cgo(dir string) bool {
	command := exec.Command("go", "env", "CGO_ENABLED")
	command.Dir = dir
	out, err := command.Output()
	return err != nil || strings.TrimSpace(string(out)) == "1"
}
