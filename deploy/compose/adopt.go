package compose

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/minos-framework/minos-go/deploy"
	"github.com/minos-framework/minos-go/deploy/buildcontext"
)

// adoptService turns a service of Compose's model into ours. Everything that
// carriedKeys lets through is read here.
func adoptService(project *types.Project, s types.ServiceConfig) (deploy.Service, error) {
	service := deploy.Service{
		Name: s.Name, Image: s.Image, Command: s.Command, Entrypoint: s.Entrypoint,
		Environment: map[string]string{}, Restart: s.Restart, User: s.User, WorkingDir: s.WorkingDir,
		Hostname: s.Hostname, ReadOnly: s.ReadOnly, Tmpfs: s.Tmpfs, CapDrop: s.CapDrop, CapAdd: s.CapAdd,
		SecurityOpt: s.SecurityOpt, Init: s.Init, Labels: maps.Clone(s.Labels), MemLimit: int64(s.MemLimit),
		// Through text: a float32 of 0.1 is not 0.1.
		CPUs: decimal(s.CPUS), PidsLimit: s.PidsLimit, StopSignal: s.StopSignal,
		StopGracePeriod: duration(s.StopGracePeriod), Healthcheck: adoptHealthcheck(s.HealthCheck),
	}
	for name, value := range s.Environment {
		if value != nil {
			service.Environment[name] = *value
		}
	}
	for key := range s.Networks {
		service.Networks = append(service.Networks, project.Networks[key].Name)
	}
	slices.Sort(service.Networks)
	for _, name := range slices.Sorted(maps.Keys(s.DependsOn)) {
		if _, there := project.Services[name]; !there {
			continue // "required: false"
		}
		service.DependsOn = append(service.DependsOn, deploy.Dependency{
			Service: name, Condition: deploy.Condition(s.DependsOn[name].Condition),
		})
	}
	var faults []error
	var err error
	if service.Build, err = adoptBuild(s.Build); err != nil {
		faults = append(faults, fmt.Errorf("services.%s.build: %w", s.Name, err))
	}
	if service.Image == "" {
		service.Image = project.Name + "-" + s.Name
	}
	if service.Ports, err = adoptPorts(s.Ports); err != nil {
		faults = append(faults, fmt.Errorf("services.%s.ports: %w", s.Name, err))
	}
	if service.Mounts, err = adoptMounts(project, s.Volumes); err != nil {
		faults = append(faults, fmt.Errorf("services.%s.volumes: %w", s.Name, err))
	}
	return service, errors.Join(append(faults, check(service))...)
}

// check refuses values that Compose lets through and we do not understand.
func check(s deploy.Service) error {
	var faults []error
	switch s.Protocol() {
	case deploy.HTTP, deploy.Postgres, deploy.Kafka, deploy.TCP, deploy.None, deploy.Job:
	default:
		faults = append(faults, fmt.Errorf("services.%s.labels: %s is one of http, postgres, kafka, tcp, none and job",
			s.Name, deploy.LabelProtocol))
	}
	if p := s.Protocol(); (p == deploy.HTTP || p == deploy.TCP) && s.ProtocolPort() == 0 {
		faults = append(faults, fmt.Errorf("services.%s.ports: %s needs a published port to ask at", s.Name, p))
	}
	if p := s.Labels[deploy.LabelPort]; p != "" && p != deploy.PortFixed {
		faults = append(faults, fmt.Errorf("services.%s.labels: %s is %s or not there",
			s.Name, deploy.LabelPort, deploy.PortFixed))
	}
	return errors.Join(faults...)
}

// adoptBuild reads the build context as it is now: its hash decides whether the
// image is built again.
func adoptBuild(b *types.BuildConfig) (*deploy.Build, error) {
	if b == nil {
		return nil, nil
	}
	build := &deploy.Build{
		Context: b.Context, Dockerfile: cmp.Or(b.Dockerfile, "Dockerfile"), Args: map[string]string{}, Target: b.Target,
	}
	for name, value := range b.Args {
		if value != nil {
			build.Args[name] = *value
		}
	}
	source, err := buildcontext.Open(build.Context, build.Dockerfile)
	if err != nil {
		return nil, err
	}
	if build.Hash, err = source.Hash(build.Target, build.Args); err != nil {
		return nil, err
	}
	build.Bases, err = source.Bases(build.Args)
	return build, err
}

// adoptPorts publishes on this machine alone what names no address.
func adoptPorts(ports []types.ServicePortConfig) ([]deploy.Port, error) {
	var adopted []deploy.Port
	for _, p := range ports {
		port := deploy.Port{
			HostIP: cmp.Or(p.HostIP, "127.0.0.1"), Target: int(p.Target), Protocol: cmp.Or(p.Protocol, "tcp"),
		}
		if p.Published != "" {
			number, err := strconv.ParseUint(p.Published, 10, 16)
			if err != nil {
				return nil, fmt.Errorf("published port %q is not one number; ranges are not carried out", p.Published)
			}
			port.HostPort = int(number)
		}
		adopted = append(adopted, port)
	}
	return adopted, nil
}

// adoptMounts gives volumes their names on the engine. A relative path of the host
// is absolute by now.
func adoptMounts(project *types.Project, volumes []types.ServiceVolumeConfig) ([]deploy.Mount, error) {
	var mounts []deploy.Mount
	for _, v := range volumes {
		mount := deploy.Mount{Type: deploy.MountType(v.Type), Source: v.Source, Target: v.Target, ReadOnly: v.ReadOnly}
		switch mount.Type {
		case deploy.MountVolume:
			if v.Source != "" {
				mount.Source = project.Volumes[v.Source].Name
			}
		case deploy.MountBind:
		case deploy.MountTmpfs:
			if v.Tmpfs != nil {
				mount.Size = int64(v.Tmpfs.Size)
			}
		default:
			return nil, fmt.Errorf("type %q is not carried out", v.Type)
		}
		mounts = append(mounts, mount)
	}
	return mounts, nil
}

// adoptHealthcheck returns nil when the service leaves the image's own check as it is.
func adoptHealthcheck(h *types.HealthCheckConfig) *deploy.Healthcheck {
	if h == nil {
		return nil
	}
	if h.Disable {
		return &deploy.Healthcheck{Test: []string{"NONE"}}
	}
	check := &deploy.Healthcheck{
		Test: h.Test, Interval: duration(h.Interval), Timeout: duration(h.Timeout),
		StartPeriod: duration(h.StartPeriod),
	}
	if h.Retries != nil {
		check.Retries = int(*h.Retries)
	}
	return check
}

func duration(d *types.Duration) time.Duration {
	if d == nil {
		return 0
	}
	return time.Duration(*d)
}

// decimal returns the number that was written, which a float32 only comes near to.
func decimal(f float32) float64 {
	number, err := strconv.ParseFloat(strconv.FormatFloat(float64(f), 'g', -1, 32), 64)
	if err != nil {
		return float64(f)
	}
	return number
}
