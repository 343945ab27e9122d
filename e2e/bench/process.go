package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// patience bounds every wait for something that must happen.
const patience = time.Minute

// process is a running program that serves HTTP and logs on standard error.
type process struct {
	name, address string
	command       *exec.Cmd
	ended         chan struct{} // closed when it has ended

	created, updated atomic.Int64 // how often it has handled either event

	mu    sync.Mutex
	last  []string             // lines of its log
	heard map[string]time.Time // nil, or when it has handled FooCreated, by the foo
}

// start runs a program. It is killed when ctx ends.
func start(ctx context.Context, name, address string, env []string, program string, args ...string) (*process, error) {
	p := &process{name: name, address: address, ended: make(chan struct{})}
	p.command = exec.CommandContext(ctx, program, args...)
	p.command.Env = append(os.Environ(), env...)
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p.command.Stderr = write
	err = p.command.Start()
	_ = write.Close() // the program has its own
	if err != nil {
		_ = read.Close()
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		defer close(p.ended)
		p.follow(read)
		_ = read.Close()
		_ = p.command.Wait() // its log says what there is to say
	}()
	return p, nil
}

// follow reads the log until its end.
func (p *process) follow(log io.Reader) {
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		switch line := lines.Bytes(); {
		case bytes.Contains(line, []byte("a foo was created")):
			p.hear(line)
			p.created.Add(1)
		case bytes.Contains(line, []byte("the foobar of a foo was updated")):
			p.updated.Add(1)
		default:
			p.keep(lines.Text())
		}
	}
}

func (p *process) keep(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = append(p.last, line)
	if len(p.last) > 20 {
		p.last = p.last[1:]
	}
}

// hear notes when a foo's creation was handled, while somebody listens.
func (p *process) hear(line []byte) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.heard == nil {
		return
	}
	if _, rest, ok := bytes.Cut(line, []byte(`"uuid":"`)); ok && len(rest) > 36 {
		p.heard[string(rest[:36])] = now
	}
}

// listen begins or ends to note when foos are handled, and returns what was
// noted before.
func (p *process) listen(on bool) map[string]time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	heard := p.heard
	p.heard = nil
	if on {
		p.heard = map[string]time.Time{}
	}
	return heard
}

// ready waits until the program answers a path with 200.
func (p *process) ready(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return p.until(ctx, "is ready", 2*time.Millisecond, func() bool {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address+path, http.NoBody)
		if err != nil {
			return false
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			return false
		}
		_, _ = io.Copy(io.Discard, response.Body) // only the status counts
		return response.Body.Close() == nil && response.StatusCode == http.StatusOK
	})
}

// handled waits until as many events were handled as counter has to have.
func (p *process) handled(ctx context.Context, counter *atomic.Int64, want int64) error {
	what := fmt.Sprintf("has handled %d events", want)
	return p.until(ctx, what, time.Millisecond, func() bool { return counter.Load() >= want })
}

// until waits for a condition while the program runs.
func (p *process) until(ctx context.Context, what string, every time.Duration, holds func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-p.ended:
			return fmt.Errorf("wait until %s %s: it ended\n%s", p.name, what, p.log())
		case <-ctx.Done():
			return fmt.Errorf("wait until %s %s: %w\n%s", p.name, what, ctx.Err(), p.log())
		}
	}
	return nil
}

func (p *process) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.last, "\n")
}

// stop has the program end by itself.
func (p *process) stop() error {
	_ = p.command.Process.Signal(syscall.SIGTERM) // it fails when the program has ended
	select {
	case <-p.ended:
		return nil
	case <-time.After(patience):
		_ = p.command.Process.Kill() // it did not listen
		<-p.ended
		return fmt.Errorf("stop %s: not within %s\n%s", p.name, patience, p.log())
	}
}

// memory is how much of the machine's memory the program holds, in megabytes.
func (p *process) memory() (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("weigh %s: %w", p.name, err)
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmRSS:" {
			kilobytes, err := strconv.ParseFloat(fields[1], 64)
			return kilobytes / 1000, err
		}
	}
	return 0, fmt.Errorf("weigh %s: its status has no VmRSS", p.name)
}
