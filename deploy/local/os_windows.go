package local

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

const (
	executableSuffix      = ".exe"
	errorSharingViolation = syscall.Errno(32)
)

// lockFile opens a file so that nobody else can write to it, or returns
// errLocked.
func lockFile(name string) (*os.File, error) {
	path, err := syscall.UTF16PtrFromString(name)
	if err != nil {
		return nil, err
	}
	handle, err := syscall.CreateFile(path, syscall.GENERIC_READ|syscall.GENERIC_WRITE, syscall.FILE_SHARE_READ,
		nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	switch {
	case errors.Is(err, errorSharingViolation):
		return nil, errLocked
	case err != nil:
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(handle), name), nil
}

// alive says whether there is a process.
func alive(pid int) bool {
	process, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	_ = process.Release() // it was found: nothing else is asked of it
	return true
}

// isolate keeps Ctrl-C of the console from a command: we stop it.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// terminate and interrupt end a command: Windows has no signal that asks.
func terminate(cmd *exec.Cmd) { kill(cmd) }

func interrupt(cmd *exec.Cmd) { kill(cmd) }

func kill(cmd *exec.Cmd) {
	_ = cmd.Process.Kill() // all that can go wrong is that it is gone
}
