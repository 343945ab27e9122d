//go:build unix && !linux

package local

import (
	"os/exec"
	"syscall"
)

// isolate prepares a command to run in a process group of its own, where the
// terminal's Ctrl-C does not reach it: we stop it. Nothing but Linux ends it
// when we are killed.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
