// Package deploy decides what has to happen so that a project runs as its
// compose.yaml says: package compose reads what is wanted, a driver observes what there is,
// NewPlan names the single steps from here to there, each with its cause, and
// Execute has a Runner carry them out, in parallel where the graph allows.
//
// Nothing here knows Docker: package deploy/docker observes and runs on an
// engine. A plan is data, the same for the same input: `--dry-run` prints it and
// tests compare it.
package deploy

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"
)

// The labels that a user may write on a service in compose.yaml, and their values.
const (
	// LabelDatabase names the database that is created for the service on the
	// PostgreSQL service that it depends on.
	LabelDatabase = "run.minos.database"
	// LabelPort says PortFixed when no other host port may be taken.
	LabelPort = "run.minos.port"
	// LabelProtocol overrides what the service is asked before it counts as ready.
	LabelProtocol = "run.minos.protocol"

	// PortFixed is the value of LabelPort for a port that may not move.
	PortFixed = "fixed"
)

// ComposeFile is the file of a project that says what is wanted.
const ComposeFile = "compose.yaml"

// Project is what is wanted. Package compose makes it; it is not changed afterwards.
type Project struct {
	Name string
	Dir  string // absolute
	// Files are the compose files it was read from, absolute, in order.
	Files []string
	// Services, Networks and Volumes are sorted by name.
	Services []Service
	Networks []Network
	Volumes  []Volume
}

// Service returns the service called name.
func (p *Project) Service(name string) (Service, bool) {
	i := slices.IndexFunc(p.Services, func(s Service) bool { return s.Name == name })
	if i < 0 {
		return Service{}, false
	}
	return p.Services[i], true
}

// DatabaseServer returns the PostgreSQL service that s depends on; "" when it has none.
func (p *Project) DatabaseServer(s Service) string {
	for _, d := range s.DependsOn {
		if on, ok := p.Service(d.Service); ok && on.Protocol() == Postgres {
			return on.Name
		}
	}
	return ""
}

// Network is a network of the project.
type Network struct {
	Key      string // what services call it
	Name     string // what the engine calls it
	Driver   string // "" for the engine's own choice
	Internal bool
	External bool // it has to exist, and is not ours
}

// Volume is a named volume of the project.
type Volume struct {
	Key      string
	Name     string
	Driver   string
	External bool
}

// Service is one container of the project. Its JSON is what decides whether a
// container has to be made anew (see Fields), so that a field added here makes
// every container differ unless it is left out when empty.
type Service struct {
	Name            string            `json:"-"`
	Image           string            `json:"image"`
	Build           *Build            `json:"-"` // the image's id tells
	Command         []string          `json:"command,omitempty"`
	Entrypoint      []string          `json:"entrypoint,omitempty"`
	Environment     map[string]string `json:"environment,omitempty"`
	Ports           []Port            `json:"ports,omitempty"`
	Mounts          []Mount           `json:"volumes,omitempty"`
	Networks        []string          `json:"networks,omitempty"` // the engine's names, sorted
	DependsOn       []Dependency      `json:"-"`
	Healthcheck     *Healthcheck      `json:"healthcheck,omitempty"`
	Restart         string            `json:"restart,omitempty"`
	User            string            `json:"user,omitempty"`
	WorkingDir      string            `json:"working_dir,omitempty"`
	Hostname        string            `json:"hostname,omitempty"`
	ReadOnly        bool              `json:"read_only,omitempty"`
	Tmpfs           []string          `json:"tmpfs,omitempty"`
	CapDrop         []string          `json:"cap_drop,omitempty"`
	CapAdd          []string          `json:"cap_add,omitempty"`
	SecurityOpt     []string          `json:"security_opt,omitempty"`
	Init            *bool             `json:"init,omitempty"`
	Labels          map[string]string `json:"labels,omitempty"`
	MemLimit        int64             `json:"mem_limit,omitempty"` // bytes
	CPUs            float64           `json:"cpus,omitempty"`
	PidsLimit       int64             `json:"pids_limit,omitempty"`
	StopGracePeriod time.Duration     `json:"stop_grace_period,omitempty"`
	StopSignal      string            `json:"stop_signal,omitempty"`
}

// Build says how a service's image is built.
type Build struct {
	Context    string // an absolute directory
	Dockerfile string // in Context, with slashes
	Args       map[string]string
	Target     string // the stage to build; "" for the last
	// Hash is of all that the image is made from except Bases.
	Hash string
	// Bases are the images that the Dockerfile starts from, sorted.
	Bases []string
}

// Port is a port of a service that is published on the host.
type Port struct {
	HostIP   string `json:"host_ip"`
	HostPort int    `json:"host_port"` // 0: whatever the engine picks
	Target   int    `json:"target"`
	Protocol string `json:"protocol"` // tcp or udp
}

// Mount is a directory or volume that a service sees.
type Mount struct {
	Type     MountType `json:"type"`
	Source   string    `json:"source,omitempty"` // the engine's name of a volume, or an absolute path
	Target   string    `json:"target"`
	ReadOnly bool      `json:"read_only,omitempty"`
	Size     int64     `json:"size,omitempty"` // of a tmpfs, in bytes
}

// MountType is a kind of mount.
type MountType string

// The kinds of mounts.
const (
	MountVolume MountType = "volume"
	MountBind   MountType = "bind"
	MountTmpfs  MountType = "tmpfs"
)

// Dependency is a service that has to come first.
type Dependency struct {
	Service   string
	Condition Condition
}

// Condition is what a dependency has to have reached.
type Condition string

// The conditions, in Compose's words. A database or broker is waited for until it
// serves, with Started too.
const (
	Started   Condition = "service_started"
	Healthy   Condition = "service_healthy" // ready, as Protocol says
	Completed Condition = "service_completed_successfully"
)

// Healthcheck is passed on to the engine. Readiness does not depend on it.
type Healthcheck struct {
	Test        []string      `json:"test,omitempty"` // "NONE" alone turns the image's own off
	Interval    time.Duration `json:"interval,omitempty"`
	Timeout     time.Duration `json:"timeout,omitempty"`
	StartPeriod time.Duration `json:"start_period,omitempty"`
	Retries     int           `json:"retries,omitempty"`
}

// Protocol is what a service is asked, beyond "does its process run", before it
// counts as ready.
type Protocol string

// The protocols. The words are those of LabelProtocol.
const (
	// HTTP: GET /system/health answers 200.
	HTTP     Protocol = "http"
	Postgres Protocol = "postgres" // it takes connections
	Kafka    Protocol = "kafka"    // it answers ApiVersions
	TCP      Protocol = "tcp"      // its port accepts a connection
	None     Protocol = "none"     // the process runs
	// Job: the process ended with 0. What others wait for to complete is a job.
	Job Protocol = "job"
)

// Protocol returns what s is asked: what LabelProtocol says; else what its image
// is known to speak; else, of a service that is built here and publishes a port,
// HTTP; else TCP of its published port; else None.
func (s Service) Protocol() Protocol {
	if p := s.Labels[LabelProtocol]; p != "" {
		return Protocol(p)
	}
	repository, _, _ := strings.Cut(path.Base(Reference(s.Image)), ":")
	switch {
	case s.Build == nil && repository == string(Postgres):
		return Postgres
	case s.Build == nil && repository == string(Kafka):
		return Kafka
	case len(s.Ports) == 0 || s.Ports[0].Protocol != "tcp":
		return None
	case s.Build != nil:
		return HTTP
	}
	return TCP
}

// ProtocolPort returns the port inside the container at which s is asked; 0 when
// it is not asked at any.
func (s Service) ProtocolPort() int {
	switch {
	case len(s.Ports) > 0 && s.Ports[0].Protocol == "tcp":
		return s.Ports[0].Target
	case s.Protocol() == Postgres:
		return 5432
	case s.Protocol() == Kafka:
		return 9092
	}
	return 0
}

// Reference returns an image's name as engines list it: with its tag, without
// the names of the default registry and its library.
func Reference(image string) string {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return image // the engine will say what is wrong with it
	}
	return reference.FamiliarString(reference.TagNameOnly(named))
}
