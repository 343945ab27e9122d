package probe_test

import (
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/minos-framework/minos-go/deploy/probe"
)

// answering is a connection whose other end reads a request of the given size
// and answers.
func answering(t *testing.T, request int, answer []byte) net.Conn {
	t.Helper()
	here, there := net.Pipe()
	t.Cleanup(func() { here.Close() })
	go func() {
		defer there.Close()
		if _, err := io.CopyN(io.Discard, there, int64(request)); err == nil {
			_, _ = there.Write(answer) // the probe may have hung up
		}
	}()
	return here
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status     int
		body, want string
	}{
		"is content with 200": {200, `{"status":"up"}`, ""},
		"names the check that fails": {
			503, `{"checks":{"broker":{"status":"up"},"database":{"status":"down","error":"refused"}}}`,
			"database is down: refused",
		},
		"gives the status without one": {503, `oops`, "503"},
		"says what to do about 404":    {404, ``, "run.minos.protocol: tcp"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != probe.HealthPath {
					t.Errorf("it asks %s", r.URL.Path)
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			defer server.Close()
			expect(t, probe.HTTP(t.Context(), server.Listener.Addr().String()), c.want)
		})
	}
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	failure := func(code, message string) []byte {
		body := "SFATAL\x00C" + code + "\x00M" + message + "\x00\x00"
		return append(binary.BigEndian.AppendUint32([]byte("E"), uint32(len(body)+4)), body...)
	}
	for name, c := range map[string]struct {
		answer []byte
		want   string
	}{
		"is content with a question for the password": {[]byte("R\x00\x00\x00\x08\x00\x00\x00\x0a"), ""},
		"is content with a refusal of this client":    {failure("28000", "no such role"), ""},
		"waits while it starts up": {
			failure("57P03", "the database system is starting up"), "starting up",
		},
		"waits while it hangs up": {nil, "does not answer yet"},
		"knows another protocol":  {[]byte("HTTP/1.1 400 Bad Request"), "does not speak"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const request = 8 + len("user\x00postgres\x00database\x00postgres\x00application_name\x00minos\x00\x00")
			expect(t, probe.Postgres(answering(t, request, c.answer)), c.want)
		})
	}
}

func TestKafka(t *testing.T) {
	t.Parallel()
	answer := func(correlation uint32, code uint16) []byte {
		text := binary.BigEndian.AppendUint32(nil, 10)
		text = binary.BigEndian.AppendUint32(text, correlation)
		return append(binary.BigEndian.AppendUint16(text, code), 0, 0, 0, 0)
	}
	for name, c := range map[string]struct {
		answer []byte
		want   string
	}{
		"is content with an answer":     {answer(0x6d696e6f, 0), ""},
		"waits while it answers errors": {answer(0x6d696e6f, 35), "error 35"},
		"waits while it hangs up":       {nil, "does not answer yet"},
		"knows another protocol":        {[]byte("HTTP/1.1 400 Bad Request"), "does not speak"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const request = 4 + 2 + 2 + 4 + 2 + len("minos")
			expect(t, probe.Kafka(answering(t, request, c.answer)), c.want)
		})
	}
}

func expect(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("the error is %v; want %q in it", err, want)
	}
}

func TestTCP(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		serve func(net.Conn)
		want  string
	}{
		"is content with a port that stays open": {func(conn net.Conn) { _, _ = conn.Read(make([]byte, 1)) }, ""},
		"is content with a greeting":             {func(conn net.Conn) { _, _ = conn.Write([]byte("220 hello")) }, ""},
		"sees through a proxy to nobody":         {func(net.Conn) {}, "closes connections"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			go func() {
				if conn, err := listener.Accept(); err == nil {
					defer conn.Close()
					c.serve(conn)
				}
			}()
			conn, err := net.Dial("tcp", listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			expect(t, probe.TCP(conn), c.want)
		})
	}
}

func TestHTTP_nobody(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	address := server.Listener.Addr().String()
	server.Close()
	expect(t, probe.HTTP(t.Context(), address), "does not answer yet")
}
