package manifest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// StateDir is the folder of a project for what minos keeps while it works. Git
// ignores it.
const StateDir = ".minos"

// Lock is the right to change a project's files.
type Lock struct{ file *os.File }

// LockedError says that another process is changing the project.
type LockedError struct {
	Holder string // as "another minos (set broker kafka, process 123)"
}

// Error names the other process.
func (e *LockedError) Error() string {
	return "the project is being changed by " + e.Holder + "; try again when it is done"
}

// errHeld is returned by the system's lock when another process has it.
var errHeld = errors.New("held by another process")

// Acquire returns the lock of the project in dir, for a command that is named to
// whoever comes second: that one gets a *LockedError at once. The system lets go
// of the lock when the process ends, however it ends.
func Acquire(dir, command string) (*Lock, error) {
	if err := os.MkdirAll(filepath.Join(dir, StateDir), 0o755); err != nil {
		return nil, fmt.Errorf("lock the project: %w", err)
	}
	name := filepath.Join(dir, StateDir, "lock")
	file, err := openLocked(name)
	if errors.Is(err, errHeld) {
		holder, _ := os.ReadFile(name) // empty when it has just been taken
		return nil, &LockedError{Holder: strings.TrimSpace("another minos " + string(holder))}
	}
	if err != nil {
		return nil, fmt.Errorf("lock the project: %w", err)
	}
	l := &Lock{file: file}
	if err := l.sign(command); err != nil {
		return nil, errors.Join(fmt.Errorf("lock the project: %w", err), l.Release())
	}
	return l, nil
}

// sign writes who has the lock, for whoever comes second.
func (l *Lock) sign(command string) error {
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	_, err := fmt.Fprintf(l.file, "(%s, process %d)\n", command, os.Getpid())
	return err
}

// Release gives the lock back. The file stays: taking it away would let two
// processes lock two files of one name.
func (l *Lock) Release() error { return l.file.Close() }
