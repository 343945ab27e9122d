package scaffold_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/minos-framework/minos-go/scaffold"
)

func TestPlan_Write_readOnly(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "scaffold") //nolint:usetesting // nobody may look into t.TempDir
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o555))
	p := &scaffold.Plan{Dir: filepath.Join(dir, "shop")}
	must(t, p.Fresh(".", "new", []scaffold.File{file("a/b", "b")}))
	err = asNobody(t, func() error { return p.Write(t.Context()) })
	want := "write " + filepath.Join(p.Dir, "a", "b") + ": permission denied"
	if !errors.Is(err, fs.ErrPermission) || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	same(t, held(t, dir), map[string]string{})

	must(t, os.Chmod(dir, 0o755))
	must(t, os.Mkdir(p.Dir, 0o700)) // not to be looked into
	err = asNobody(t, func() error { return (&scaffold.Plan{Dir: p.Dir}).Fresh(".", "new", nil) })
	if os.Geteuid() == 0 && (!errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), p.Dir)) {
		t.Errorf("got %v", err)
	}
}

// asNobody calls fn without root's right to write everywhere.
func asNobody(t *testing.T, fn func() error) error {
	t.Helper()
	if os.Geteuid() != 0 {
		return fn()
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with this function
		if err := syscall.Setfsuid(65534); err != nil {
			done <- err
			return
		}
		done <- fn()
	}()
	return <-done
}
