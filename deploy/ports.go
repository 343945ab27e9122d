package deploy

import (
	"errors"
	"fmt"
)

// portTries bounds how many ports after the wanted one are looked at.
const portTries = 200

// hostPort is a port of the host.
type hostPort struct {
	ip   string
	port int
}

// choosePorts decides the host port of everything that the scope publishes: what
// a container has already, so that a second deploy does not move it; else the
// wanted one; else, when that is taken and not fixed, the next free one.
func (p *planner) choosePorts() error {
	p.plan.Project = p.project
	p.plan.Published = map[string][]Published{}
	used := map[hostPort]string{}
	// First what is wanted, so that no service is given another's port.
	for _, s := range p.project.Services {
		for _, port := range s.Ports {
			at := hostPort{port.HostIP, port.HostPort}
			if other, twice := used[at]; twice && port.HostPort != 0 {
				return fmt.Errorf("services %s and %s both want port %d of the host: %w",
					other, s.Name, port.HostPort, ErrConflict)
			}
			used[at] = s.Name
		}
	}
	// Then what running containers keep.
	for _, s := range p.project.Services {
		c, _ := p.observed.container(s.Name)
		for i, port := range s.Ports {
			if c.State == Running && i < len(c.Published) && c.Published[i].Wanted == port {
				used[hostPort{port.HostIP, c.Published[i].Chosen}] = s.Name
			}
		}
	}
	var faults []error
	for _, s := range p.scope {
		for i, port := range s.Ports {
			chosen, err := p.choosePort(s, port, i, used)
			if err != nil {
				faults = append(faults, err)
				continue
			}
			used[hostPort{port.HostIP, chosen}] = s.Name
			p.plan.Published[s.Name] = append(p.plan.Published[s.Name], Published{Wanted: port, Chosen: chosen})
		}
	}
	return errors.Join(faults...)
}

// choosePort decides one port. What a container has already is kept even when the
// wanted port is free again: a URL that was given out stays good.
func (p *planner) choosePort(s Service, port Port, index int, used map[hostPort]string) (int, error) {
	if port.HostPort == 0 {
		return 0, nil
	}
	fixed := s.Labels[LabelPort] == PortFixed
	wanted := port.HostPort
	if c, ok := p.observed.container(s.Name); ok && index < len(c.Published) && c.Published[index].Wanted == port {
		chosen := c.Published[index].Chosen
		// A port of a container that restarts is free at one moment and its own at the next.
		if c.State == Running || c.State == Restarting || c.State == Paused || p.holder(port.HostIP, chosen) == "" {
			return chosen, nil
		}
	}
	holder := p.holder(port.HostIP, wanted)
	if other := used[hostPort{port.HostIP, wanted}]; other != s.Name {
		holder = "service " + other
	}
	switch {
	case holder == "":
		return wanted, nil
	case fixed:
		return 0, fmt.Errorf("port %d of %s is taken by %s, and %s is fixed to it: %w",
			wanted, port.HostIP, holder, s.Name, ErrConflict)
	}
	for next := wanted + 1; next <= min(wanted+portTries, 65535); next++ {
		if used[hostPort{port.HostIP, next}] == "" && p.holder(port.HostIP, next) == "" {
			p.plan.Notices = append(p.plan.Notices,
				fmt.Sprintf("%s: port %d is taken by %s; using %d", s.Name, wanted, holder, next))
			return next, nil
		}
	}
	return 0, fmt.Errorf("port %d and the %d after it are taken: %w", wanted, portTries, ErrConflict)
}

// holder returns who outside of the project holds a port.
func (p *planner) holder(ip string, port int) string {
	if p.observed.PortHolder == nil {
		return ""
	}
	return p.observed.PortHolder(ip, port)
}
