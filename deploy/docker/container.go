package docker

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/minos-framework/minos-go/deploy"
)

// create makes the container of s, on the first of its networks, and does not
// start it.
func (r *Runner) create(ctx context.Context, s deploy.Service) error {
	options, err := createOptions(r.plan.Project, s, r.plan.Published[s.Name])
	if err != nil {
		return err
	}
	_, err = r.api.ContainerCreate(ctx, options)
	if errdefs.IsConflict(err) {
		return inTheWay("container", err)
	}
	return err
}

// createOptions says in the engine's words what s is.
func createOptions(
	p *deploy.Project, s deploy.Service, published []deploy.Published,
) (client.ContainerCreateOptions, error) {
	exposed, bindings, err := portsOf(s, published)
	if err != nil {
		return client.ContainerCreateOptions{}, err
	}
	config := &container.Config{
		Image: s.Image, Cmd: s.Command, Entrypoint: s.Entrypoint, Env: environment(s.Environment), User: s.User,
		WorkingDir: s.WorkingDir, Hostname: s.Hostname, Labels: containerLabels(p, s, published),
		ExposedPorts: exposed, StopSignal: s.StopSignal, Healthcheck: healthcheck(s.Healthcheck),
	}
	if s.StopGracePeriod > 0 {
		seconds := int(max(s.StopGracePeriod, time.Second) / time.Second)
		config.StopTimeout = &seconds
	}
	host := &container.HostConfig{
		PortBindings: bindings, RestartPolicy: restartPolicy(s.Restart), ReadonlyRootfs: s.ReadOnly,
		Tmpfs: tmpfs(s.Tmpfs), CapAdd: s.CapAdd, CapDrop: s.CapDrop, SecurityOpt: s.SecurityOpt, Init: s.Init,
		Mounts:    mounts(s.Mounts),
		Resources: container.Resources{Memory: s.MemLimit, NanoCPUs: int64(s.CPUs * 1e9)},
	}
	if s.PidsLimit != 0 {
		host.PidsLimit = &s.PidsLimit
	}
	options := client.ContainerCreateOptions{Name: p.ContainerName(s.Name), Config: config, HostConfig: host}
	if len(s.Networks) > 0 { // the others are connected by steps of their own
		first := s.Networks[0]
		host.NetworkMode = container.NetworkMode(first)
		endpoints := map[string]*network.EndpointSettings{first: {Aliases: []string{s.Name}}}
		options.NetworkingConfig = &network.NetworkingConfig{EndpointsConfig: endpoints}
	}
	return options, nil
}

// environment returns the variables sorted, so that the same service is the same
// request.
func environment(values map[string]string) []string {
	var env []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		env = append(env, name+"="+values[name])
	}
	return env
}

// healthcheck passes a check on. "start_interval" is not carried: engines before
// API 1.44 drop it.
func healthcheck(h *deploy.Healthcheck) *container.HealthConfig {
	if h == nil {
		return nil
	}
	return &container.HealthConfig{
		Test: h.Test, Interval: h.Interval, Timeout: h.Timeout, StartPeriod: h.StartPeriod, Retries: h.Retries,
	}
}

// portsOf returns the ports that a container opens, and where on the host each is
// reached: at the port that the plan chose, not at the one that was wanted.
func portsOf(s deploy.Service, published []deploy.Published) (network.PortSet, network.PortMap, error) {
	exposed, bindings := network.PortSet{}, network.PortMap{}
	for _, p := range published {
		port, err := network.ParsePort(fmt.Sprintf("%d/%s", p.Wanted.Target, p.Wanted.Protocol))
		if err != nil {
			return nil, nil, fmt.Errorf("publish a port of %s: %w", s.Name, err)
		}
		ip, err := netip.ParseAddr(p.Wanted.HostIP)
		if err != nil {
			return nil, nil, fmt.Errorf("publish a port of %s: %w", s.Name, err)
		}
		number := ""
		if p.Chosen != 0 {
			number = strconv.Itoa(p.Chosen)
		}
		exposed[port] = struct{}{}
		bindings[port] = append(bindings[port], network.PortBinding{HostIP: ip, HostPort: number})
	}
	return exposed, bindings, nil
}

// restartPolicy reads "no", "always", "unless-stopped", "on-failure" and "on-failure:3".
func restartPolicy(restart string) container.RestartPolicy {
	name, count, _ := strings.Cut(restart, ":")
	policy := container.RestartPolicy{Name: container.RestartPolicyMode(name)}
	policy.MaximumRetryCount, _ = strconv.Atoi(count) // Compose's schema lets only numbers through
	return policy
}

// tmpfs reads "/tmp" and "/tmp:size=4m".
func tmpfs(paths []string) map[string]string {
	options := map[string]string{}
	for _, path := range paths {
		target, option, _ := strings.Cut(path, ":")
		options[target] = option
	}
	return options
}

func mounts(wanted []deploy.Mount) []mount.Mount {
	var result []mount.Mount
	for _, m := range wanted {
		mounted := mount.Mount{Type: mount.Type(m.Type), Source: m.Source, Target: m.Target, ReadOnly: m.ReadOnly}
		if m.Type == deploy.MountTmpfs && m.Size > 0 {
			mounted.TmpfsOptions = &mount.TmpfsOptions{SizeBytes: m.Size}
		}
		result = append(result, mounted)
	}
	return result
}
