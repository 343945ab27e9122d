//go:build integration

package postgres_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy is the way to a server, which can be cut and held up.
type proxy struct {
	listener net.Listener
	target   string
	cuts     atomic.Int64 // cut at one of so many statements; 0 for none
	cut      atomic.Int64 // how often it was
	held     sync.RWMutex // held while nothing goes through
}

// startProxy returns a proxy and the URL of the database through it.
func startProxy(t *testing.T, database string) (*proxy, string) {
	t.Helper()
	location, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, target: location.Host}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			served.Go(func() { p.serve(client.(*net.TCPConn)) })
		}
	})
	t.Cleanup(func() { // after the stores that go through it are closed
		_ = listener.Close()
		served.Wait()
	})
	location.Host = listener.Addr().String()
	return p, location.String()
}

// serve passes on what both sides say until one of them ends, or it is cut.
func (p *proxy) serve(client *net.TCPConn) {
	conn, err := net.Dial("tcp", p.target) //nolint:noctx // it ends with the client
	if err != nil {
		_ = client.Close()
		return
	}
	server := conn.(*net.TCPConn)
	reset := func() { // both sides find the connection gone
		_ = client.SetLinger(0)
		_ = server.SetLinger(0)
		_ = client.Close()
		_ = server.Close()
	}
	defer reset()
	var silent atomic.Bool // the answer is cut off
	var answers sync.WaitGroup
	answers.Go(func() {
		defer reset()
		_ = p.pass(server, client, func([]byte) bool { return !silent.Load() })
	})
	_ = p.pass(client, server, func(said []byte) bool {
		// "B" begins a statement that was prepared before: a commit, or a read.
		n := p.cuts.Load()
		if said[0] != 'B' || n == 0 || rand.Int64N(n) > 0 {
			return true
		}
		p.cut.Add(1)
		switch rand.IntN(3) {
		case 0: // before the server hears of it
			return false
		case 1: // when it has begun
			_, _ = server.Write(said)
			return false
		default: // when it has answered
			silent.Store(true)
			return true
		}
	})
	reset()
	answers.Wait()
}

var errCut = errors.New("cut")

// pass copies for as long as let says so.
func (p *proxy) pass(from, to *net.TCPConn, let func(said []byte) bool) error {
	buffer := make([]byte, 1<<20)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return err
		}
		p.held.RLock()
		passes := let(buffer[:n])
		p.held.RUnlock()
		if !passes {
			return errCut
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return io.ErrClosedPipe
		}
	}
}
