// Package probe asks a service, in its own protocol, whether it serves. An error
// says what is missing yet, in words for the user.
package probe

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
	"os"
	"slices"
	"time"

	"github.com/minos-framework/minos-go/deploy"
)

// HealthPath is what a service is asked over HTTP.
const HealthPath = "/system/health"

// HTTP asks GET HealthPath. The error names the check that fails.
func HTTP(ctx context.Context, address string) error {
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
				return fmt.Errorf("GET %s answers %d: %s is %s: %s",
					HealthPath, response.StatusCode, name, check.Status, check.Error)
			}
		}
	}
	if response.StatusCode == http.StatusNotFound {
		return fmt.Errorf("it has no %s; label it %s: tcp when it is not a Minos service",
			HealthPath, deploy.LabelProtocol)
	}
	return fmt.Errorf("GET %s answers %d", HealthPath, response.StatusCode)
}

// Postgres says hello as a client does, and hangs up. As with pg_isready,
// that a password is asked for means that connections are taken.
func Postgres(conn io.ReadWriter) error {
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

// Kafka asks for the versions of the API. A broker answers without an error
// once it serves.
func Kafka(conn io.ReadWriter) error {
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

// TCP waits for a moment whether the connection is closed again: the
// engine's own proxy accepts what nobody listens to in the container. On a busy
// machine 100 ms were too short a moment.
func TCP(conn net.Conn) error {
	if err := conn.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	_, err := conn.Read(make([]byte, 1))
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return errors.New("its port closes connections at once")
}
