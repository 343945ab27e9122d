package docker

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"

	"github.com/moby/moby/client"
)

// portHolder returns the function that says who holds a port: a container, by
// name, or, on an engine of this machine, a process. Ports of the project's own
// containers are free.
func (e *Engine) portHolder(ctx context.Context, project string) (func(ip string, port int) string, error) {
	list, err := e.api.ContainerList(ctx, client.ContainerListOptions{})
	if err != nil {
		return nil, err
	}
	type binding struct {
		ip     netip.Addr
		holder string // "" when it is ours
	}
	bindings := map[int][]binding{}
	for _, c := range list.Items {
		holder := ""
		if c.Labels[labelProject] != project && len(c.Names) > 0 {
			holder = "container " + strings.TrimPrefix(c.Names[0], "/")
		}
		for _, p := range c.Ports {
			if p.PublicPort != 0 {
				bindings[int(p.PublicPort)] = append(bindings[int(p.PublicPort)], binding{p.IP, holder})
			}
		}
	}
	return func(ip string, port int) string {
		for _, b := range bindings[port] {
			if overlap(b.ip, ip) {
				return b.holder
			}
		}
		if e.local() && inUse(ip, port) {
			return "another process"
		}
		return ""
	}, nil
}

// overlap says whether two addresses cannot be listened on at the same port.
func overlap(a netip.Addr, ip string) bool {
	b, err := netip.ParseAddr(ip)
	return err != nil || !a.IsValid() || a.IsUnspecified() || b.IsUnspecified() || a == b
}

// inUse says whether a process of this machine listens at a TCP port.
func inUse(ip string, port int) bool {
	listener, err := net.Listen("tcp", net.JoinHostPort(ip, strconv.Itoa(port)))
	if err != nil {
		return errors.Is(err, syscall.EADDRINUSE)
	}
	listener.Close()
	return false
}
