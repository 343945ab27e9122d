package manifest_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minos-framework/minos-go/scaffold/manifest"
)

const full = `# my shop
version: 1
name: shop
module: example.com/shop
resources:
  broker: kafka # since May
  database: postgres
services:
  # the first one
  foo:
    path: microservices/foo
    port: 4545
    fixed_port: true
files:
  compose.yaml: abc
`

func parse(t *testing.T, source string) *manifest.Manifest {
	t.Helper()
	m, err := manifest.Parse("minos.yaml", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func encode(t *testing.T, m *manifest.Manifest) string {
	t.Helper()
	out, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestParse(t *testing.T) {
	t.Parallel()
	t.Run("reads everything", func(t *testing.T) {
		t.Parallel()
		m := parse(t, full)
		want := manifest.Service{Path: "microservices/foo", Port: 4545, FixedPort: true}
		if m.Name != "shop" || m.Module != "example.com/shop" || m.Services["foo"] != want {
			t.Errorf("%+v", m)
		}
		if m.Files["compose.yaml"] != "abc" {
			t.Errorf("%+v", m)
		}
		if m.Resources != (manifest.Resources{Broker: manifest.Kafka, Database: manifest.Postgres}) {
			t.Errorf("%+v", m.Resources)
		}
	})
	t.Run("gives the embedded resources where none are chosen", func(t *testing.T) {
		t.Parallel()
		m := parse(t, "version: 1\nname: shop\nmodule: example.com/shop\nservices:\n")
		if m.Resources != (manifest.Resources{Broker: manifest.Embedded, Database: manifest.SQLite}) {
			t.Errorf("%+v", m.Resources)
		}
	})
}

func TestParse_faults(t *testing.T) {
	t.Parallel()
	const head = "version: 1\nname: shop\nmodule: m\n"
	for name, test := range map[string]struct{ source, want string }{
		"empty":               {"", "minos.yaml: malformed YAML: no documents in stream"},
		"malformed":           {"version: 1\nname: a: b\n", "minos.yaml:2: malformed YAML: mapping values are not allowed"},
		"tab":                 {"version: 1\n\tname: a\n", "minos.yaml:2: malformed YAML: "},
		"list":                {"- 1\n", "minos.yaml:1: not a mapping"},
		"unknown key":         {head + "colour: red\n", "minos.yaml:4: colour: unknown key; known are files, module,"},
		"unknown block":       {head + "colours:\n  red: 1\n", "minos.yaml:4: colours: unknown key"},
		"unknown nested key":  {head + "resources:\n  brokr: kafka\n", "minos.yaml:5: resources.brokr: unknown key"},
		"unknown backend":     {head + "resources: {broker: rabbit}\n", `minos.yaml:4: resources.broker: "rabbit" is none of kafka, embedded`},
		"unknown service key": {head + "services:\n  foo: {prot: 1}\n", "minos.yaml:5: services.foo.prot: unknown key"},
		"missing":             {"version: 1\nname: shop\n", "minos.yaml:1: module: is missing"},
		"missing port":        {head + "services:\n  foo:\n    path: a\n", "minos.yaml:6: services.foo.port: is missing"},
		"bad port":            {head + "services:\n  foo: {path: a, port: 70000}\n", "services.foo.port: 70000 is no port"},
		"port of letters":     {head + "services:\n  foo: {path: a, port: x}\n", `services.foo.port: "x" is not a number`},
		"path outside":        {head + "services:\n  foo: {path: ../a, port: 1}\n", `services.foo.path: "../a" is no path inside`},
		"absolute path":       {head + "services:\n  foo: {path: /a, port: 1}\n", `services.foo.path: "/a" is no path inside`},
		"flag":                {head + "services:\n  foo: {path: a, port: 1, fixed_port: 7}\n", `fixed_port: "7" is neither`},
		"twice":               {head + "name: other\n", "minos.yaml:4: name: is there twice"},
		"bad name":            {"version: 1\nname: My Shop\nmodule: m\n", `minos.yaml:2: name: name "My Shop" has an upper`},
		"null":                {"version: 1\nname: null\nmodule:\n", "minos.yaml:3: module: is not a word"},
		"bad service name":    {head + "services:\n  a b: {path: a, port: 1}\n", `minos.yaml:5: services.a b: name "a b" has a space`},
		"file outside":        {head + "files:\n  ../a: b\n", "minos.yaml:5: files.../a: is no path inside"},
		"alias":               {"version: 1\nname: &n shop\nmodule: *n\n", "minos.yaml:3: module: anchors"},
		"scalar services":     {head + "services: 7\n", "minos.yaml:4: services: is not a mapping"},
		"null name":           {"version: 1\nname:\nmodule: m\n", "minos.yaml:2: name: name \"\" is empty"},
		"newer, with more":    {"colour: red\nversion: 2\n", "minos.yaml:2: version: is 2; this minos reads version 1"},
		"version of letters":  {"version: one\n", `minos.yaml:1: version: "one" is not a number`},
		"newer":               {"version: 2\nname: shop\nmodule: m\n", "minos.yaml:1: version: is 2; this minos reads version 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := manifest.Parse("minos.yaml", []byte(test.source))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestManifest_Encode(t *testing.T) {
	t.Parallel()
	t.Run("returns an unchanged file byte by byte", func(t *testing.T) {
		t.Parallel()
		odd := strings.ReplaceAll(full, "name: shop", "\n\nname:    'shop'")
		if got := encode(t, parse(t, odd)); got != odd {
			t.Errorf("got\n%s", got)
		}
	})
	t.Run("keeps comments and order of what it changes", func(t *testing.T) {
		t.Parallel()
		m := parse(t, full)
		m.Resources.Broker = manifest.Embedded
		m.Services["bar"] = manifest.Service{Path: "microservices/bar", Port: 4546}
		m.Files["compose.yaml"] = "def"
		got := encode(t, m)
		for _, want := range []string{
			"# my shop\nversion: 1\n", "broker: embedded # since May\n", "# the first one\n", "compose.yaml: def\n",
			"  bar:\n    path: microservices/bar\n    port: 4546\n",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("no %q in\n%s", want, got)
			}
		}
		if again := parse(t, got); again.Services["bar"] != m.Services["bar"] || again.Resources != m.Resources {
			t.Errorf("reads back as %+v", again)
		}
	})
	t.Run("takes away what is gone", func(t *testing.T) {
		t.Parallel()
		m := parse(t, full)
		delete(m.Services, "foo")
		delete(m.Files, "compose.yaml")
		if again := parse(t, encode(t, m)); len(again.Services)+len(again.Files) != 0 {
			t.Errorf("%+v", again)
		}
	})
	t.Run("writes a new project", func(t *testing.T) {
		t.Parallel()
		m := manifest.New("shop", "example.com/shop")
		again := parse(t, encode(t, m))
		if again.Name != m.Name || again.Module != m.Module || again.Resources != m.Resources {
			t.Errorf("%+v", again)
		}
	})
	t.Run("quotes what would be read as something else", func(t *testing.T) {
		t.Parallel()
		m := manifest.New("on", "example.com/null")
		m.Files["a: b"] = "0123"
		again := parse(t, encode(t, m))
		if again.Name != "on" || again.Files["a: b"] != "0123" {
			t.Errorf("%+v", again)
		}
	})
}

func TestManifest_FreePort(t *testing.T) {
	t.Parallel()
	m := manifest.New("shop", "m")
	m.Services["a"] = manifest.Service{Port: 4545}
	m.Services["c"] = manifest.Service{Port: 4547}
	if got := m.FreePort(); got != 4546 {
		t.Errorf("got %d", got)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	t.Run("says that there is none", func(t *testing.T) {
		t.Parallel()
		if _, err := manifest.Find(t.TempDir()); !errors.Is(err, manifest.ErrNoProject) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("walks up", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		deep := filepath.Join(dir, "a", "b")
		if err := os.MkdirAll(deep, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, manifest.FileName), []byte(full), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := manifest.Find(deep)
		if err != nil || got != dir {
			t.Errorf("got %s, %v", got, err)
		}
		if m, err := manifest.Load(got); err != nil || m.Name != "shop" {
			t.Errorf("got %+v, %v", m, err)
		}
	})
}
