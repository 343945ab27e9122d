package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"
)

// LogOptions say which lines are wanted.
type LogOptions struct {
	// Tail is the number of lines to begin with, of each container. Negative means
	// all; zero none.
	Tail int
	// Follow waits for more lines, until the context ends or the containers do.
	Follow bool
}

// NoContainerError says that a service has no container.
type NoContainerError struct {
	Project, Service string
	Others           []string // the services of the project that have one
}

// Error names the service, and those that there are.
func (e *NoContainerError) Error() string {
	if len(e.Others) == 0 {
		return fmt.Sprintf("no container of service %s: nothing of project %s is deployed", e.Service, e.Project)
	}
	return fmt.Sprintf("no container of service %s; there are containers of: %s",
		e.Service, strings.Join(e.Others, ", "))
}

// Logs hands the lines that the containers of a project's services logged to
// line, which is called one at a time. No services means all; one that has no
// container is a *NoContainerError.
func (e *Engine) Logs(
	ctx context.Context, project string, services []string, options LogOptions, line func(service, text string),
) error {
	observed, err := e.ObserveName(ctx, project)
	if err != nil {
		return err
	}
	containers := map[string]string{} // id: service
	var there []string
	for _, c := range observed.Containers {
		there = append(there, c.Service)
		if len(services) == 0 || slices.Contains(services, c.Service) {
			containers[c.ID] = c.Service
		}
	}
	for _, s := range services {
		if !slices.Contains(there, s) {
			return &NoContainerError{Project: project, Service: s, Others: there}
		}
	}
	var mu sync.Mutex
	group, calls := errgroup.WithContext(ctx)
	for id, service := range containers {
		group.Go(func() error {
			return e.logs(calls, id, options, func(text string) {
				mu.Lock()
				defer mu.Unlock()
				line(service, text)
			})
		})
	}
	return e.explain(ctx, group.Wait())
}

// logs hands the lines of one container to line, in the order it wrote them.
func (e *Engine) logs(ctx context.Context, container string, options LogOptions, line func(string)) error {
	tail := "all"
	if options.Tail >= 0 {
		tail = strconv.Itoa(options.Tail)
	}
	stream, err := e.api.ContainerLogs(ctx, container, client.ContainerLogsOptions{
		ShowStdout: true, ShowStderr: true, Follow: options.Follow, Tail: tail,
	})
	if err != nil {
		return fmt.Errorf("read the log of %s: %w", container, err)
	}
	defer stream.Close()
	stdout, stderr := &lineWriter{line: line}, &lineWriter{line: line}
	_, err = stdcopy.StdCopy(stdout, stderr, stream)
	stdout.end()
	stderr.end()
	if err != nil && !errors.Is(err, io.EOF) && ctx.Err() == nil {
		return fmt.Errorf("read the log of %s: %w", container, err)
	}
	return ctx.Err()
}

// lineWriter cuts what is written to it into lines.
type lineWriter struct {
	line    func(string)
	partial []byte
}

// Write takes any part of the text. It never fails.
func (w *lineWriter) Write(text []byte) (int, error) {
	w.partial = append(w.partial, text...)
	for {
		end := slices.Index(w.partial, '\n')
		if end < 0 {
			return len(text), nil
		}
		w.line(strings.TrimSuffix(string(w.partial[:end]), "\r"))
		w.partial = w.partial[end+1:]
	}
}

// end hands over a last line without an end.
func (w *lineWriter) end() {
	if len(w.partial) > 0 {
		w.line(string(w.partial))
		w.partial = nil
	}
}
