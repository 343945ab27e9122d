package blueprint_test

import (
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/minos-framework/minos-go"
	"github.com/minos-framework/minos-go/cmd/minos/internal/blueprint"
	"github.com/minos-framework/minos-go/scaffold"
	"github.com/minos-framework/minos-go/scaffold/manifest"
)

// The requirements of services are worked out ahead, by this test, for
// `new microservice` uses no network. When go.mod or an import of the framework
// has changed:
//
//	go test ./cmd/minos/internal/blueprint -run TestRequirements -update
var update = flag.Bool("update", false, "work the requirements out anew; needs a network") //nolint:gochecknoglobals // flags are read before the tests

// variants are the databases that differ in what services require.
var variants = map[string]manifest.Database{"base": manifest.SQLite, "postgres": manifest.Postgres} //nolint:gochecknoglobals // never changed

func TestRequirements(t *testing.T) {
	t.Parallel()
	for variant, database := range variants {
		t.Run(variant, func(t *testing.T) {
			t.Parallel()
			if *update {
				requirements(t, variant, database)
				return
			}
			dir := service(t, minos.Source, database)
			warm(t, dir)
			offline(t, dir, "go", "mod", "tidy", "-diff")
		})
	}
	t.Run("have the versions of our own", func(t *testing.T) {
		t.Parallel()
		own := versions(t, minos.Source, "go.mod")
		for variant := range variants {
			for _, file := range []string{"service.mod", "framework.mod"} {
				for module, version := range versions(t, minos.Source, "templates/vendor/"+variant+"/"+file) {
					if own[module] != version && module != "github.com/minos-framework/minos-go" {
						t.Errorf("%s/%s: %s is %s, and our own is %q; run with -update", variant, file, module, version, own[module])
					}
				}
			}
		}
	})
}

// requirements lets the go command work them out, from the versions of our own.
func requirements(t *testing.T, variant string, database manifest.Database) {
	t.Helper()
	mod, err := fs.ReadFile(minos.Source, "go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, all, _ := strings.Cut(string(mod), "\n")
	const framework = "github.com/minos-framework/minos-go"
	source := layered{minos.Source, fstest.MapFS{}}
	seed := func(file, content string) {
		source.top["templates/vendor/"+variant+"/"+file] = &fstest.MapFile{Data: []byte(content)}
	}
	seed("framework.mod", "module "+framework+"\n"+all)
	seed("framework.sum", "")
	seed("service.mod", "module service\n")
	seed("service.sum", "")
	inner := filepath.Join(service(t, source, database), "third_party", "minos")
	run(t, inner, nil, "go", "mod", "tidy")
	run(t, inner, nil, "go", "mod", "vendor")
	needed := minimal(t, inner)
	replace(t, filepath.Join(inner, "go.mod"), needed)
	replace(t, filepath.Join(inner, "go.sum"), "")
	if err := os.RemoveAll(filepath.Join(inner, "vendor")); err != nil {
		t.Fatal(err)
	}
	run(t, inner, nil, "go", "list", "-mod=mod", "-deps", "./...")
	seed("framework.mod", read(t, inner, "go.mod"))
	seed("framework.sum", read(t, inner, "go.sum"))
	seed("service.mod", serviceMod(framework, needed))
	dir := service(t, source, database)
	run(t, dir, nil, "go", "mod", "tidy")
	seed("service.mod", read(t, dir, "go.mod"))
	seed("service.sum", read(t, dir, "go.sum"))
	for name, file := range source.top {
		to := filepath.Join("../../../..", name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		replace(t, to, string(file.Data))
	}
}

// serviceMod is a service's go.mod before it is tidied: the framework, and what
// that needs.
func serviceMod(framework, needed string) string {
	var indirect []string
	version := ""
	for line := range strings.Lines(needed) {
		fields := strings.Fields(line)
		switch {
		case len(fields) >= 2 && fields[0] == "go":
			version = line
		case len(fields) >= 2 && strings.HasPrefix(fields[1], "v"):
			indirect = append(indirect, "\t"+fields[0]+" "+fields[1]+" // indirect\n")
		}
	}
	slices.Sort(indirect)
	return "module service\n\n" + version + "\nrequire " + framework + " v0.0.0\n\nrequire (\n" +
		strings.Join(indirect, "") + ")\n\nreplace " + framework + " => ./third_party/minos\n"
}

// minimal returns the go.mod of the vendored module in dir with the modules
// that its packages are built of: go mod tidy adds those that only the tests of
// dependencies use.
func minimal(t *testing.T, dir string) string {
	t.Helper()
	built, own := map[string]bool{}, versions(t, minos.Source, "go.mod")
	module := ""
	for line := range strings.Lines(read(t, dir, "vendor/modules.txt")) {
		if rest, ok := strings.CutPrefix(line, "# "); ok {
			module, _, _ = strings.Cut(rest, " ")
		} else if !strings.HasPrefix(line, "#") {
			built[module] = true // it gives a package
		}
	}
	var kept strings.Builder
	for line := range strings.Lines(read(t, dir, "go.mod")) {
		fields := strings.Fields(line)
		if len(fields) >= 2 && strings.HasPrefix(fields[1], "v") {
			if !built[fields[0]] {
				continue
			}
			if version := own[fields[0]]; version != "" { // tests of dependencies can have raised it
				line = strings.Replace(line, fields[1], version, 1)
			}
		}
		kept.WriteString(line)
	}
	return kept.String()
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func replace(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// layered is a file system with files of another put over it.
type layered struct {
	fs.FS
	top fstest.MapFS
}

// Open opens the file on top, or the one below.
func (l layered) Open(name string) (fs.File, error) {
	if _, ok := l.top[name]; ok {
		return l.top.Open(name)
	}
	return l.FS.Open(name)
}

// service writes a project with one service, order-line, and returns the
// service's directory.
func service(t *testing.T, source fs.FS, database manifest.Database) string {
	t.Helper()
	return serviceIn(t, filepath.Join(t.TempDir(), "shop"), source, database)
}

// compiled is service in a directory that is the same in every run: the go
// command knows again what it compiled there, and not what it compiled in
// directories that are gone. Tools pass over it for its dot.
func compiled(t *testing.T, database manifest.Database) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("../../../../out/.compiled", string(database)))
	if err == nil {
		err = os.RemoveAll(dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	return serviceIn(t, dir, minos.Source, database)
}

func serviceIn(t *testing.T, dir string, source fs.FS, database manifest.Database) string {
	t.Helper()
	b := blueprint.Blueprint{Source: source}
	m := manifest.New("shop", "example.com/shop")
	m.Resources.Database = database
	plan, err := b.Project(dir, m)
	if err == nil {
		err = plan.Write(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	name, err := scaffold.ParseName("order-line")
	if err != nil {
		t.Fatal(err)
	}
	plan, err = b.Service(dir, m, blueprint.NewService{Name: name})
	if err == nil {
		err = plan.Write(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "microservices", "order-line")
}

// versions returns the requirements of a go.mod.
func versions(t *testing.T, source fs.FS, name string) map[string]string {
	t.Helper()
	content, err := fs.ReadFile(source, name)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for line := range strings.Lines(string(content)) {
		fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(fields) >= 2 && strings.Contains(fields[0], ".") && strings.HasPrefix(fields[1], "v") {
			found[fields[0]] = fields[1]
		}
	}
	return found
}

// warm fetches what the module cache lacks to tidy, build and test the service in
// dir: on a fresh machine that is a lot, and nothing afterwards.
func warm(t *testing.T, dir string) {
	t.Helper()
	run(t, dir, []string{"GOFLAGS=-mod=mod", "GOWORK=off"}, "go", "mod", "tidy", "-diff")
}

// offline runs a command of the go toolchain that may not use a network.
func offline(t *testing.T, dir string, args ...string) string {
	t.Helper()
	return run(t, dir, []string{"GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off"}, args...)
}

func run(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
