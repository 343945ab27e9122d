package docker_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minos-framework/minos-go/deploy/docker"
)

func TestConnect(t *testing.T) {
	t.Run("says what to do when no engine answers", func(t *testing.T) {
		t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(t.TempDir(), "none.sock"))
		_, err := docker.Connect(t.Context())
		if !errors.Is(err, docker.ErrUnreachable) || !strings.Contains(err.Error(), "systemctl start docker") ||
			!strings.Contains(err.Error(), "none.sock") {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("says which variable is wrong", func(t *testing.T) {
		t.Setenv("DOCKER_HOST", "nonsense")
		if _, err := docker.Connect(t.Context()); !errors.Is(err, docker.ErrUnreachable) ||
			!strings.Contains(err.Error(), "DOCKER_HOST") {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	t.Run("says how to be allowed", func(t *testing.T) {
		t.Parallel()
		err := docker.Unreachable("unix:///x", fmt.Errorf("dial: %w", os.ErrPermission))
		if !errors.Is(err, docker.ErrUnreachable) || !strings.Contains(err.Error(), "usermod") {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("does not blame the engine for an interrupt", func(t *testing.T) {
		t.Parallel()
		if err := docker.Unreachable("unix:///x", context.Canceled); errors.Is(err, docker.ErrUnreachable) {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestOverlap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"127.0.0.1", "127.0.0.1", true},
		{"0.0.0.0", "127.0.0.1", true},
		{"127.0.0.1", "0.0.0.0", true},
		{"127.0.0.1", "127.0.0.2", false},
		{"::", "127.0.0.1", true},
	} {
		if got := docker.Overlap(netip.MustParseAddr(c.a), c.b); got != c.want {
			t.Errorf("%s and %s overlap: %v; want %v", c.a, c.b, got, c.want)
		}
	}
}
