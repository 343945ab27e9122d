package local

import (
	"os/exec"
	"syscall"
)

// isolate prepares a command to run in a process group of its own, where the
// terminal's Ctrl-C does not reach it: we stop it. It dies with the thread that
// starts it, so that thread has to live as long as we want the command to.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
