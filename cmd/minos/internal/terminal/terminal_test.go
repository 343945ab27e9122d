package terminal_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/minos-framework/minos-go/cmd/minos/internal/terminal"
)

// redirect makes the process's streams files for the time of a test.
func redirect(t *testing.T) {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "stream"))
	if err != nil {
		t.Fatal(err)
	}
	in, out, err2 := os.Stdin, os.Stdout, os.Stderr
	os.Stdin, os.Stdout, os.Stderr = file, file, file
	t.Cleanup(func() {
		os.Stdin, os.Stdout, os.Stderr = in, out, err2
		_ = file.Close()
	})
}

func TestStd(t *testing.T) { //nolint:paralleltest // it changes the process's streams
	redirect(t)
	std := terminal.Std()
	if std.Interactive || std.Out.TTY || std.Err.TTY || std.Out.Colour || std.Err.Colour {
		t.Errorf("a file is taken for a terminal: %+v", std)
	}
	if got := std.Out.Width(); got != 80 {
		t.Errorf("width is %d", got)
	}
}

func TestOutput_Paint(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text, want string
		colour           bool
	}{
		{"colours where it is welcome", "up", "\x1b[32mup\x1b[0m", true},
		{"leaves text alone where it is not", "up", "up", false},
		{"leaves nothing alone", "", "", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			out := &terminal.Output{Colour: test.colour}
			if got := out.Paint(terminal.Green, test.text); got != test.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestBuffers(t *testing.T) {
	t.Parallel()
	b, out, err := terminal.Buffers()
	_, _ = b.Out.Write([]byte("result"))
	_, _ = b.Err.Write([]byte("message"))
	if out.String() != "result" || err.String() != "message" || b.Interactive {
		t.Errorf("got %q and %q", out, err)
	}
}
