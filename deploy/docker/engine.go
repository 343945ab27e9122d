// Package docker observes a project on a Docker engine and carries out plans
// there: Connect, Observe, then deploy.NewPlan, and deploy.Execute with a Runner.
// It speaks the Engine API from version 1.40 on and needs no docker command.
package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/moby/moby/client"
)

// ErrUnreachable is in the chain of errors of an engine that does not answer.
var ErrUnreachable = errors.New("the Docker engine cannot be reached")

// Engine is a connection to a Docker engine, made by Connect. It may be used
// from several goroutines.
type Engine struct {
	api *client.Client
}

// Connect connects to the engine that DOCKER_HOST and the other DOCKER_ variables
// name, or the local one, and agrees with it on a version. When nothing answers
// the error is an ErrUnreachable that says what to do. Close the engine after use.
func Connect(ctx context.Context) (*Engine, error) {
	api, err := client.New(client.FromEnv)
	if err != nil {
		return nil, fmt.Errorf("%w: %w; check DOCKER_HOST and the other DOCKER_ variables", ErrUnreachable, err)
	}
	if _, err := api.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		return nil, errors.Join(unreachable(api.DaemonHost(), err), api.Close())
	}
	return &Engine{api: api}, nil
}

// Close ends the connection.
func (e *Engine) Close() error { return e.api.Close() }

// unreachable says of an engine that does not answer what to do.
func unreachable(host string, err error) error {
	advice := "start it with `sudo systemctl start docker`, or start Docker Desktop; " +
		"set DOCKER_HOST when the engine is elsewhere"
	switch {
	case errors.Is(err, os.ErrPermission) || strings.Contains(err.Error(), "permission denied"):
		advice = "you may not use it; run `sudo usermod -aG docker $USER` and log in again"
	case errors.Is(err, context.Canceled):
		return err
	}
	return fmt.Errorf("%w at %s: %s", ErrUnreachable, host, advice)
}

// explain turns an error of a call into one that says when the engine is gone.
func (e *Engine) explain(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err() // the client takes an interrupt for a lost connection
	}
	if err != nil && client.IsErrConnectionFailed(err) && !errors.Is(err, ErrUnreachable) {
		return unreachable(e.api.DaemonHost(), err)
	}
	return err
}

// local says whether the engine's host is this machine, whose ports we can try.
func (e *Engine) local() bool {
	host := e.api.DaemonHost()
	return strings.HasPrefix(host, "unix://") || strings.HasPrefix(host, "npipe://")
}
