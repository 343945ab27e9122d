//go:build e2e

package docker_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minos-framework/minos-go/deploy"
	"github.com/minos-framework/minos-go/deploy/docker"
)

// notReady deploys what has to fail, and returns how.
func notReady(t *testing.T, s *stack, timeout time.Duration) *deploy.NotReadyError {
	t.Helper()
	plan := s.plan()
	runner := s.engine.Runner(plan, docker.RunnerConfig{Timeout: timeout})
	err := deploy.Execute(t.Context(), plan, runner, &recorder{t: t}, deploy.Limits{})
	failure, ok := errors.AsType[*deploy.NotReadyError](err)
	if !ok {
		t.Fatalf("the deployment's error is %v; want a *NotReadyError", err)
	}
	return failure
}

func TestRunner_await(t *testing.T) {
	t.Parallel()
	for _, restart := range []string{"no", "always"} {
		t.Run("names a service that crashes at start at once, restart "+restart, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, alone+"    environment: {CRASH: now}\n    restart: \""+restart+"\"\n")
			began := time.Now()
			failure := notReady(t, s, time.Hour)
			t.Logf("%v after %s", failure, time.Since(began))
			if failure.Service != "foo" || !strings.Contains(failure.Reason, "code 3") {
				t.Errorf("the reason is %q", failure.Reason)
			}
			if len(failure.Logs) != 20 || failure.Logs[19] != "line 25 before the end" {
				t.Errorf("the log is %d lines: %q", len(failure.Logs), failure.Logs)
			}
			s.edit(deploy.ComposeFile, "CRASH: now", "A: b")
			s.deploy()
			if again := s.plan(); len(again.Changes()) != 0 {
				t.Errorf("once it does not crash, the plan is\n%s", again)
			}
		})
	}
	t.Run("names the check that a service's own health fails", func(t *testing.T) {
		t.Parallel()
		failure := notReady(t, newStack(t, alone+"    environment: {SICK: yes}\n"), 4*time.Second)
		if !strings.Contains(failure.Reason, "database is down: password refused") ||
			!slices.Contains(failure.Logs, "listening") {
			t.Errorf("the failure is %v", failure)
		}
	})
	t.Run("says that a port is not open", func(t *testing.T) {
		t.Parallel()
		s := newStack(t, `{services: {deaf: {image: "debian:12-slim", command: [sleep, infinity], init: true,
			ports: ["PORT:80"]}}}`)
		if failure := notReady(t, s, 10*time.Second); !strings.Contains(failure.Reason, "port") {
			t.Errorf("the failure is %v", failure)
		}
	})
	t.Run("waits for a job to end, and does not run it again", func(t *testing.T) {
		t.Parallel()
		s := newStack(t, alone+`    depends_on: {job: {condition: service_completed_successfully}}
  job: {image: "debian:12-slim", command: [sh, -c, "sleep 0.3; echo done"]}
`)
		s.deploy()
		if got := s.states(); got["job"] != deploy.Exited || got["foo"] != deploy.Running {
			t.Errorf("containers are %v", got)
		}
		if again := s.deploy(); len(again.Changes()) != 0 {
			t.Errorf("a second deployment changes\n%s", again)
		}
		s.edit(deploy.ComposeFile, "echo done", "echo no; exit 4")
		if failure := notReady(t, s, time.Minute); failure.Service != "job" || !strings.Contains(failure.Reason, "code 4") {
			t.Errorf("the failure is %v", failure)
		}
	})
	t.Run("knows when PostgreSQL and Kafka serve", func(t *testing.T) {
		t.Parallel()
		s := newStack(t, `
services:
  postgres: {image: "postgres:17", environment: {POSTGRES_PASSWORD: x}, tmpfs: [/var/lib/postgresql/data]}
  kafka: {image: "apache/kafka:4.1.0", ports: ["PORT:9092"]}
`)
		s.deploy()
		if again := s.plan(); len(again.Changes()) != 0 {
			t.Errorf("a second deployment changes\n%s", again)
		}
	})
	t.Run("says that a process cannot be started", func(t *testing.T) {
		t.Parallel()
		s := newStack(t, `{services: {foo: {image: "debian:12-slim", command: [/nowhere]}}}`)
		if failure := notReady(t, s, time.Minute); !strings.Contains(failure.Reason, "/nowhere") {
			t.Errorf("the failure is %v", failure)
		}
	})
}

func TestRunner_build(t *testing.T) {
	t.Parallel()
	t.Run("shows the failing step and what it printed", func(t *testing.T) {
		t.Parallel()
		s := newStack(t, alone)
		s.write("service/Dockerfile", "FROM debian:12-slim\nRUN echo before && echo the cause >&2 && exit 9\n")
		err := s.execute(t.Context(), s.plan(), &recorder{t: t})
		failure, ok := errors.AsType[*docker.BuildError](err)
		if !ok || !strings.Contains(failure.Step, "echo before") || !slices.Contains(failure.Output, "the cause") {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("keeps the old container when the new image cannot be built", func(t *testing.T) {
		t.Parallel()
		s := newStack(t, alone)
		s.deploy()
		s.edit("service/main.go", "package main", "package")
		if err := s.execute(t.Context(), s.plan(), &recorder{t: t}); err == nil ||
			!strings.Contains(err.Error(), "main.go") {
			t.Errorf("the error is %v", err)
		}
		if got := s.states(); got["foo"] != deploy.Running {
			t.Errorf("containers are %v", got)
		}
	})
}

func TestRunner_pull(t *testing.T) {
	t.Parallel()
	s := newStack(t, `{services: {foo: {image: "minos-nowhere.invalid/none:7"}}}`)
	err := s.execute(t.Context(), s.plan(), &recorder{t: t})
	if err == nil || !strings.Contains(err.Error(), "minos-nowhere.invalid/none:7") {
		t.Errorf("the error is %v", err)
	}
}

func TestEngine_Logs(t *testing.T) {
	t.Parallel()
	s := newStack(t, `
services:
  talker: {image: "debian:12-slim", init: true, command: [sh, -c, "echo one; echo two >&2; echo three; sleep infinity"]}
  other: {image: "debian:12-slim", init: true, command: [sh, -c, "echo else; sleep infinity"]}
`)
	s.deploy()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var lines []string
	options := docker.LogOptions{Tail: -1, Follow: true}
	err := s.engine.Logs(ctx, s.name, []string{"talker"}, options, func(service, text string) {
		lines = append(lines, service+" "+text)
		if len(lines) == 3 {
			cancel()
		}
	})
	slices.Sort(lines)
	if want := []string{"talker one", "talker three", "talker two"}; !slices.Equal(lines, want) ||
		!errors.Is(err, context.Canceled) {
		t.Errorf("the log is %q, %v; want %q", lines, err, want)
	}
	err = s.engine.Logs(t.Context(), s.name, []string{"nobody"}, docker.LogOptions{}, nil)
	if err == nil || !strings.Contains(err.Error(), "other, talker") {
		t.Errorf("the error for a service that is not there is %v", err)
	}
}

func TestDeploy_orphans(t *testing.T) {
	t.Parallel()
	s := newStack(t, "services:\n"+
		"  a: {image: \"debian:12-slim\", init: true, command: [sleep, infinity], networks: [one, two]}\n"+
		"  b: {image: \"debian:12-slim\", init: true, command: [sleep, infinity], networks: [one]}\n"+
		"networks: {one: {}, two: {internal: true}}\n")
	s.deploy()
	observed, err := s.engine.ObserveName(t.Context(), s.name)
	if err != nil {
		t.Fatal(err)
	}
	if got := observed.Containers[0].Networks; len(got) != 2 {
		t.Errorf("a is on networks %v", got)
	}
	s.edit(deploy.ComposeFile, "  b: {", "  c: {")
	if plan := s.plan("a"); len(plan.Changes()) != 0 {
		t.Errorf("deploying a alone changes\n%s", plan)
	}
	s.deploy()
	if got := s.states(); len(got) != 2 || got["c"] != deploy.Running {
		t.Errorf("containers are %v", got)
	}
}
