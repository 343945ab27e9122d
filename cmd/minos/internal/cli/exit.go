package cli

import (
	"errors"
	"fmt"

	"github.com/minos-framework/minos-go/cmd/minos/internal/commandline"
	"github.com/minos-framework/minos-go/scaffold"
	"github.com/minos-framework/minos-go/scaffold/manifest"
)

// Class says how a command ended; its number is the exit code. Scripts branch
// on these numbers: never change one.
type Class int

// The classes there are.
const (
	OK          Class = 0
	Failed      Class = 1
	Usage       Class = 2
	NoProject   Class = 3
	NoEngine    Class = 4
	NotReady    Class = 5
	Conflict    Class = 6
	Interrupted Class = 130
)

// outcome is a row of the table of exit codes.
type outcome struct {
	class   Class
	meaning string
}

// outcomes is the one table of exit codes; help shows it.
func outcomes() []outcome {
	return []outcome{
		{OK, "done"},
		{Failed, "failed; the message says why"},
		{Usage, "the command line is wrong"},
		{NoProject, "no minos.yaml here or above"},
		{NoEngine, "the Docker engine cannot be reached"},
		{NotReady, "a service was not ready in time"},
		{Conflict, "what is there is in the way; nothing was overwritten"},
		{Interrupted, "interrupted"},
	}
}

// failure is an error with its class.
type failure struct {
	class Class
	error
}

// Unwrap returns the error without its class.
func (f *failure) Unwrap() error { return f.error }

// fail gives err a class; nil stays nil.
func fail(class Class, err error) error {
	if err == nil {
		return nil
	}
	return &failure{class, err}
}

// failf is fail of fmt.Errorf.
func failf(class Class, format string, args ...any) error {
	return fail(class, fmt.Errorf(format, args...))
}

// is reports whether an error of type E is in the chain of err.
func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// classOf returns the class that err was given, or that its kind has.
func classOf(err error) Class {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.class
	}
	switch {
	case err == nil:
		return OK
	case errors.Is(err, manifest.ErrNoProject):
		return NoProject
	case is[*scaffold.NameError](err), is[*commandline.Error](err):
		return Usage
	case is[*scaffold.ConflictError](err), is[*manifest.LockedError](err):
		return Conflict
	}
	return Failed
}
