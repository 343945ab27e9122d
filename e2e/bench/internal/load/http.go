package load

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// patience bounds one request.
const patience = time.Minute

// Conn is one connection to an HTTP server, kept alive over many requests. It
// is not safe for concurrent use. It does less than http.Client does, because
// the client shares the machine with what is measured.
type Conn struct {
	conn    net.Conn
	reader  *bufio.Reader
	request []byte // reused
}

// Dial connects to host:port. The connection is closed when ctx ends.
func Dial(ctx context.Context, address string) (*Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	return &Conn{conn: conn, reader: bufio.NewReader(conn)}, nil
}

// Post sends JSON and returns the answer's content. An answer of another status
// than the wanted one is an error.
func (c *Conn) Post(path string, content []byte, want int) ([]byte, error) {
	r := append(c.request[:0], "POST "...)
	r = append(r, path...)
	r = append(r, " HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: "...)
	r = strconv.AppendInt(r, int64(len(content)), 10)
	r = append(r, "\r\n\r\n"...)
	c.request = append(r, content...)
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, fmt.Errorf("post %s: %w", path, err)
	}
	if _, err := c.conn.Write(c.request); err != nil {
		return nil, fmt.Errorf("post %s: %w", path, err)
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return nil, fmt.Errorf("post %s: %w", path, noEOF(err))
	}
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("post %s: %w", path, noEOF(err))
	}
	_ = response.Body.Close() // it was read to its end
	if response.StatusCode != want {
		return nil, fmt.Errorf("post %s: answered %s: %s", path, response.Status, answer)
	}
	return answer, nil
}

// noEOF keeps a connection's end from being taken for a caller's.
func noEOF(err error) error {
	if err == io.EOF { //nolint:errorlint // bufio's own, never wrapped
		return io.ErrUnexpectedEOF
	}
	return err
}
