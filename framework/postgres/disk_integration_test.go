//go:build integration

package postgres_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/minos-framework/minos-go/framework/postgres"
)

// smallDisk mounts a disk of so many megabytes.
func smallDisk(t *testing.T, megabytes string) string {
	t.Helper()
	dir := newFolder(t)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+megabytes+"m,mode=755"); err != nil {
		t.Fatalf("mount a small disk, which takes root: %v", err)
	}
	t.Cleanup(func() { // after the server has stopped
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// occupy fills a disk but for some bytes, and returns what frees it.
func occupy(t *testing.T, dir string, leave int64) (free func()) {
	t.Helper()
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		t.Fatal(err)
	}
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, int64(disk.Bavail)*disk.Bsize-leave), 0o600); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(filler); err != nil {
			t.Error(err)
		}
	}
}

func TestStore_Commit_full(t *testing.T) {
	t.Parallel()
	t.Run("a full disk costs nothing that was acknowledged, and works go on when there is room", func(t *testing.T) {
		t.Parallel()
		disk := smallDisk(t, "150")
		server := startServerIn(t, disk)
		s := open(t, postgres.Config{URL: server.url(), MaxConns: 8})
		free := occupy(t, disk, 4<<20)
		failed, each, enough, over := make(chan struct{}), make(chan struct{}), make(chan struct{}), make(chan struct{})
		await := func() {
			select {
			case failed <- struct{}{}:
			case <-over: // of the trouble
				server.await()
			}
		}
		go func() {
			defer close(enough)
			commits, errors := 0, 0
			for errors < 40 { // the server may be at its end with the first of them
				select {
				case <-each:
					commits++
				case <-failed:
					errors++
				}
			}
			free()
			t.Logf("%d commits fit", commits)
			server.revive(t)
			close(over)
			for range 400 {
				<-each
			}
		}()
		n := insist(t, s, s, await, each, enough)
		if n.definite.Load()+n.unknown.Load() == 0 {
			t.Error("nothing failed: the test shows nothing")
		}
	})
}

// revive starts the server again, which may have given up.
func (s *server) revive(t *testing.T) {
	t.Helper()
	s.down.Lock()
	defer s.down.Unlock()
	_, _ = s.try(t, "pg_ctl", "stop", "-w", "-m", "immediate", "-D", s.dir) // it may be down
	s.start(t)
}
