package cli

import (
	"github.com/urfave/cli/v2"

	"github.com/minos-framework/minos-go/cmd/minos/internal/commandline"
)

// arguments returns the command's arguments when they are as many as names; a
// name in brackets is optional, and "" when it is not there.
func arguments(c *cli.Context, names ...string) ([]string, error) {
	return commandline.Arguments(c, names...)
}

// suggest returns "; did you mean ..." when word is near to one of names.
func suggest(word string, names []string, prefix string) string {
	return commandline.Suggest(word, names, prefix)
}
