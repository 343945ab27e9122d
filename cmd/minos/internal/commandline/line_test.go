package commandline_test

import (
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
	"pgregory.net/rapid"

	"github.com/minos-framework/minos-go/cmd/minos/internal/commandline"
)

func tree() *cli.Command {
	nothing := func(*cli.Context) error { return nil }
	return &cli.Command{Name: "minos", Subcommands: []*cli.Command{
		{Name: "new", Subcommands: []*cli.Command{{Name: "project", Action: nothing, Flags: []cli.Flag{
			&cli.StringFlag{Name: "name", Aliases: []string{"n"}},
			&cli.IntFlag{Name: "port"},
			&cli.BoolFlag{Name: "json"},
			&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}},
		}}}},
		{Name: "deploy", Action: nothing, Subcommands: []*cli.Command{{Name: "microservice", Action: nothing}}},
	}}
}

// parsed is what Parse made of a line.
type parsed struct {
	Command     string
	Flags, Args []string
	Help        bool
}

func parse(root *cli.Command, args []string) (parsed, error) {
	line, err := commandline.Parse(root, args)
	if err != nil {
		return parsed{}, err
	}
	return parsed{Command: line.Name(), Flags: line.Flags, Args: line.Args, Help: line.Help}, nil
}

func isFault(err error) bool {
	_, ok := errors.AsType[*commandline.Error](err)
	return ok
}

func TestParse(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]parsed{
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
			got, err := parse(tree(), strings.Fields(line))
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
			_, err := parse(tree(), strings.Fields(line))
			if want == "" && err == nil {
				return
			}
			if err == nil || !strings.Contains(err.Error(), want) || !isFault(err) {
				t.Errorf("got %v, want %s", err, want)
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
		a, errA := parse(tree(), first)
		b, errB := parse(tree(), scattered)
		if errA != nil || errB != nil || !reflect.DeepEqual(a, b) {
			t.Fatalf("%q: %+v, %v\n%q: %+v, %v", first, a, errA, scattered, b, errB)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("new project p --name x -- -y")
	f.Fuzz(func(t *testing.T, line string) {
		got, err := parse(tree(), strings.Split(line, " "))
		if err != nil && !isFault(err) {
			t.Errorf("got %v", err)
		}
		for _, flag := range got.Flags {
			if !strings.HasPrefix(flag, "--") {
				t.Errorf("flag %q", flag)
			}
		}
	})
}

func TestLine_Run(t *testing.T) {
	t.Parallel()
	var got []string
	root := &cli.Command{Name: "minos", Subcommands: []*cli.Command{
		{Name: "empty"},
		{
			Name: "call", Flags: []cli.Flag{&cli.IntFlag{Name: "port"}, &cli.StringSliceFlag{Name: "tag"}},
			Action: func(c *cli.Context) error {
				args, err := commandline.Arguments(c, "WHAT", "[HOW]")
				got = append(args, strconv.Itoa(c.Int("port")), strings.Join(c.StringSlice("tag"), "+"))
				return err
			},
		},
	}}
	run := func(words ...string) error {
		line, err := commandline.Parse(root, words)
		if err != nil {
			return err
		}
		return line.Run(t.Context())
	}
	for _, test := range []struct {
		words []string
		want  []string
		fault string
	}{
		{[]string{"call", "x", "--tag", "a", "y", "--tag=b"}, []string{"x", "y", "0", "a+b"}, ""},
		{[]string{"call", "--", "-x"}, []string{"-x", "", "0", ""}, ""},
		{[]string{"call", "port"}, []string{"port", "", "0", ""}, ""}, // the name of a flag is a word like others
		{[]string{"call", ""}, []string{"", "", "0", ""}, ""},
		{[]string{"call"}, nil, "WHAT is missing; see `minos call --help`"},
		{[]string{"call", "x", "y", "z"}, nil, "unexpected argument \"z\"; see `minos call --help`"},
		{[]string{"call", "x", "--port", "y"}, nil, "invalid value \"y\" for flag -port"},
		{[]string{"empty"}, nil, "`minos empty` needs one of"},
	} {
		err := run(test.words...)
		switch {
		case test.fault != "":
			if !isFault(err) || !strings.Contains(err.Error(), test.fault) {
				t.Errorf("%q: got %v, want %s", test.words, err, test.fault)
			}
		case err != nil || !reflect.DeepEqual(got, test.want):
			t.Errorf("%q: got %q, %v", test.words, got, err)
		}
	}
}

func TestSuggest(t *testing.T) {
	t.Parallel()
	names := []string{"deploy", "dev", "down", "new"}
	for word, want := range map[string]string{
		"depoly": "; did you mean deploy?", "nwe": "; did you mean new?", "dwon": "; did you mean down?",
		"frobnicate": "", "": "", "x": "",
	} {
		if got := commandline.Suggest(word, names, ""); got != want {
			t.Errorf("%q: got %q", word, got)
		}
	}
}
