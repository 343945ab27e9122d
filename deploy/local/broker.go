package local

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kfake"
)

// EmbeddedBroker speaks Kafka's protocol inside this process. Its topics,
// records and committed offsets are in a directory, and outlive the process
// also when that is killed: kfake writes them as they come. Topics come to be by
// CreateTopics alone, for those that a client's metadata request made would not
// survive a kill.
type EmbeddedBroker struct {
	cluster *kfake.Cluster
	addr    *net.TCPAddr
}

// BrokerConfig holds what OpenBroker can do without.
type BrokerConfig struct {
	// Complain is told of what goes wrong inside the broker, as a disk that is
	// full. It may be called from any goroutine. Nil drops it.
	Complain func(text string)
}

// OpenBroker starts a broker on 127.0.0.1 with what dir holds; dir is made when
// it is not there. The port is the one that the broker in dir had before, or a
// free one when that is taken. A dir may be opened once at a time: who opens it
// sees to that.
func OpenBroker(dir string, config BrokerConfig) (*EmbeddedBroker, error) {
	data := filepath.Join(dir, "data")
	if err := os.MkdirAll(data, 0o755); err != nil {
		return nil, fmt.Errorf("make the broker's directory: %w", err)
	}
	// kfake keeps the members of consumer groups over a restart. Ours are the
	// services, which never outlive it: whoever joins next would wait in vain
	// for them to come back, until their session times out.
	if err := os.RemoveAll(filepath.Join(data, "session_state.json")); err != nil {
		return nil, fmt.Errorf("forget the broker's sessions: %w", err)
	}
	listener, err := listenAgain(filepath.Join(dir, "port"))
	if err != nil {
		return nil, err
	}
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.ClusterID("minos-dev"),
		kfake.DataDir(data),
		kfake.WithLogger(complaints(config.Complain)),
		kfake.ListenFn(func(string, string) (net.Listener, error) { return listener, nil }),
	)
	if err != nil {
		listener.Close()
		return nil, fmt.Errorf("open the broker in %s: %w", dir, err)
	}
	return &EmbeddedBroker{cluster: cluster, addr: listener.Addr().(*net.TCPAddr)}, nil
}

// Host returns the address that the broker listens on.
func (b *EmbeddedBroker) Host() string { return b.addr.IP.String() }

// Port returns the port that the broker listens on.
func (b *EmbeddedBroker) Port() int { return b.addr.Port }

// Addr returns "host:port".
func (b *EmbeddedBroker) Addr() string { return b.addr.String() }

// Close ends the broker once everything is on the disk. It may be called again.
func (b *EmbeddedBroker) Close() { b.cluster.Close() }

// listenAgain listens on the port that the file names, or on a free one, and
// keeps the port in the file.
func listenAgain(file string) (net.Listener, error) {
	var listener net.Listener
	err := error(os.ErrNotExist)
	if before, readErr := os.ReadFile(file); readErr == nil {
		listener, err = net.Listen("tcp", net.JoinHostPort(loopback, strings.TrimSpace(string(before))))
	}
	if err != nil {
		if listener, err = net.Listen("tcp", loopback+":0"); err != nil {
			return nil, fmt.Errorf("listen for the broker: %w", err)
		}
	}
	port := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	if err := writeFile(file, []byte(port+"\n")); err != nil {
		listener.Close()
		return nil, fmt.Errorf("keep the broker's port: %w", err)
	}
	return listener, nil
}

const loopback = "127.0.0.1"

// complaints passes on kfake's errors: its warnings are of single requests,
// which the client hears of.
type complaints func(text string)

var _ kfake.Logger = complaints(nil)

// Logf passes an error on.
func (c complaints) Logf(level kfake.LogLevel, format string, args ...any) {
	if c != nil && level == kfake.LogLevelError {
		c(fmt.Sprintf(format, args...))
	}
}
