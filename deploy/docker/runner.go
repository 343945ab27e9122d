package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/minos-framework/minos-go/deploy"
)

// RunnerConfig says how a plan is carried out.
type RunnerConfig struct {
	// Timeout bounds the wait for each service, from its start on. Zero means two
	// minutes.
	Timeout time.Duration
	// Volumes says that a container's anonymous volumes are removed with it.
	Volumes bool
}

// Runner carries out the steps of one plan on an engine. It is made by
// Engine.Runner.
type Runner struct {
	*Engine
	plan   *deploy.Plan
	config RunnerConfig

	mu      sync.Mutex
	started map[string]bool // the services whose container this run started
}

var _ deploy.Runner = (*Runner)(nil)

// Runner returns what carries out plan, which was made of what this engine's
// Observe returned.
func (e *Engine) Runner(plan *deploy.Plan, config RunnerConfig) *Runner {
	config.Timeout = cmp.Or(config.Timeout, 2*time.Minute)
	return &Runner{Engine: e, plan: plan, config: config, started: map[string]bool{}}
}

// Run does one step. A service that does not get ready is a *deploy.NotReadyError;
// a build that fails a *BuildError; an engine that is gone an ErrUnreachable.
//
// What takes long ends when ctx does. A call that takes a moment is waited for
// all the same: the engine would go on with it, and whoever deploys next would
// not see it yet.
func (r *Runner) Run(ctx context.Context, step deploy.Step, output func(line string)) error {
	switch step.Action {
	case deploy.BuildImage, deploy.PullImage, deploy.Await:
	default:
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
		defer cancel()
	}
	return r.explain(ctx, r.run(ctx, step, output))
}

// callTimeout bounds a call that takes a moment. A container may take its time
// to stop.
const callTimeout = 5 * time.Minute

func (r *Runner) run(ctx context.Context, step deploy.Step, output func(line string)) error {
	switch step.Action {
	case deploy.CreateNetwork:
		return r.createNetwork(ctx, step.Subject)
	case deploy.RemoveNetwork:
		_, err := r.api.NetworkRemove(ctx, step.Subject, client.NetworkRemoveOptions{})
		return unlessGone(err)
	case deploy.CreateVolume:
		return r.createVolume(ctx, step.Subject)
	case deploy.RemoveVolume:
		_, err := r.api.VolumeRemove(ctx, step.Subject, client.VolumeRemoveOptions{})
		return unlessGone(err)
	case deploy.ConnectNetwork:
		return r.connect(ctx, step)
	case deploy.StopContainer:
		_, err := r.api.ContainerStop(ctx, step.Object, client.ContainerStopOptions{})
		return unlessGone(err)
	case deploy.RemoveContainer:
		options := client.ContainerRemoveOptions{RemoveVolumes: r.config.Volumes}
		_, err := r.api.ContainerRemove(ctx, step.Object, options)
		return unlessGone(err)
	case deploy.PullImage:
		return r.pull(ctx, step.Subject, output)
	}
	service, ok := r.plan.Project.Service(step.Service)
	if !ok {
		return fmt.Errorf("no service %s", step.Service)
	}
	switch step.Action {
	case deploy.BuildImage:
		return r.build(ctx, service, output)
	case deploy.CreateContainer:
		return r.create(ctx, service)
	case deploy.StartContainer:
		return r.start(ctx, step)
	case deploy.CreateDatabase:
		return r.createDatabase(ctx, service)
	case deploy.Await:
		return r.await(ctx, service)
	}
	return fmt.Errorf("unknown action %q", step.Action)
}

// unlessGone returns err, unless it says that what was to go is not there.
func unlessGone(err error) error {
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
}

// createNetwork makes a network, unless it is there. It looks first: an engine of
// API 1.41 makes a second one of the same name, and can then start no container
// on either.
func (r *Runner) createNetwork(ctx context.Context, name string) error {
	i := slices.IndexFunc(r.plan.Project.Networks, func(n deploy.Network) bool { return n.Name == name })
	if i < 0 {
		return fmt.Errorf("no network %s", name)
	}
	n := r.plan.Project.Networks[i]
	there, err := r.api.NetworkInspect(ctx, name, client.NetworkInspectOptions{})
	switch {
	case err == nil && there.Network.Labels[labelProject] == r.plan.Project.Name:
		return nil
	case err == nil:
		return inTheWay("network", nil)
	case !errdefs.IsNotFound(err):
		return err
	}
	_, err = r.api.NetworkCreate(ctx, name, client.NetworkCreateOptions{
		Driver: n.Driver, Internal: n.Internal, Labels: resourceLabels(r.plan.Project, labelNetwork, n.Key),
	})
	if errdefs.IsConflict(err) {
		return inTheWay("network", err)
	}
	return err
}

// createVolume makes a volume. It looks first: an engine answers the creation of
// one that is there with that one, whoever's data it holds.
func (r *Runner) createVolume(ctx context.Context, name string) error {
	i := slices.IndexFunc(r.plan.Project.Volumes, func(v deploy.Volume) bool { return v.Name == name })
	if i < 0 {
		return fmt.Errorf("no volume %s", name)
	}
	v := r.plan.Project.Volumes[i]
	there, err := r.api.VolumeInspect(ctx, name, client.VolumeInspectOptions{})
	switch {
	case err == nil && there.Volume.Labels[labelProject] == r.plan.Project.Name:
		return nil
	case err == nil:
		return inTheWay("volume", nil)
	case !errdefs.IsNotFound(err):
		return err
	}
	_, err = r.api.VolumeCreate(ctx, client.VolumeCreateOptions{
		Name: name, Driver: v.Driver, Labels: resourceLabels(r.plan.Project, labelVolume, v.Key),
	})
	return err
}

// inTheWay says that something that is not the project's has a name of ours. It
// is never touched: what is in it is somebody's.
func inTheWay(kind string, err error) error {
	advice := "remove it, or say in compose.override.yaml that it is external"
	if kind == "container" {
		advice = "remove or rename it"
	}
	return fmt.Errorf("a %s of this name is there and not the project's; %s: %w",
		kind, advice, errors.Join(deploy.ErrConflict, err))
}

// connect puts a container on a further network, where its service's name finds it.
func (r *Runner) connect(ctx context.Context, step deploy.Step) error {
	_, err := r.api.NetworkConnect(ctx, step.Object, client.NetworkConnectOptions{
		Container:      step.Subject,
		EndpointConfig: &network.EndpointSettings{Aliases: []string{step.Service}},
	})
	return err
}

// start starts a container. What the engine says of a process that cannot even
// be started is of the service, not of the engine.
func (r *Runner) start(ctx context.Context, step deploy.Step) error {
	_, err := r.api.ContainerStart(ctx, cmp.Or(step.Object, step.Subject), client.ContainerStartOptions{})
	switch {
	case err == nil:
		r.mu.Lock()
		defer r.mu.Unlock()
		r.started[step.Service] = true
		return nil
	case ctx.Err() != nil || client.IsErrConnectionFailed(err) || errdefs.IsNotFound(err):
		return err
	case strings.Contains(err.Error(), "port is already allocated"),
		strings.Contains(err.Error(), "address already in use"):
		return fmt.Errorf("a port was taken in the meantime; deploy again to pick another: %w",
			errors.Join(deploy.ErrConflict, err))
	}
	return &deploy.NotReadyError{
		Service: step.Service, Container: step.Subject, Reason: "it cannot be started: " + err.Error(),
	}
}

// startedNow says whether this run started a service: then no restart of its
// container is an old one.
func (r *Runner) startedNow(service string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.started[service]
}
