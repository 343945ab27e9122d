package docker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/moby/moby/api/types/container"

	"github.com/minos-framework/minos-go/deploy"
	"github.com/minos-framework/minos-go/deploy/probe"
)

// probeTimeout bounds one question to a service.
const probeTimeout = 2 * time.Second

// probe asks the service in its protocol. The error says what is missing yet.
func (w *waiter) probe(ctx context.Context, c container.InspectResponse) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	address, published := addressOf(c, w.service.ProtocolPort())
	if address == "" {
		return fmt.Errorf("port %d is not open yet", w.service.ProtocolPort())
	}
	if w.ready == deploy.HTTP {
		return probe.HTTP(ctx, address)
	}
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() && !published {
			return w.probeInside(ctx) // the container's network cannot be reached from here
		}
		return fmt.Errorf("port %d is not open yet", w.service.ProtocolPort())
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	switch w.ready {
	case deploy.Postgres:
		return probe.Postgres(conn)
	case deploy.Kafka:
		return probe.Kafka(conn)
	}
	return probe.TCP(conn)
}

// probeInside asks with what the image brings, where only the engine reaches the
// container.
func (w *waiter) probeInside(ctx context.Context) error {
	port := strconv.Itoa(w.service.ProtocolPort())
	argv := []string{"bash", "-c", `exec 3<>"/dev/tcp/127.0.0.1/$0"`, port}
	if w.ready == deploy.Postgres {
		argv = []string{"pg_isready", "-q", "-h", "127.0.0.1", "-p", port}
	}
	if _, err := w.exec(ctx, w.container, argv, ""); err != nil {
		return fmt.Errorf("port %s is not open yet", port)
	}
	return nil
}

// addressOf returns where a port of a container is reached: on the host when it
// is published there, else in the container's network.
func addressOf(c container.InspectResponse, port int) (address string, published bool) {
	if c.NetworkSettings == nil {
		return "", false
	}
	for target, bindings := range c.NetworkSettings.Ports {
		if int(target.Num()) != port || target.Proto() != "tcp" || len(bindings) == 0 {
			continue
		}
		ip := bindings[0].HostIP
		if !ip.IsValid() || ip.IsUnspecified() {
			ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		}
		return net.JoinHostPort(ip.String(), bindings[0].HostPort), true
	}
	for _, name := range slices.Sorted(maps.Keys(c.NetworkSettings.Networks)) {
		if ip := c.NetworkSettings.Networks[name].IPAddress; ip.IsValid() {
			return net.JoinHostPort(ip.String(), strconv.Itoa(port)), false
		}
	}
	return "", false
}
