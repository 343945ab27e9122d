// Package local runs a project on this machine, without containers: it opens
// an embedded broker, builds each service, starts it as a child process on a
// SQLite database of its own, and waits until it is healthy.
//
// What it keeps stands in the project's .minos directory and survives a
// restart:
//
//	.minos/bin/NAME       the service, as it was built last
//	.minos/data/NAME.db   its database
//	.minos/broker/        the broker's topics, and the port that it had
//	.minos/dev.lock       held while the project runs; has the process id
//	.minos/dev.json       State, while the project runs
package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// Project is what Run runs.
type Project struct {
	Name string
	// Dir is the project's absolute path.
	Dir      string
	Services []Service
}

// Service is one microservice of a project: the command ./cmd/NAME of the Go
// module in Dir.
type Service struct {
	Name string
	// Dir is the service's absolute path.
	Dir string
	// Port is where it serves HTTP, on 127.0.0.1. A port that is taken is
	// replaced by a free one, unless FixedPort is set.
	Port      int
	FixedPort bool
}

// Config holds what Run can do without.
type Config struct {
	// Observer is told what happens; nil tells nobody.
	Observer Observer
	// Env is added to each service's environment, as "KEY=value"; it wins over
	// what Run sets.
	Env []string
	// ReadyTimeout bounds how long a service may take from its start until it
	// is healthy. Zero means 30 seconds.
	ReadyTimeout time.Duration
	// Grace is how long a service may take to end after it was asked to; then
	// it is killed. Zero means 30 seconds, which is more than a service takes that
	// drains what it has begun.
	Grace time.Duration
}

func (c Config) withDefaults() Config {
	if c.Observer == nil {
		c.Observer = nobody{}
	}
	c.ReadyTimeout = cmp.Or(c.ReadyTimeout, 30*time.Second)
	c.Grace = cmp.Or(c.Grace, 30*time.Second)
	return c
}

// Run builds and starts the project, and returns when every service is healthy.
// The caller stops the System; when Run fails, or ctx ends before it is done,
// it leaves nothing running.
//
// It returns a *RunningError when the project runs already, a *PortError when a
// fixed port is taken, a *BuildError when a service does not compile, a
// *NotReadyError when one ends or does not get healthy, and ctx's error.
func Run(ctx context.Context, project Project, config Config) (*System, error) {
	if err := project.validate(); err != nil {
		return nil, err
	}
	config = config.withDefaults()
	config.Observer = &serial{to: config.Observer}
	s := &System{project: project, config: config, ended: make(chan struct{})}
	if err := s.start(ctx); err != nil {
		s.shutdown(context.WithoutCancel(ctx))
		if ctx.Err() != nil {
			return nil, fmt.Errorf("run %s: %w", project.Name, ctx.Err())
		}
		return nil, err
	}
	return s, nil
}

func (p Project) validate() error {
	var faults error
	if len(p.Services) == 0 {
		faults = errors.Join(faults, ErrNoServices)
	}
	seen := map[string]bool{}
	for _, service := range p.Services {
		if seen[service.Name] {
			faults = errors.Join(faults, fmt.Errorf("Services: %q is there twice", service.Name))
		}
		seen[service.Name] = true
	}
	if !filepath.IsAbs(p.Dir) {
		faults = errors.Join(faults, fmt.Errorf("Dir: %q is not absolute", p.Dir))
	}
	return faults
}

// path returns the path of a file below the project's .minos directory.
func (p Project) path(elements ...string) string {
	return filepath.Join(append([]string{p.Dir, stateDir}, elements...)...)
}

// binary is where a service is built to.
func (p Project) binary(service Service) string {
	return p.path("bin", service.Name+executableSuffix)
}

const stateDir = ".minos"
