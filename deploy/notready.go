package deploy

import "strings"

// NotReadyError says which service keeps a deployment from being ready, and why.
type NotReadyError struct {
	Service   string
	Container string
	Reason    string // "its process exited with code 1"
	// Logs are the container's last lines, at most 20.
	Logs []string
}

// Error returns the reason and the last lines of the service's log.
func (e *NotReadyError) Error() string {
	text := "service " + e.Service + " is not ready: " + e.Reason
	if len(e.Logs) == 0 {
		return text + "; it logged nothing"
	}
	return text + "; the last lines of " + e.Container + ":\n  | " + strings.Join(e.Logs, "\n  | ")
}
