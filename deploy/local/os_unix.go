//go:build unix

package local

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

const executableSuffix = ""

// lockFile opens a file and locks it, or returns errLocked.
func lockFile(name string) (*os.File, error) {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return file, nil
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = errLocked
	}
	return nil, errors.Join(err, file.Close())
}

// alive says whether there is a process.
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// terminate asks a command that isolate prepared to end, with all that it
// started; interrupt asks as Ctrl-C does, and kill does not ask. They may find
// nobody.
func terminate(cmd *exec.Cmd) { signalGroup(cmd, syscall.SIGTERM) }

func interrupt(cmd *exec.Cmd) { signalGroup(cmd, syscall.SIGINT) }

func kill(cmd *exec.Cmd) { signalGroup(cmd, syscall.SIGKILL) }

func signalGroup(cmd *exec.Cmd, signal syscall.Signal) {
	// ESRCH is all that can go wrong: the group is gone.
	_ = syscall.Kill(-cmd.Process.Pid, signal)
}
