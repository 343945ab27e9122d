package deploy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Action is what a step does: one call of the engine's API, or a wait.
type Action string

// The actions. The words are in plans that users read and scripts parse.
const (
	CreateNetwork   Action = "create network"
	RemoveNetwork   Action = "remove network"
	CreateVolume    Action = "create volume"
	RemoveVolume    Action = "remove volume"
	PullImage       Action = "pull image"
	BuildImage      Action = "build image"
	CreateContainer Action = "create container"
	ConnectNetwork  Action = "connect network"
	StartContainer  Action = "start container"
	StopContainer   Action = "stop container"
	RemoveContainer Action = "remove container"
	CreateDatabase  Action = "create database"
	Await           Action = "await" // a service's readiness; changes nothing
)

// Step is one step of a plan.
type Step struct {
	Action Action `json:"action"`
	// Subject is the name of what the step acts on: a container, network, volume,
	// image or database; of Await, the service.
	Subject string `json:"subject"`
	// Service is the one it is done for; "" for what several share.
	Service string `json:"service,omitempty"`
	// Object is the engine's id of a container that is there already; of
	// ConnectNetwork, the network.
	Object string `json:"-"`
	Cause  string `json:"cause"`
	// Needs are the ids of the steps that have to be done before.
	Needs []string `json:"needs,omitempty"`
}

// ID names the step in its plan.
func (s Step) ID() string {
	if s.Action == ConnectNetwork {
		return string(s.Action) + " " + s.Object + " " + s.Subject
	}
	return string(s.Action) + " " + s.Subject
}

// Plan is the way from what there is to what is wanted. The same input gives the
// same plan. Steps are in an order that satisfies their needs.
type Plan struct {
	// Project is what is wanted, with the host ports that were chosen.
	Project *Project `json:"-"`
	Steps   []Step   `json:"steps"`
	// Published are the ports of each service that publishes any.
	Published map[string][]Published `json:"published,omitempty"`
	// Notices say what was decided otherwise than the user asked for.
	Notices []string `json:"notices,omitempty"`
}

// Changes returns the steps that change something.
func (p *Plan) Changes() []Step {
	return slices.DeleteFunc(slices.Clone(p.Steps), func(s Step) bool { return s.Action == Await })
}

// String returns the changes, one to a line, each with its cause.
func (p *Plan) String() string {
	var b strings.Builder
	changes := p.Changes()
	width := 0
	for _, s := range changes {
		width = max(width, len(s.Action)+1+len(s.Subject))
	}
	for _, s := range changes {
		fmt.Fprintf(&b, "%-*s  %s\n", width, string(s.Action)+" "+s.Subject, s.Cause)
	}
	return b.String()
}

// ErrConflict is in the chain of errors about something in the way that is not ours.
var ErrConflict = errors.New("conflict")

// NewPlan returns the steps that make project so. With services, only these and
// what they depend on are touched; without, containers of services that are no
// longer wanted are removed too. Something in the way, such as a fixed port that
// another holds, is an ErrConflict.
func NewPlan(project *Project, observed *Observed, services ...string) (*Plan, error) {
	scoped, err := project.scope(services)
	if err != nil {
		return nil, err
	}
	p := &planner{plan: &Plan{}, project: project, observed: observed, scope: scoped, imaged: map[string]bool{}}
	if err := p.choosePorts(); err != nil {
		return nil, err
	}
	if err := p.resources(); err != nil {
		return nil, err
	}
	for _, s := range scoped {
		p.images(s)
	}
	if len(services) == 0 {
		p.orphans()
	}
	for _, s := range scoped {
		p.container(s)
		p.databases(s)
	}
	for _, s := range scoped {
		p.await(s)
	}
	if p.plan.Steps, err = ordered(p.plan.Steps); err != nil {
		return nil, err
	}
	return p.plan, nil
}

// scope returns the named services and all they depend on, each after those; all
// services when names is empty.
func (p *Project) scope(names []string) ([]Service, error) {
	if len(names) == 0 {
		names = p.names()
	}
	var scoped []Service
	seen := map[string]bool{}
	var visit func(name string) error
	visit = func(name string) error {
		service, ok := p.Service(name)
		if !ok {
			return fmt.Errorf("no service %s in %s; there are %s", name, ComposeFile, strings.Join(p.names(), ", "))
		}
		if seen[name] {
			return nil
		}
		seen[name] = true
		for _, d := range service.DependsOn {
			if err := visit(d.Service); err != nil {
				return err
			}
		}
		scoped = append(scoped, service)
		return nil
	}
	for _, name := range names {
		if err := visit(name); err != nil {
			return nil, err
		}
	}
	return scoped, nil
}

func (p *Project) names() []string {
	names := make([]string, len(p.Services))
	for i, s := range p.Services {
		names[i] = s.Name
	}
	return names
}

// ordered returns steps so that each comes after those it needs, and otherwise
// in the order they are in. Needs that are no step of the plan are done already,
// and are dropped.
func ordered(steps []Step) ([]Step, error) {
	known := map[string]bool{}
	for _, s := range steps {
		known[s.ID()] = true
	}
	for i := range steps {
		steps[i].Needs = slices.DeleteFunc(steps[i].Needs, func(id string) bool { return !known[id] })
		slices.Sort(steps[i].Needs)
		steps[i].Needs = slices.Compact(steps[i].Needs)
	}
	done := map[string]bool{}
	result := make([]Step, 0, len(steps))
	for len(result) < len(steps) {
		before := len(result)
		for _, s := range steps {
			ready := !slices.ContainsFunc(s.Needs, func(id string) bool { return !done[id] })
			if ready && !done[s.ID()] {
				done[s.ID()] = true
				result = append(result, s)
			}
		}
		if len(result) == before {
			return nil, errors.New("order the plan: the services depend on each other in a circle")
		}
	}
	return result, nil
}
