package deploy

import (
	"fmt"
	"slices"
	"strings"
)

// planner fills a plan.
type planner struct {
	plan     *Plan
	project  *Project
	observed *Observed
	scope    []Service
	imaged   map[string]bool // images that were looked at, by Reference
}

// add appends a step and returns its id, for the steps that need it.
func (p *planner) add(s Step) string {
	p.plan.Steps = append(p.plan.Steps, s)
	return s.ID()
}

// planned says whether the plan has a step.
func (p *planner) planned(action Action, subject string) bool {
	return slices.ContainsFunc(p.plan.Steps, func(s Step) bool { return s.Action == action && s.Subject == subject })
}

// resources plans the networks and volumes that the scope uses.
func (p *planner) resources() error {
	used := map[string]bool{}
	for _, s := range p.scope {
		for _, network := range s.Networks {
			used[network] = true
		}
		for _, m := range s.Mounts {
			if m.Type == MountVolume {
				used[m.Source] = true
			}
		}
	}
	for _, n := range p.project.Networks {
		switch {
		case !used[n.Name] || p.observed.Networks[n.Name]:
		case n.External:
			return fmt.Errorf("network %s is external and does not exist: %w", n.Name, ErrConflict)
		default:
			p.add(Step{Action: CreateNetwork, Subject: n.Name, Cause: "not there yet"})
		}
	}
	for _, v := range p.project.Volumes {
		switch {
		case !used[v.Name] || p.observed.Volumes[v.Name]:
		case v.External:
			return fmt.Errorf("volume %s is external and does not exist: %w", v.Name, ErrConflict)
		default:
			p.add(Step{Action: CreateVolume, Subject: v.Name, Cause: "not there yet"})
		}
	}
	return nil
}

// images plans the pull or build of what s runs.
func (p *planner) images(s Service) {
	if s.Build == nil {
		p.pull(s.Image, s.Name)
		return
	}
	if p.imaged[Reference(s.Image)] {
		return
	}
	p.imaged[Reference(s.Image)] = true
	var needs []string
	for _, base := range s.Build.Bases {
		if builder, ok := p.builder(base); ok {
			p.images(builder)
			if p.planned(BuildImage, builder.Image) {
				needs = append(needs, string(BuildImage)+" "+builder.Image)
			}
		} else if p.pull(base, s.Name) {
			needs = append(needs, string(PullImage)+" "+Reference(base))
		}
	}
	if cause := p.buildCause(s, needs); cause != "" {
		p.add(Step{Action: BuildImage, Subject: s.Image, Service: s.Name, Cause: cause, Needs: needs})
	}
}

// builder returns the service of the scope that builds an image.
func (p *planner) builder(image string) (Service, bool) {
	for _, s := range p.scope {
		if s.Build != nil && Reference(s.Image) == Reference(image) {
			return s, true
		}
	}
	return Service{}, false
}

// pull plans the pull of an image that is not there, and says whether one is planned.
func (p *planner) pull(image, service string) bool {
	reference := Reference(image)
	if _, there := p.observed.Images[reference]; there {
		return false
	}
	if _, built := p.builder(image); built {
		return false
	}
	if !p.planned(PullImage, reference) {
		p.add(Step{Action: PullImage, Subject: reference, Service: service, Cause: "not on the engine"})
	}
	return true
}

// buildCause returns why the image of s has to be built; "" when it has not.
func (p *planner) buildCause(s Service, bases []string) string {
	image, there := p.observed.Images[Reference(s.Image)]
	switch {
	case !there:
		return "no image yet"
	case image.BuildHash != s.Build.Hash:
		return "build context changed"
	case len(bases) > 0:
		return "a base image is new"
	}
	for _, base := range s.Build.Bases {
		reference := Reference(base)
		if id := image.BaseIDs[reference]; id != p.observed.Images[reference].ID {
			return "base image " + base + " changed"
		}
	}
	return ""
}

// orphans plans the end of containers whose service is not wanted any more.
func (p *planner) orphans() {
	for _, c := range p.observed.Containers {
		if _, wanted := p.project.Service(c.Service); !wanted {
			p.remove(c, "service "+c.Service+" is no longer in "+ComposeFile)
		}
	}
}

// remove plans the end of a container, and returns the id of its last step.
func (p *planner) remove(c Container, cause string, needs ...string) string {
	if c.State == Running || c.State == Paused || c.State == Restarting {
		stop := Step{
			Action: StopContainer, Subject: c.Name, Service: c.Service, Object: c.ID, Cause: cause,
			Needs: slices.Clone(needs),
		}
		needs = append(needs, p.add(stop))
	}
	return p.add(Step{
		Action: RemoveContainer, Subject: c.Name, Service: c.Service, Object: c.ID, Cause: cause, Needs: needs,
	})
}

// container plans what makes the container of s run as wanted.
func (p *planner) container(s Service) {
	for _, c := range p.observed.Containers {
		if first, _ := p.observed.container(s.Name); c.Service == s.Name && c.ID != first.ID {
			p.remove(c, "one container is wanted, this is another")
		}
	}
	image := []string{string(PullImage) + " " + Reference(s.Image), string(BuildImage) + " " + s.Image}
	c, there := p.observed.container(s.Name)
	if !there {
		p.create(s, "no container yet", image)
		return
	}
	if cause := p.recreateCause(s, c); cause != "" {
		removed := p.remove(c, cause, image...)
		p.create(s, cause, append(image, removed))
		return
	}
	p.keep(s, c)
}

// ContainerName returns the name of the container of a service.
func (p *Project) ContainerName(service string) string { return p.Name + "-" + service + "-1" }

// create plans a new container and its start.
func (p *planner) create(s Service, cause string, needs []string) {
	name := p.project.ContainerName(s.Name)
	needs = slices.Clone(needs)
	for _, network := range s.Networks {
		needs = append(needs, string(CreateNetwork)+" "+network)
	}
	for _, m := range s.Mounts {
		needs = append(needs, string(CreateVolume)+" "+m.Source)
	}
	created := p.add(Step{Action: CreateContainer, Subject: name, Service: s.Name, Cause: cause, Needs: needs})
	connected := p.connect(s, name, s.Networks[:min(1, len(s.Networks))], created)
	p.start(s, Step{Subject: name, Cause: "it is new"}, append(connected, created))
}

// connect plans the networks of a container beyond those it has. An engine of API
// 1.41 takes one at creation.
func (p *planner) connect(s Service, container string, has []string, needs ...string) []string {
	var ids []string
	for _, network := range s.Networks {
		if slices.Contains(has, network) {
			continue
		}
		ids = append(ids, p.add(Step{
			Action: ConnectNetwork, Subject: container, Service: s.Name, Object: network,
			Cause: "not on " + network + " yet",
			Needs: append(needs[:len(needs):len(needs)], string(CreateNetwork)+" "+network),
		}))
	}
	return ids
}

// start plans the start that step describes, after needs and what s depends on.
func (p *planner) start(s Service, step Step, needs []string) {
	step.Action, step.Service, step.Needs = StartContainer, s.Name, slices.Clone(needs)
	for _, d := range s.DependsOn {
		if d.Condition == Started && !p.serves(d.Service) {
			step.Needs = append(step.Needs, string(StartContainer)+" "+p.containerName(d.Service))
		} else {
			step.Needs = append(step.Needs, string(Await)+" "+d.Service)
		}
	}
	if name := s.Labels[LabelDatabase]; name != "" {
		step.Needs = append(step.Needs, string(CreateDatabase)+" "+name)
	}
	step.Needs = append(step.Needs, p.portsFreed(s)...)
	p.add(step)
}

// portsFreed returns the removal of each container that holds a port of the host
// which s is to have. One that is not removed is not there, or keeps another port.
func (p *planner) portsFreed(s Service) []string {
	var ids []string
	for _, wanted := range p.plan.Published[s.Name] {
		for _, c := range p.observed.Containers {
			holds := slices.ContainsFunc(c.Published, func(held Published) bool { return held.Chosen == wanted.Chosen })
			if holds && c.Service != s.Name {
				ids = append(ids, string(RemoveContainer)+" "+c.Name)
			}
		}
	}
	return ids
}

// serves says whether a service is a database or broker. What depends on one is
// started when it serves, whatever the condition says: "started" alone helps
// nobody, and Compose's "healthy" needs a check that costs the engine a process
// every few seconds.
func (p *planner) serves(service string) bool {
	s, _ := p.project.Service(service)
	protocol := s.Protocol()
	return protocol == Postgres || protocol == Kafka
}

// containerName returns the name that the container of a service has, or will have.
func (p *planner) containerName(service string) string {
	if c, ok := p.observed.container(service); ok && !p.planned(CreateContainer, p.project.ContainerName(service)) {
		return c.Name
	}
	return p.project.ContainerName(service)
}

// recreateCause returns why the container of s has to be made anew; "" when it
// has not.
func (p *planner) recreateCause(s Service, c Container) string {
	image, there := p.observed.Images[Reference(s.Image)]
	switch {
	case c.State == Removing || c.State == Dead || c.State == Paused:
		return "it is " + string(c.State)
	case c.ConfigHash != s.ConfigHash() && c.Fields == nil:
		return "it was not made by minos"
	case c.ConfigHash != s.ConfigHash():
		return "configuration changed: " + strings.Join(changedFields(c.Fields, s.Fields()), ", ")
	case p.planned(BuildImage, s.Image) || p.planned(PullImage, Reference(s.Image)):
		return "its image is new"
	case there && image.ID != c.ImageID:
		return "image changed"
	}
	for i, chosen := range p.plan.Published[s.Name] {
		if i < len(c.Published) && c.Published[i].Chosen != chosen.Chosen {
			return fmt.Sprintf("host port %d is taken", c.Published[i].Chosen)
		}
	}
	return ""
}

// keep plans what a container needs that stays.
func (p *planner) keep(s Service, c Container) {
	connects := p.connect(s, c.Name, c.Networks)
	start := Step{Subject: c.Name, Object: c.ID}
	switch {
	case c.State == Running:
		return
	case c.State == Restarting:
		start.Cause = "it keeps restarting"
		connects = append(connects, p.add(Step{
			Action: StopContainer, Subject: c.Name, Service: s.Name, Object: c.ID, Cause: start.Cause,
		}))
	case c.State == Created:
		start.Cause = "it was never started"
	case p.isJob(s) && c.ExitCode == 0:
		return
	default:
		start.Cause = fmt.Sprintf("it exited with code %d", c.ExitCode)
	}
	p.start(s, start, connects)
}

// isJob says whether the process of s is meant to end.
func (p *planner) isJob(s Service) bool { return p.project.ReadyWhen(s) == Job }

// ReadyWhen returns what s is asked before it counts as ready: its Protocol, but
// Job when another service waits for it to complete.
func (p *Project) ReadyWhen(s Service) Protocol {
	for _, other := range p.Services {
		for _, d := range other.DependsOn {
			if d.Service == s.Name && d.Condition == Completed {
				return Job
			}
		}
	}
	return s.Protocol()
}

// databases plans the database of s, when it is not known to exist.
func (p *planner) databases(s Service) {
	name := s.Labels[LabelDatabase]
	if name == "" || p.planned(CreateDatabase, name) {
		return
	}
	server := p.project.DatabaseServer(s)
	cause := "not on " + server + " yet"
	existing, asked := p.observed.Databases[server]
	if asked && !p.planned(CreateContainer, p.project.ContainerName(server)) {
		if existing[name] {
			return
		}
	} else {
		cause = server + " could not be asked yet whether it has it"
	}
	p.add(Step{
		Action: CreateDatabase, Subject: name, Service: s.Name, Cause: cause,
		Needs: []string{string(Await) + " " + server},
	})
}

// await plans the wait for s, which changes nothing.
func (p *planner) await(s Service) {
	cause := "it has to be ready"
	for _, other := range p.scope {
		for _, d := range other.DependsOn {
			if d.Service == s.Name && (d.Condition != Started || p.serves(s.Name)) {
				cause = other.Name + " waits for it"
			}
		}
	}
	p.add(Step{
		Action: Await, Subject: s.Name, Service: s.Name, Cause: cause,
		Needs: []string{string(StartContainer) + " " + p.containerName(s.Name)},
	})
}
