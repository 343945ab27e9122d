package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/minos-framework/minos-go/cmd/minos/internal/commandline"
)

// writeHelp prints the help of the line's command: its examples first.
func writeHelp(w io.Writer, line *commandline.Line) error {
	c, name := line.Command(), line.Name()
	table := tabwriter.NewWriter(w, 0, 8, 3, ' ', 0)
	fmt.Fprintf(table, "%s: %s\n", name, c.Usage)
	if c.UsageText != "" {
		fmt.Fprintf(table, "\nExamples:\n%s\n", indent(c.UsageText))
	}
	if c.Description != "" {
		fmt.Fprintf(table, "\n%s\n", strings.TrimSpace(c.Description))
	}
	fmt.Fprintf(table, "\nUsage:\n  %s\n", usageLine(name, c))
	if len(c.Subcommands) > 0 {
		fmt.Fprintln(table, "\nCommands:")
		for _, sub := range c.Subcommands {
			fmt.Fprintf(table, "  %s\t%s\n", strings.TrimSpace(sub.Name+" "+sub.ArgsUsage), sub.Usage)
		}
	}
	fmt.Fprintln(table, "\nFlags:")
	for _, f := range c.Flags {
		left, right := flagHelp(f)
		fmt.Fprintf(table, "  %s\t%s\n", left, right)
	}
	fmt.Fprintln(table, "  --help, -h\tshow this")
	if len(line.Path) == 1 {
		fmt.Fprintln(table, "\nExit codes:")
		for _, o := range outcomes() {
			fmt.Fprintf(table, "  %d\t%s\n", o.class, o.meaning)
		}
	}
	return table.Flush()
}

// usageLine shows how the command is typed.
func usageLine(name string, c *cli.Command) string {
	switch {
	case c.Action == nil:
		return name + " COMMAND"
	case c.ArgsUsage == "":
		return name + " [flags]"
	}
	return name + " [flags] " + c.ArgsUsage
}

// flagHelp returns a flag's names and what it does.
func flagHelp(f cli.Flag) (left, right string) {
	for i, name := range f.Names() {
		dashes := "--"
		if len(name) == 1 {
			dashes = "-"
		}
		if i > 0 {
			left += ", "
		}
		left += dashes + name
	}
	documented, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return left, ""
	}
	right = documented.GetUsage()
	if commandline.TakesValue(f) {
		left += " VALUE"
	}
	return left, right
}

// indent puts the lines of text below a heading, whatever their indentation in the
// source was.
func indent(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		lines[i] = "  " + strings.TrimSpace(line)
	}
	return strings.Join(lines, "\n")
}
