// Package commandline reads the command line: it finds the command that the
// words name and tells flags from arguments wherever they stand, which
// urfave/cli v2 does not: it drops the flags after an argument.
package commandline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// Line is a command line that was understood. It is made by Parse.
type Line struct {
	// Path leads from the root to the command.
	Path []*cli.Command
	// Flags are those that were given, as "--name=value" or "--name", by the
	// flags' first names and in the order of the line.
	Flags []string
	Args  []string
	// Help says that help was asked for; flags were not checked then.
	Help bool
}

// Error says what is wrong with a command line, and where help is.
type Error struct {
	Command string // as it is typed: "minos new project"
	Problem string
}

// Error is the problem and the command that shows help.
func (e *Error) Error() string { return fmt.Sprintf("%s; see `%s --help`", e.Problem, e.Command) }

// Parse finds the command that args name and tells flags from arguments,
// wherever they stand. What follows "--" is an argument; a value that starts
// with "-" is given as --flag=-value. A line that cannot be understood is an
// *Error.
func Parse(root *cli.Command, args []string) (*Line, error) {
	l := &Line{Path: []*cli.Command{root}}
	kinds := flagKinds(root, map[string]bool{})
	var flags []typed
	words, open := []string{}, len(args) // open is where "--" stood, counted in words
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			open = len(words)
			words = append(words, args[i+1:]...)
			break
		}
		if len(arg) < 2 || arg[0] != '-' {
			words = append(words, arg)
			continue
		}
		name, value, given := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(arg, "-"), "-"), "=")
		if name == "help" || name == "h" {
			l.Help = true
			continue
		}
		f := typed{as: strings.TrimSuffix(arg, "="+value), name: name, value: value, given: given}
		if takes, known := kinds[name]; known && takes && !given && i+1 < len(args) && !isFlag(args[i+1]) {
			i++
			f.value, f.given = args[i], true
		}
		flags = append(flags, f)
	}
	for len(words) > 0 && open > 0 {
		next := subcommand(l.Command(), words[0])
		if next == nil {
			break
		}
		l.Path, words, open = append(l.Path, next), words[1:], open-1
	}
	l.Args = words
	if l.Help {
		return l, nil
	}
	return l, l.adopt(flags)
}

// typed is a flag as the user wrote it.
type typed struct {
	as, name, value string
	given           bool // the value
}

// adopt checks that the command has each of flags, and a value where it needs one.
func (l *Line) adopt(flags []typed) error {
	if l.Command().Action == nil && len(l.Args) > 0 {
		return l.unknownCommand()
	}
	for _, f := range flags {
		own := findFlag(l.Command(), f.name)
		switch {
		case own == nil:
			return l.fault("unknown flag %s%s", f.as, Suggest(f.name, flagNames(l.Command()), "--"))
		case !TakesValue(own) && !f.given:
			l.Flags = append(l.Flags, "--"+own.Names()[0])
		case !f.given:
			return l.fault("flag %s needs a value", f.as)
		default:
			l.Flags = append(l.Flags, "--"+own.Names()[0]+"="+f.value)
		}
	}
	return nil
}

// Command is the command that the line names.
func (l *Line) Command() *cli.Command { return l.Path[len(l.Path)-1] }

// Has reports whether a flag without a value was given.
func (l *Line) Has(flag string) bool { return slices.Contains(l.Flags, "--"+flag) }

// Name is the command as it is typed: "minos new project".
func (l *Line) Name() string {
	names := make([]string, len(l.Path))
	for i, c := range l.Path {
		names[i] = c.Name
	}
	return strings.Join(names, " ")
}

// fault is an *Error of the command.
func (l *Line) fault(format string, args ...any) error {
	return &Error{Command: l.Name(), Problem: fmt.Sprintf(format, args...)}
}

// unknownCommand says that no command of the group has the first argument's name.
func (l *Line) unknownCommand() error {
	var names []string
	for _, c := range l.Command().Subcommands {
		names = append(names, c.Names()...)
	}
	if len(l.Args) == 0 {
		return l.fault("`%s` needs one of %s", l.Name(), strings.Join(names, ", "))
	}
	return l.fault("unknown command `%s %s`%s", l.Name(), l.Args[0], Suggest(l.Args[0], names, ""))
}

// Run runs the command through urfave/cli, alone: its group was found already. A
// group cannot be run: that it needs a command is an *Error.
func (l *Line) Run(ctx context.Context) error {
	if l.Command().Action == nil {
		return l.unknownCommand()
	}
	command := *l.Command()
	command.Subcommands, command.HideHelp = nil, true
	command.OnUsageError = func(_ *cli.Context, err error, _ bool) error { return l.fault("%s", err) }
	app := &cli.App{
		Name: "minos", HideHelp: true, HideVersion: true,
		Commands:       []*cli.Command{&command},
		ExitErrHandler: func(*cli.Context, error) {},
	}
	argv := append([]string{"minos", command.Name}, l.Flags...)
	err := app.RunContext(ctx, append(append(argv, "--"), l.Args...))
	if count, ok := errors.AsType[*countError](err); ok {
		return l.fault("%s", count)
	}
	return err
}

// countError is returned by Arguments; Run says which command it was.
type countError struct{ message string }

// Error says what is missing or too much.
func (e *countError) Error() string { return e.message }

// Arguments returns the command's arguments when they are as many as names. A
// name in brackets is optional and comes back as "" when it is not there.
func Arguments(c *cli.Context, names ...string) ([]string, error) {
	given := c.Args().Slice()
	if len(given) > len(names) {
		return nil, &countError{fmt.Sprintf("unexpected argument %q", given[len(names)])}
	}
	for _, name := range names[len(given):] {
		if !strings.HasPrefix(name, "[") {
			return nil, &countError{name + " is missing"}
		}
		given = append(given, "")
	}
	return given, nil
}

// flagKinds adds to kinds, for each name of each flag of the tree, whether it
// takes a value.
func flagKinds(c *cli.Command, kinds map[string]bool) map[string]bool {
	for _, f := range c.Flags {
		for _, name := range f.Names() {
			kinds[name] = TakesValue(f)
		}
	}
	for _, sub := range c.Subcommands {
		flagKinds(sub, kinds)
	}
	return kinds
}

// TakesValue reports whether a flag is followed by a value.
func TakesValue(f cli.Flag) bool {
	_, isBool := f.(*cli.BoolFlag)
	return !isBool
}

// isFlag reports whether a word looks like a flag. A lone hyphen is an argument:
// many programs take it for standard input.
func isFlag(arg string) bool { return len(arg) > 1 && arg[0] == '-' }

// findFlag returns the command's flag of that name or alias, or nil.
func findFlag(c *cli.Command, name string) cli.Flag {
	for _, f := range c.Flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

// flagNames are the names that a user may have meant.
func flagNames(c *cli.Command) []string {
	names := []string{"help"}
	for _, f := range c.Flags {
		names = append(names, f.Names()...)
	}
	return names
}

// subcommand returns the command of that name or alias in a group, or nil.
func subcommand(c *cli.Command, name string) *cli.Command {
	for _, sub := range c.Subcommands {
		if sub.HasName(name) {
			return sub
		}
	}
	return nil
}
