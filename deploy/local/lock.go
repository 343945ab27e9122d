package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// lock says that this process runs the project. The operating system holds it,
// not the file: it ends with the process, however that ends, so that what the
// file of a dead one says is never in the way.
type lock struct{ file *os.File }

// errLocked is returned by lockFile for a file that another process has locked.
var errLocked = errors.New("locked")

// acquire locks the project, or returns a *RunningError.
func acquire(project Project) (*lock, error) {
	name := project.path("dev.lock")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return nil, fmt.Errorf("make the project's state directory: %w", err)
	}
	file, err := lockFile(name)
	if errors.Is(err, errLocked) {
		return nil, &RunningError{Project: project.Name, PID: holder(name)}
	}
	if err != nil {
		return nil, fmt.Errorf("lock the project: %w", err)
	}
	l := &lock{file}
	if err := l.sign(); err != nil {
		l.release()
		return nil, fmt.Errorf("sign the project's lock: %w", err)
	}
	return l, nil
}

// sign writes the process id, for those who find the project locked.
func (l *lock) sign() error {
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	_, err := l.file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// release ends the lock. The file stays: to remove it would let one process
// lock the old file and another a new one.
func (l *lock) release() {
	_ = l.file.Close() // the lock has ended either way, and what the file says is of no more use
}

// holder returns the process id that the lock file has; zero when it has none.
func holder(name string) int {
	data, err := os.ReadFile(name)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return 0
	}
	return pid
}
