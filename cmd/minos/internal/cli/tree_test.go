package cli_test

import (
	"fmt"
	"testing"

	urfave "github.com/urfave/cli/v2"

	"github.com/minos-framework/minos-go/cmd/minos/internal/cli"
)

// Flags may stand before the command is known, so one name is of one kind.
func TestCommands_agreeOnFlags(t *testing.T) {
	t.Parallel()
	kinds := map[string]string{}
	var walk func(path string, c *urfave.Command)
	walk = func(path string, c *urfave.Command) {
		path += " " + c.Name
		for _, flag := range c.Flags {
			_, isBool := flag.(*urfave.BoolFlag)
			kind := fmt.Sprint("takes a value: ", !isBool)
			for _, name := range flag.Names() {
				if before, ok := kinds[name]; ok && before != kind {
					t.Errorf("%s: --%s is of another kind elsewhere", path, name)
				}
				kinds[name] = kind
			}
		}
		if c.Usage == "" || c.UsageText == "" {
			t.Errorf("%s has no help or no example", path)
		}
		for _, sub := range c.Subcommands {
			walk(path, sub)
		}
	}
	for _, c := range cli.Tree(&cli.Env{}) {
		walk("minos", c)
	}
}
