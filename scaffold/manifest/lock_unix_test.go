//go:build unix

package manifest_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/minos-framework/minos-go/scaffold/manifest"
)

func TestAcquire_unsigned(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, manifest.StateDir), 0o755); err != nil {
		t.Fatal(err)
	}
	// A pipe can be locked, and takes no truncating, as a full disk takes no name.
	if err := syscall.Mkfifo(filepath.Join(dir, manifest.StateDir, "lock"), 0o644); err != nil {
		t.Fatal(err)
	}
	lock, err := manifest.Acquire(dir, "set broker kafka")
	if err == nil || !strings.HasPrefix(err.Error(), "lock the project: ") || lock != nil {
		t.Errorf("got %v, %v", lock, err)
	}
}
