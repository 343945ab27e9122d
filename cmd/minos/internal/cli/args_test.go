package cli_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	urfave "github.com/urfave/cli/v2"
	"pgregory.net/rapid"

	"github.com/minos-framework/minos-go/cmd/minos/internal/cli"
)

func tree() *urfave.Command {
	nothing := func(*urfave.Context) error { return nil }
	return &urfave.Command{Name: "minos", Subcommands: []*urfave.Command{
		{Name: "new", Subcommands: []*urfave.Command{{Name: "project", Action: nothing, Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "name", Aliases: []string{"n"}},
			&urfave.IntFlag{Name: "port"},
			&urfave.BoolFlag{Name: "json"},
			&urfave.BoolFlag{Name: "yes", Aliases: []string{"y"}},
		}}}},
		{Name: "deploy", Action: nothing, Subcommands: []*urfave.Command{{Name: "microservice", Action: nothing}}},
	}}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]cli.Parsed{
		"":                                   {Command: "minos"},
		"new project p":                      {Command: "minos new project", Args: []string{"p"}},
		"new project p --json":               {Command: "minos new project", Flags: []string{"--json"}, Args: []string{"p"}},
		"--json new -n x project p":          {Command: "minos new project", Flags: []string{"--json", "--name=x"}, Args: []string{"p"}},
		"-n=x new project p":                 {Command: "minos new project", Flags: []string{"--name=x"}, Args: []string{"p"}},
		"new project -name x p":              {Command: "minos new project", Flags: []string{"--name=x"}, Args: []string{"p"}},
		"new project --name= p":              {Command: "minos new project", Flags: []string{"--name="}, Args: []string{"p"}},
		"new project --name=-x p":            {Command: "minos new project", Flags: []string{"--name=-x"}, Args: []string{"p"}},
		"new project --name=a=b p":           {Command: "minos new project", Flags: []string{"--name=a=b"}, Args: []string{"p"}},
		"new project --json=false p":         {Command: "minos new project", Flags: []string{"--json=false"}, Args: []string{"p"}},
		"new project -- --json":              {Command: "minos new project", Args: []string{"--json"}},
		"new project --yes -- -":             {Command: "minos new project", Flags: []string{"--yes"}, Args: []string{"-"}},
		"new project - -y":                   {Command: "minos new project", Flags: []string{"--yes"}, Args: []string{"-"}},
		"new project p -h --frob":            {Command: "minos new project", Args: []string{"p"}, Help: true},
		"new --name project project project": {Command: "minos new project", Flags: []string{"--name=project"}, Args: []string{"project"}},
		"deploy":                             {Command: "minos deploy"},
		"deploy microservice foo":            {Command: "minos deploy microservice", Args: []string{"foo"}},
		"deploy -- microservice":             {Command: "minos deploy", Args: []string{"microservice"}},
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			got, err := cli.Parse(tree(), strings.Fields(line))
			if len(got.Args) == 0 {
				got.Args = nil
			}
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, %v\nwant %+v", got, err, want)
			}
		})
	}
}

func TestParse_faults(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"new project p --frob":      "unknown flag --frob; see `minos new project --help`",
		"new project p --frob=1":    "unknown flag --frob; see",
		"new project p --jsno":      "unknown flag --jsno; did you mean --json?",
		"new project p --name":      "flag --name needs a value",
		"new project --name --json": "flag --name needs a value",
		"deploy --json":             "unknown flag --json; see `minos deploy --help`",
		"new":                       "",
		"new proect p":              "unknown command `minos new proect`; did you mean project?",
		"frobnicate":                "unknown command `minos frobnicate`; see `minos --help`",
		"new -- project":            "unknown command `minos new project`",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			_, err := cli.Parse(tree(), strings.Fields(line))
			if want == "" && err == nil {
				return
			}
			if err == nil || !strings.Contains(err.Error(), want) || cli.ClassOf(err) != cli.Usage {
				t.Errorf("got %v (class %d), want %s", err, cli.ClassOf(err), want)
			}
		})
	}
}

// A line means the same wherever its flags stand.
func TestParse_permutations(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringMatching(`[a-z=./ ]{1,6}`)
		word := rapid.SampledFrom([]string{"project", "new", "x", "deploy", "microservice", ""})
		words := []string{"new", "project"}
		for range rapid.IntRange(0, 3).Draw(t, "arguments") {
			words = append(words, word.Draw(t, "argument"))
		}
		var flags [][]string
		for _, flag := range rapid.Permutation([]string{"name", "port", "json", "yes"}).Draw(t, "flags") {
			switch rapid.IntRange(0, 3).Draw(t, "form of "+flag) {
			case 0:
				continue
			case 1:
				flags = append(flags, []string{"--" + flag})
			case 2:
				flags = append(flags, []string{"-" + flag})
			case 3:
				if flag == "json" || flag == "yes" {
					flags = append(flags, []string{"--" + flag + "=true"})
				} else {
					flags = append(flags, []string{"--" + flag + "=" + value.Draw(t, "value")})
				}
				continue
			}
			if flag == "name" || flag == "port" {
				last := len(flags) - 1
				flags[last] = append(flags[last], value.Draw(t, "value"))
			}
		}
		first := slices.Clone(words)
		scattered := slices.Clone(words)
		places := make([]int, len(flags))
		for i := range places {
			places[i] = rapid.IntRange(0, len(words)).Draw(t, "place")
		}
		slices.Sort(places)
		for i := len(flags) - 1; i >= 0; i-- {
			scattered = slices.Insert(scattered, places[i], flags[i]...)
		}
		for i := len(flags) - 1; i >= 0; i-- {
			first = slices.Insert(first, 2, flags[i]...)
		}
		a, errA := cli.Parse(tree(), first)
		b, errB := cli.Parse(tree(), scattered)
		if errA != nil || errB != nil || !reflect.DeepEqual(a, b) {
			t.Fatalf("%q: %+v, %v\n%q: %+v, %v", first, a, errA, scattered, b, errB)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("new project p --name x -- -y")
	f.Fuzz(func(t *testing.T, line string) {
		got, err := cli.Parse(tree(), strings.Split(line, " "))
		if err != nil && cli.ClassOf(err) != cli.Usage {
			t.Errorf("class %d: %v", cli.ClassOf(err), err)
		}
		for _, flag := range got.Flags {
			if !strings.HasPrefix(flag, "--") {
				t.Errorf("flag %q", flag)
			}
		}
	})
}

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
