package docker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/minos-framework/minos-go/deploy"
)

// How often a service is asked: soon at first, since most are ready soon.
const (
	firstPoll = 15 * time.Millisecond
	lastPoll  = 150 * time.Millisecond
)

// logLines is how much of a log is shown of what is not ready.
const logLines = 20

// await returns when s is ready: its process runs, its port is open, and it
// answers in its own protocol. A process that ended is reported at once.
func (r *Runner) await(ctx context.Context, s deploy.Service) error {
	name, err := r.containerOf(ctx, s.Name)
	if err != nil {
		return err
	}
	restarts := -1 // how often it restarted before; unknown
	if r.startedNow(s.Name) {
		restarts = 0
	}
	w := waiter{Engine: r.Engine, service: s, ready: r.plan.Project.ReadyWhen(s), container: name, restarts: restarts}
	limited, cancel := context.WithTimeout(ctx, r.config.Timeout)
	defer cancel()
	for poll := firstPoll; ; poll = min(poll*5/4, lastPoll) {
		reason, final, err := w.look(limited)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && limited.Err() == nil:
			return fmt.Errorf("look at %s: %w", name, err)
		case err == nil && reason == "":
			return nil
		case final:
			return w.notReady(ctx, reason)
		}
		if reason != "" {
			w.reason = reason
		}
		select {
		case <-time.After(poll):
		case <-limited.Done():
			return w.notReady(ctx, fmt.Sprintf("after %s, %s", r.config.Timeout, w.reason))
		}
	}
}

// containerOf returns the name of the container of a service: ours, or the one
// that another tool or the user named.
func (r *Runner) containerOf(ctx context.Context, service string) (string, error) {
	name := r.plan.Project.ContainerName(service)
	_, err := r.api.ContainerInspect(ctx, name, client.ContainerInspectOptions{})
	if err == nil {
		return name, nil
	}
	observed, listErr := r.ObserveName(ctx, r.plan.Project.Name)
	if listErr != nil {
		return "", listErr
	}
	for _, c := range observed.Containers {
		if c.Service == service {
			return c.Name, nil
		}
	}
	return "", fmt.Errorf("find the container of %s: %w", service, err)
}

// waiter waits for one service.
type waiter struct {
	*Engine
	service   deploy.Service
	ready     deploy.Protocol
	container string
	restarts  int
	reason    string // the last one
}

// look returns why the service is not ready, "" when it is. Final says that
// waiting does not help.
func (w *waiter) look(ctx context.Context) (reason string, final bool, err error) {
	result, err := w.api.ContainerInspect(ctx, w.container, client.ContainerInspectOptions{})
	if err != nil {
		return "", false, err
	}
	c := result.Container
	if w.restarts < 0 {
		w.restarts = c.RestartCount
	}
	if c.RestartCount > w.restarts && c.State.Running { // running again: the code is not in its state any more
		c.State.ExitCode, c.State.Restarting = w.lastExitCode(ctx, c), true
	}
	if reason, final := w.process(c); reason != "" || w.ready == deploy.None || w.ready == deploy.Job {
		return reason, final, nil
	}
	if err := w.probe(ctx, c); err != nil {
		return err.Error(), false, nil //nolint:nilerr // what is missing yet is what was asked for
	}
	return "", false, nil
}

// process returns what is wrong with the service's process.
func (w *waiter) process(c container.InspectResponse) (reason string, final bool) {
	state := c.State
	code := fmt.Sprintf("code %d", state.ExitCode)
	if state.OOMKilled {
		code += ", out of memory"
	}
	if state.Error != "" {
		code += ", " + state.Error
	}
	job := w.ready == deploy.Job
	switch {
	case state.Restarting:
		return "its process ends and is restarted (" + code + ")", true
	case state.Status == container.StateExited && state.ExitCode == 0 && (job || w.ready == deploy.None):
		return "", false
	case state.Status == container.StateExited || state.Dead:
		return "its process exited with " + code, true
	case state.Paused:
		return "it is paused", true
	case job:
		return "it has not finished", false
	case !state.Running:
		return "it is " + string(state.Status), false
	}
	return "", false
}

// lastExitCode returns how the process of a container that runs again ended the
// last time, which only the engine's events tell.
func (w *waiter) lastExitCode(ctx context.Context, c container.InspectResponse) int {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	events := w.api.Events(ctx, client.EventsListOptions{
		Since: c.Created, Until: time.Now().Format(time.RFC3339Nano),
		Filters: make(client.Filters).Add("container", c.ID).Add("event", "die"),
	})
	code := 0
	for {
		select {
		case event := <-events.Messages:
			code, _ = strconv.Atoi(event.Actor.Attributes["exitCode"]) // the engine writes numbers
		case <-events.Err: //nolint:errcheck // the end is one too, and after a fault the code stays unknown
			return code
		}
	}
}

// notReady returns the error, with the end of the log.
func (w *waiter) notReady(ctx context.Context, reason string) error {
	failure := &deploy.NotReadyError{Service: w.service.Name, Container: w.container, Reason: reason}
	err := w.logs(ctx, w.container, LogOptions{Tail: logLines}, func(line string) {
		failure.Logs = append(failure.Logs, line)
	})
	if err != nil && ctx.Err() == nil {
		return errors.Join(failure, fmt.Errorf("read the log of %s: %w", w.container, err))
	}
	failure.Logs = failure.Logs[max(0, len(failure.Logs)-logLines):]
	return failure
}

// Health says what a running service answers right now: "" when it is ready, and
// else why not. It does not wait.
func (e *Engine) Health(ctx context.Context, p *deploy.Project, s deploy.Service, c deploy.Container) string {
	w := waiter{Engine: e, service: s, ready: p.ReadyWhen(s), container: c.ID, restarts: -1}
	reason, _, err := w.look(ctx)
	if err != nil {
		return err.Error()
	}
	return reason
}
