package sqlite_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
)

func TestStore_crash(t *testing.T) {
	t.Parallel()
	t.Run("no acknowledged commit is lost or doubled when the process is killed, and another leads", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "store.db")
		acknowledged := map[uuid.UUID]int{}
		for range 4 {
			killWriter(t, path, acknowledged)
		}
		s := open(t, path)
		lease, err := s.Lead(t.Context(), "relay")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = lease.Release(t.Context()) }()
		for id, least := range acknowledged {
			n := 0
			for e, err := range s.Events(t.Context(), aggregate.EventQuery{Aggregate: id}) {
				if err != nil {
					t.Fatal(err)
				}
				if n++; e.Version != n {
					t.Fatalf("event %d has version %d", n, e.Version)
				}
			}
			if n < least || n > least+1 {
				t.Errorf("%d events are stored, with %d acknowledged", n, least)
			}
		}
	})
}

// killWriter lets a process write for a while, kills it, and notes what it
// said was committed.
func killWriter(t *testing.T, path string, acknowledged map[uuid.UUID]int) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), "MINOS_TEST_SQLITE_WRITER="+path)
	cmd.Stderr = os.Stderr
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(output)
	for n := 0; lines.Scan(); n++ {
		var id string
		var version int
		if _, err := fmt.Sscan(lines.Text(), &id, &version); err != nil {
			continue // cut off by the kill
		}
		acknowledged[uuid.MustParse(id)] = version
		if n == 300 {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the writer ended by itself")
	}
}
