package local

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

// process is a service that runs.
type process struct {
	service Service
	url     string
	cmd     *exec.Cmd
	tail    *tail
	// exited is closed when the process is gone and all that it wrote was seen;
	// err says then how it ended.
	exited chan struct{}
	err    error
}

// pipeDelay is how long a process that is gone is waited for by those who read
// its output: something that it started may hold the other end.
const pipeDelay = time.Second

// spawn starts a prepared command. Each line that it writes goes to line.
func spawn(service Service, cmd *exec.Cmd, line func(text string)) (*process, error) {
	p := &process{service: service, cmd: cmd, tail: &tail{}, exited: make(chan struct{})}
	sink := func(text string) {
		p.tail.add(text)
		line(text)
	}
	stdout, stderr := &lines{to: sink}, &lines{to: sink}
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = stdout, stderr, pipeDelay
	isolate(cmd)
	started := make(chan error)
	go func() {
		// The command dies with the thread that starts it (isolate).
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		stdout.flush()
		stderr.flush()
		close(p.exited)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", service.Name, err)
	}
	return p, nil
}

// stop asks the process to end, kills it and all that it started when grace is
// over, and returns when it is gone; killed says which it was. ask is terminate or interrupt. A process
// that is gone is left alone: its number may be another's by now.
func (p *process) stop(ask func(*exec.Cmd), grace <-chan struct{}) (killed bool) {
	select {
	case <-p.exited:
		return false
	default:
		ask(p.cmd)
	}
	select {
	case <-p.exited:
		return false
	case <-grace:
		kill(p.cmd)
		<-p.exited
		return true
	}
}

// errEnded is how a service ended that was not asked to, and saw no fault.
var errEnded = errors.New("it ended by itself, with exit status 0")

// cause says how the process ended.
func (p *process) cause() error {
	if p.err == nil {
		return errEnded
	}
	return p.err
}

// tailLines is how much of a service's log an error shows.
const tailLines = 20

// tail keeps the last lines that were added. Its zero value is empty.
type tail struct {
	mu    sync.Mutex
	lines []string
}

func (t *tail) add(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) == tailLines {
		t.lines = append(t.lines[:0], t.lines[1:]...)
	}
	t.lines = append(t.lines, text)
}

func (t *tail) last() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.lines...)
}

// lineLimit is where a line without end is cut.
const lineLimit = 1 << 20

// lines cuts what is written to it into lines.
type lines struct {
	to   func(text string)
	rest []byte
}

// Write hands on each line that is complete.
func (l *lines) Write(data []byte) (int, error) {
	n := len(data)
	for {
		line, rest, found := bytes.Cut(data, []byte("\n"))
		l.rest = append(l.rest, line...)
		if !found && len(l.rest) < lineLimit {
			return n, nil
		}
		l.to(string(bytes.TrimSuffix(l.rest, []byte("\r"))))
		l.rest, data = l.rest[:0], rest
		if !found {
			return n, nil
		}
	}
}

// flush hands on what is left.
func (l *lines) flush() {
	if len(l.rest) > 0 {
		l.to(string(l.rest))
		l.rest = nil
	}
}
