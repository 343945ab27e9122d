//go:build e2e

package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// maxBinary is what a user downloads, in bytes. The dependencies of the design alone link to 21.0 MB.
const maxBinary = 24_000_000

// TestProgram_Builds holds the release build: no C compiler, small, and it runs.
func TestProgram_Builds(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "minos")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "../cmd/minos")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the stripped binary has %.1f MB", float64(info.Size())/1e6)
	if info.Size() > maxBinary {
		t.Errorf("the stripped binary has %d bytes, more than %d", info.Size(), maxBinary)
	}
	if out, err := exec.CommandContext(t.Context(), binary, "version").CombinedOutput(); err != nil {
		t.Errorf("minos version: %v\n%s", err, out)
	}
}
