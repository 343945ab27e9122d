//go:build unix

package cli_test

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// program runs one of TestMain's programs and returns its lines.
func program(t *testing.T, name string) (*exec.Cmd, *bufio.Scanner, *strings.Builder) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Args[0] = name
	stderr := &strings.Builder{}
	cmd.Stderr = stderr
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(stdout), stderr
}

func expect(t *testing.T, lines *bufio.Scanner, want string) {
	t.Helper()
	if !lines.Scan() || lines.Text() != want {
		t.Fatalf("got %q, want %q", lines.Text(), want)
	}
}

func TestMain_interrupt(t *testing.T) {
	t.Parallel()
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run("the first "+signal.String()+" cancels what runs", func(t *testing.T) {
			t.Parallel()
			cmd, lines, stderr := program(t, "waits")
			expect(t, lines, "ready")
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			expect(t, lines, "canceled")
			if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 130 || stderr.String() != "minos: interrupted\n" {
				t.Errorf("ended with %v, said %q", err, stderr)
			}
		})
	}
	t.Run("the second ends the process", func(t *testing.T) {
		t.Parallel()
		cmd, lines, _ := program(t, "stubborn")
		for _, line := range []string{"ready", "canceled"} {
			expect(t, lines, line)
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
		if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 130 {
			t.Errorf("ended with %v", err)
		}
	})
}
