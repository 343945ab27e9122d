package terminal_test

import (
	"os"
	"strconv"
	"syscall"
	"testing"
	"unsafe"

	"github.com/minos-framework/minos-go/cmd/minos/internal/terminal"
)

// pseudo returns the far end of a pseudo-terminal of 100 columns.
func pseudo(t *testing.T) *os.File {
	t.Helper()
	near, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	var unlock, number int32
	ioctl(t, near, syscall.TIOCSPTLCK, unsafe.Pointer(&unlock))
	ioctl(t, near, syscall.TIOCGPTN, unsafe.Pointer(&number))
	size := [4]uint16{30, 100}
	ioctl(t, near, syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	far, err := os.OpenFile("/dev/pts/"+strconv.Itoa(int(number)), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = far.Close()
		_ = near.Close()
	})
	return far
}

func ioctl(t *testing.T, file *os.File, request uintptr, value unsafe.Pointer) {
	t.Helper()
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, file.Fd(), request, uintptr(value)); errno != 0 {
		t.Fatal(errno)
	}
}

func TestStd_terminal(t *testing.T) {
	redirect(t)
	far := pseudo(t)
	os.Stdin, os.Stdout, os.Stderr = far, far, far
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	std := terminal.Std()
	if !std.Interactive || !std.Out.TTY || !std.Out.Colour || std.Out.Width() != 100 {
		t.Errorf("a terminal is not seen: %+v, %d columns", std.Out, std.Out.Width())
	}
	for name, value := range map[string]string{"NO_COLOR": "1", "TERM": "dumb"} {
		t.Run("has no colour with "+name, func(t *testing.T) {
			t.Setenv(name, value)
			if std := terminal.Std(); std.Out.Colour || !std.Out.TTY {
				t.Errorf("%+v", std.Out)
			}
		})
	}
}
