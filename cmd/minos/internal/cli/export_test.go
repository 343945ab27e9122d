package cli

import "github.com/urfave/cli/v2"

// Parsed is what parse made of a line, for tests.
type Parsed struct {
	Command     string
	Flags, Args []string
	Help        bool
}

// Parse is parse.
func Parse(root *cli.Command, args []string) (Parsed, error) {
	l, err := parse(root, args)
	if err != nil {
		return Parsed{}, err
	}
	return Parsed{Command: l.name(), Flags: l.flags, Args: l.args, Help: l.help}, nil
}

// Tree is the command tree of minos, for tests.
func Tree(env *Env) []*cli.Command { return commands(env) }

// ClassOf is classOf.
func ClassOf(err error) Class { return classOf(err) }

// Fail is fail.
func Fail(class Class, err error) error { return fail(class, err) }

// Classes are those of the table.
func Classes() []Class {
	var classes []Class
	for _, o := range outcomes() {
		classes = append(classes, o.class)
	}
	return classes
}
