package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// line is a command line that was understood: urfave/cli drops the flags that
// stand after an argument, so it gets what it runs in the order that it reads.
type line struct {
	path  []*cli.Command // from the root to the command
	flags []string       // "--name=value", by the flags' first names
	args  []string
	help  bool
}

// parse finds the command that args name and tells flags from arguments,
// wherever they stand. What follows "--" is an argument; a value that starts
// with "-" is given as --flag=-value.
func parse(root *cli.Command, args []string) (*line, error) {
	l := &line{path: []*cli.Command{root}}
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
			l.help = true
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
		next := subcommand(l.command(), words[0])
		if next == nil {
			break
		}
		l.path, words, open = append(l.path, next), words[1:], open-1
	}
	l.args = words
	if l.help {
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
func (l *line) adopt(flags []typed) error {
	if l.command().Action == nil && len(l.args) > 0 {
		return l.unknownCommand()
	}
	for _, f := range flags {
		own := findFlag(l.command(), f.name)
		switch {
		case own == nil:
			return l.usage(fmt.Errorf("unknown flag %s%s", f.as, suggest(f.name, flagNames(l.command()), "--")))
		case !takesValue(own) && !f.given:
			l.flags = append(l.flags, "--"+own.Names()[0])
		case !f.given:
			return l.usage(fmt.Errorf("flag %s needs a value", f.as))
		default:
			l.flags = append(l.flags, "--"+own.Names()[0]+"="+f.value)
		}
	}
	return nil
}

func (l *line) command() *cli.Command { return l.path[len(l.path)-1] }

func (l *line) has(flag string) bool { return slices.Contains(l.flags, "--"+flag) }

// name is the command as it is typed: "minos new project".
func (l *line) name() string { return pathName(l.path) }

// usage makes err a usage error that says where help is.
func (l *line) usage(err error) error {
	return failf(Usage, "%w; see `%s --help`", err, l.name())
}

// unknownCommand says that no command of the group has the first argument's name.
func (l *line) unknownCommand() error {
	var names []string
	for _, c := range l.command().Subcommands {
		names = append(names, c.Names()...)
	}
	if len(l.args) == 0 {
		return l.usage(fmt.Errorf("`%s` needs one of %s", l.name(), strings.Join(names, ", ")))
	}
	return l.usage(fmt.Errorf("unknown command `%s %s`%s", l.name(), l.args[0], suggest(l.args[0], names, "")))
}

// run hands the command to urfave/cli, alone: its group was found already.
func (l *line) run(ctx context.Context) error {
	command := *l.command()
	command.Subcommands, command.HideHelp = nil, true
	command.OnUsageError = func(_ *cli.Context, err error, _ bool) error { return l.usage(err) }
	app := &cli.App{
		Name: "minos", HideHelp: true, HideVersion: true,
		Commands:       []*cli.Command{&command},
		ExitErrHandler: func(*cli.Context, error) {},
	}
	argv := append([]string{"minos", command.Name}, l.flags...)
	err := app.RunContext(ctx, append(append(argv, "--"), l.args...))
	if count, ok := errors.AsType[*countError](err); ok {
		return l.usage(count)
	}
	return err
}

// countError is returned by arguments; run says which command it was.
type countError struct{ message string }

// Error says what is missing or too much.
func (e *countError) Error() string { return e.message }

// arguments returns the command's arguments when they are as many as names. A
// name in brackets is optional and comes back as "" when it is not there.
func arguments(c *cli.Context, names ...string) ([]string, error) {
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
			kinds[name] = takesValue(f)
		}
	}
	for _, sub := range c.Subcommands {
		flagKinds(sub, kinds)
	}
	return kinds
}

func takesValue(f cli.Flag) bool {
	_, isBool := f.(*cli.BoolFlag)
	return !isBool
}

func isFlag(arg string) bool { return len(arg) > 1 && arg[0] == '-' }

func findFlag(c *cli.Command, name string) cli.Flag {
	for _, f := range c.Flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

func flagNames(c *cli.Command) []string {
	names := []string{"help"}
	for _, f := range c.Flags {
		names = append(names, f.Names()...)
	}
	return names
}

func subcommand(c *cli.Command, name string) *cli.Command {
	for _, sub := range c.Subcommands {
		if sub.HasName(name) {
			return sub
		}
	}
	return nil
}

func pathName(path []*cli.Command) string {
	names := make([]string, len(path))
	for i, c := range path {
		names[i] = c.Name
	}
	return strings.Join(names, " ")
}
