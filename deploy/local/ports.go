package local

import (
	"errors"
	"fmt"
	"net"
	"strconv"
)

// reservation holds the port of each service while the services are built, so
// that nobody takes one meanwhile.
type reservation struct {
	listeners []net.Listener
	ports     map[string]int
}

// reserve finds a port for each service: its own, or a free one when that is
// taken and not fixed, which moved hears of. The fixed ones come first: no other
// service may be moved to them.
func reserve(services []Service, moved func(service Service, port int)) (*reservation, error) {
	r := &reservation{ports: map[string]int{}}
	for _, service := range services {
		listener, err := listen(service.Port)
		if err != nil && service.FixedPort {
			return nil, errors.Join(&PortError{Service: service.Name, Port: service.Port, Err: err}, r.release())
		}
		if err == nil {
			r.hold(service, listener)
		}
	}
	for _, service := range services {
		if r.ports[service.Name] != 0 {
			continue
		}
		listener, err := listen(0)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("find a port for %s: %w", service.Name, err), r.release())
		}
		r.hold(service, listener)
		if service.Port != 0 {
			moved(service, r.ports[service.Name])
		}
	}
	return r, nil
}

func (r *reservation) hold(service Service, listener net.Listener) {
	r.listeners = append(r.listeners, listener)
	r.ports[service.Name] = listener.Addr().(*net.TCPAddr).Port
}

// release gives the ports to whoever listens next. It may be called again.
func (r *reservation) release() error {
	var faults error
	for _, listener := range r.listeners {
		faults = errors.Join(faults, listener.Close())
	}
	r.listeners = nil
	return faults
}

func listen(port int) (net.Listener, error) {
	return net.Listen("tcp", net.JoinHostPort(loopback, strconv.Itoa(port)))
}
