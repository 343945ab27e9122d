// Package terminal is what the program knows of the streams it was given: who
// is at the other end, and whether colour is welcome there.
package terminal

import (
	"bytes"
	"io"
	"os"

	"github.com/mattn/go-isatty"
	"golang.org/x/term"
)

// Terminal is the three streams of a program.
type Terminal struct {
	In io.Reader
	// Interactive says that a person can be asked: input and messages are a
	// terminal. Nothing may prompt when it is false.
	Interactive bool
	// Out takes results: what a script reads. Err takes all else: messages,
	// progress, errors.
	Out, Err *Output
}

// Output is a stream that is written to. It may be used by one goroutine at a
// time, as its Writer may.
type Output struct {
	io.Writer
	TTY    bool // a terminal
	Colour bool // escape sequences for colour are welcome
	size   func() (width, height int, err error)
}

// Std returns the streams of this process. Colour is off where the output is no
// terminal, TERM is "dumb", or NO_COLOR is set and not empty.
func Std() *Terminal {
	out, err := output(os.Stdout), output(os.Stderr)
	return &Terminal{
		In:          os.Stdin,
		Interactive: isTTY(os.Stdin) && err.TTY,
		Out:         out,
		Err:         err,
	}
}

// Buffers returns a terminal nobody sits at, with empty input, and what is
// written to it.
func Buffers() (t *Terminal, out, err *bytes.Buffer) {
	out, err = &bytes.Buffer{}, &bytes.Buffer{}
	return &Terminal{In: &bytes.Buffer{}, Out: &Output{Writer: out}, Err: &Output{Writer: err}}, out, err
}

// Width returns the number of columns; 80 when nobody can tell.
func (o *Output) Width() int {
	if o.size != nil {
		if width, _, err := o.size(); err == nil && width > 0 {
			return width
		}
	}
	return 80
}

func output(f *os.File) *Output {
	tty := isTTY(f)
	return &Output{
		Writer: f,
		TTY:    tty,
		Colour: tty && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
		size:   func() (int, int, error) { return term.GetSize(int(f.Fd())) },
	}
}

func isTTY(f *os.File) bool {
	return isatty.IsTerminal(f.Fd()) || isatty.IsCygwinTerminal(f.Fd())
}
