package docker

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/moby/moby/api/types/container"

	"github.com/minos-framework/minos-go/deploy"
)

// probeTimeout bounds one question to a service.
const probeTimeout = 2 * time.Second

// HealthPath is what a service is asked over HTTP.
const HealthPath = "/system/health"

// probe asks the service in its protocol. The error says what is missing yet.
func (w *waiter) probe(ctx context.Context, c container.InspectResponse) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	address, published := addressOf(c, w.service.ProtocolPort())
	if address == "" {
		return fmt.Errorf("port %d is not open yet", w.service.ProtocolPort())
	}
	if w.ready == deploy.HTTP {
		return ProbeHTTP(ctx, address)
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
		return ProbePostgres(conn)
	case deploy.Kafka:
		return ProbeKafka(conn)
	}
	return probeTCP(conn)
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

// ProbeHTTP asks GET HealthPath. The error names the check that fails.
func ProbeHTTP(ctx context.Context, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+HealthPath, nil)
	if err != nil {
		return err
	}
	request.Close = true // a connection that is kept would hold up the service's end
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("GET %s does not answer yet", HealthPath)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK {
		return nil
	}
	var health struct {
		Checks map[string]struct{ Status, Error string }
	}
	source, _ := io.ReadAll(io.LimitReader(response.Body, 64<<10)) // what cannot be read names no check
	if json.Unmarshal(source, &health) == nil {
		for _, name := range slices.Sorted(maps.Keys(health.Checks)) {
			if check := health.Checks[name]; check.Status != "up" {
				return fmt.Errorf("GET %s answers %d: %s is %s: %s", HealthPath, response.StatusCode, name, check.Status, check.Error)
			}
		}
	}
	if response.StatusCode == http.StatusNotFound {
		return fmt.Errorf("it has no %s; label it %s: tcp when it is not a Minos service", HealthPath, deploy.LabelProtocol)
	}
	return fmt.Errorf("GET %s answers %d", HealthPath, response.StatusCode)
}

// ProbePostgres says hello as a client does, and hangs up. As with pg_isready,
// that a password is asked for means that connections are taken.
func ProbePostgres(conn io.ReadWriter) error {
	const startup = "user\x00postgres\x00database\x00postgres\x00application_name\x00minos\x00\x00"
	message := binary.BigEndian.AppendUint32(nil, uint32(8+len(startup)))
	message = binary.BigEndian.AppendUint32(message, 3<<16) // version 3.0
	if _, err := conn.Write(append(message, startup...)); err != nil {
		return errors.New("PostgreSQL does not answer yet")
	}
	var header [5]byte
	if _, err := io.ReadFull(conn, header[:]); err != nil {
		return errors.New("PostgreSQL does not answer yet")
	}
	switch header[0] {
	case 'R', 'N': // an authentication request, a notice
		return nil
	case 'E':
		size := min(binary.BigEndian.Uint32(header[1:]), 64<<10)
		body := make([]byte, max(size, 4)-4)
		n, _ := io.ReadFull(conn, body) // part of it says enough
		fields := postgresError(body[:n])
		if code := fields['C']; code == "57P03" || code == "53300" { // cannot_connect_now, too_many_connections
			return fmt.Errorf("PostgreSQL says: %s", fields['M'])
		}
		return nil // it refuses this client, and so takes others
	}
	return errors.New("what listens there does not speak PostgreSQL's protocol")
}

// postgresError reads the fields of an ErrorResponse.
func postgresError(body []byte) map[byte]string {
	fields := map[byte]string{}
	for len(body) > 1 {
		kind := body[0]
		end := slices.Index(body, 0)
		if end < 1 {
			return fields
		}
		fields[kind] = string(body[1:end])
		body = body[end+1:]
	}
	return fields
}

// ProbeKafka asks for the versions of the API. A broker answers without an error
// once it serves.
func ProbeKafka(conn io.ReadWriter) error {
	const (
		apiVersions = 18
		correlation = 0x6d696e6f
		client      = "minos"
	)
	request := binary.BigEndian.AppendUint16(nil, apiVersions)
	request = binary.BigEndian.AppendUint16(request, 0) // its first version, which all brokers know
	request = binary.BigEndian.AppendUint32(request, correlation)
	request = binary.BigEndian.AppendUint16(request, uint16(len(client)))
	request = append(request, client...)
	if _, err := conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(request))), request...)); err != nil {
		return errors.New("Kafka does not answer yet")
	}
	var response [10]byte // size, correlation, error
	if _, err := io.ReadFull(conn, response[:]); err != nil {
		return errors.New("Kafka does not answer yet")
	}
	if binary.BigEndian.Uint32(response[4:]) != correlation {
		return errors.New("what listens there does not speak Kafka's protocol")
	}
	if code := binary.BigEndian.Uint16(response[8:]); code != 0 {
		return fmt.Errorf("Kafka answers ApiVersions with error %d", code)
	}
	return nil
}

// probeTCP waits for a moment whether the connection is closed again: the
// engine's own proxy accepts what nobody listens to in the container.
func probeTCP(conn net.Conn) error {
	if err := conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		return err
	}
	_, err := conn.Read(make([]byte, 1))
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return errors.New("its port closes connections at once")
}
