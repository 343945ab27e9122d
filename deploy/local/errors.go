package local

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrNoServices is returned by Run for a project that has none.
var ErrNoServices = errors.New("the project has no microservices")

// ErrNotRunning is returned by ReadState when the project does not run.
var ErrNotRunning = errors.New("the project does not run on this machine")

// RunningError says that the project runs already.
type RunningError struct {
	Project string
	// PID is of the process that runs it; zero when it did not say so yet.
	PID int
}

// Error names the project and the process.
func (e *RunningError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("%s runs already", e.Project)
	}
	return fmt.Sprintf("%s runs already, as process %d", e.Project, e.PID)
}

// PortError says that a service's fixed port is taken.
type PortError struct {
	Service string
	Port    int
	Err     error
}

// Error names the service and the port.
func (e *PortError) Error() string {
	return fmt.Sprintf("port %d of %s is taken, and it is fixed", e.Port, e.Service)
}

// Unwrap returns what the operating system said.
func (e *PortError) Unwrap() error { return e.Err }

// BuildError says that a service does not compile.
type BuildError struct {
	Service string
	// Output is what the go command wrote, without its progress.
	Output string
	Err    error
}

// Error names the service and shows the compiler's messages.
func (e *BuildError) Error() string {
	return fmt.Sprintf("build %s: %s", e.Service, textOr(e.Output, e.Err))
}

// Unwrap returns how the go command ended.
func (e *BuildError) Unwrap() error { return e.Err }

// NotReadyError says that a service ended before it was healthy, or was not
// healthy in time.
type NotReadyError struct {
	Service string
	Err     error
	// Log is the last lines that it wrote, 20 at most.
	Log []string
}

// Error names the service and shows its last lines.
func (e *NotReadyError) Error() string {
	return fmt.Sprintf("%s is not ready: %s%s", e.Service, e.Err, quoted(e.Log))
}

// Unwrap returns the cause.
func (e *NotReadyError) Unwrap() error { return e.Err }

// ExitError says that a service ended after it had been healthy, without being
// asked to.
type ExitError struct {
	Service string
	Err     error
	// Log is the last lines that it wrote, 20 at most.
	Log []string
}

// Error names the service and says how it ended.
func (e *ExitError) Error() string { return fmt.Sprintf("%s ended: %s", e.Service, e.Err) }

// Unwrap returns how the process ended.
func (e *ExitError) Unwrap() error { return e.Err }

// KilledError says that a service was asked to end, did not, and was killed.
type KilledError struct {
	Service string
	// After is how long it was waited for.
	After time.Duration
}

// Error names the service and how long it had.
func (e *KilledError) Error() string {
	return fmt.Sprintf("%s did not end: killed after %s", e.Service, e.After.Round(10*time.Millisecond))
}

// quoted shows lines below a message.
func quoted(lines []string) string {
	if len(lines) == 0 {
		return "; it wrote nothing"
	}
	return "; its last lines:\n  " + strings.Join(lines, "\n  ")
}

func textOr(text string, err error) string {
	if text == "" {
		return err.Error()
	}
	return "\n" + text
}
