package blueprint_test

import (
	"context"
	"encoding/base64"
	"errors"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/minos-framework/minos-go"
	"github.com/minos-framework/minos-go/cmd/minos/internal/blueprint"
	"github.com/minos-framework/minos-go/scaffold"
	"github.com/minos-framework/minos-go/scaffold/manifest"
)

// bundle is a project on disk, and what makes its plans.
type bundle struct {
	blueprint.Blueprint
	dir string
	m   *manifest.Manifest
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{
		Blueprint: blueprint.Blueprint{Source: minos.Source},
		dir:       filepath.Join(t.TempDir(), "shop"),
		m:         manifest.New("shop", "example.com/shop"),
	}
	plan, err := b.Project(b.dir, b.m)
	write(t, plan, err)
	return b
}

func write(t *testing.T, plan *scaffold.Plan, err error) {
	t.Helper()
	if err == nil {
		err = plan.Write(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (b *bundle) add(t *testing.T, name string, port int) {
	t.Helper()
	plan, err := b.Service(b.dir, b.m, blueprint.NewService{Name: parse(t, name), Port: port})
	write(t, plan, err)
}

func (b *bundle) set(t *testing.T, broker manifest.Broker, database manifest.Database) {
	t.Helper()
	b.m.Resources = manifest.Resources{Broker: broker, Database: database}
	plan, err := b.Resources(b.dir, b.m, "set")
	write(t, plan, err)
}

func parse(t *testing.T, name string) scaffold.Name {
	t.Helper()
	n, err := scaffold.ParseName(name)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// tree returns the hashes of all files below dir but .env.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	sums := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == ".env" {
			return err
		}
		content, err := os.ReadFile(name)
		sums[strings.TrimPrefix(name, dir)] = scaffold.Sum(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

func TestBlueprint_Service(t *testing.T) {
	t.Parallel()
	for _, database := range manifest.Databases() {
		t.Run("is clean Go and passes its own tests with "+string(database), func(t *testing.T) {
			t.Parallel()
			dir := compiled(t, database)
			if out := run(t, dir, nil, "gofmt", "-l", "."); out != "" {
				t.Errorf("gofmt would change %s", out)
			}
			offline(t, dir, "go", "vet", "./...")
			offline(t, dir, "go", "vet", "-tags", "dev", "./cmd/...", "./internal/...")
			offline(t, dir, "go", "test", "./...")
		})
	}
	t.Run("carries every package of the framework that it imports", func(t *testing.T) {
		t.Parallel()
		const framework = "github.com/minos-framework/minos-go/"
		for _, database := range manifest.Databases() {
			dir := service(t, minos.Source, database)
			for path := range imports(t, dir) {
				inner, found := strings.CutPrefix(path, framework)
				if !found {
					continue
				}
				if _, err := os.Stat(filepath.Join(dir, "third_party", "minos", filepath.FromSlash(inner))); err != nil {
					t.Errorf("%s: %s is imported: %v", database, path, err)
				}
			}
		}
	})
	t.Run("finishes what was interrupted", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		before, err := os.ReadFile(filepath.Join(b.dir, manifest.FileName))
		if err != nil {
			t.Fatal(err)
		}
		b.add(t, "foo", 0)
		want := tree(t, b.dir)
		// Killed before the last move: everything is there, but minos.yaml is the old one.
		replace(t, filepath.Join(b.dir, manifest.FileName), string(before))
		if b.m, err = manifest.Load(b.dir); err != nil {
			t.Fatal(err)
		}
		b.add(t, "foo", 0)
		if got := tree(t, b.dir); !maps.Equal(got, want) {
			t.Errorf("got %v\nwant %v", got, want)
		}
	})
	t.Run("leaves the project alone when it is interrupted", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		before := tree(t, b.dir)
		plan, err := b.Service(b.dir, b.m, blueprint.NewService{Name: parse(t, "foo")})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := plan.Write(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if got := tree(t, b.dir); !maps.Equal(got, before) {
			t.Errorf("got %v", got)
		}
	})
	t.Run("is made twice alike", func(t *testing.T) {
		t.Parallel()
		one, two := service(t, minos.Source, manifest.SQLite), service(t, minos.Source, manifest.SQLite)
		if !maps.Equal(tree(t, one), tree(t, two)) {
			t.Error("two services of one name differ")
		}
	})
}

// imports returns the import paths of all Go below dir.
func imports(t *testing.T, dir string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ".go" {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			found[imported] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestBlueprint_quickstart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, name := range []string{"foo", "foobar"} {
		plan, err := b.Service(b.dir, b.m, blueprint.NewService{Name: parse(t, name), Quickstart: true})
		write(t, plan, err)
		dir := filepath.Join(b.dir, "microservices", name)
		if out := run(t, dir, nil, "gofmt", "-l", "."); out != "" {
			t.Errorf("gofmt would change %s", out)
		}
		offline(t, dir, "go", "mod", "tidy", "-diff")
	}
	if _, err := b.Service(b.dir, b.m, blueprint.NewService{Name: parse(t, "bar"), Quickstart: true}); err == nil {
		t.Error("the quickstart has a service that it has not")
	}
}

func TestBlueprint_Resources(t *testing.T) {
	t.Parallel()
	t.Run("comes back to where it was", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.add(t, "foo", 0)
		b.add(t, "order-line", 8001)
		before := tree(t, b.dir)
		for _, broker := range manifest.Brokers() {
			for _, database := range manifest.Databases() {
				b.set(t, broker, database)
				checkHashes(t, b)
			}
		}
		b.set(t, manifest.Embedded, manifest.SQLite)
		if got := tree(t, b.dir); !maps.Equal(got, before) {
			t.Errorf("got %v\nwant %v", got, before)
		}
	})
	t.Run("makes what a new service would be", func(t *testing.T) {
		t.Parallel()
		for _, database := range manifest.Databases() {
			b := setup(t)
			b.add(t, "order-line", 0)
			b.set(t, manifest.Embedded, database)
			dir := filepath.Join(b.dir, "microservices", "order-line")
			if !maps.Equal(tree(t, dir), tree(t, service(t, minos.Source, database))) {
				t.Errorf("a service that was changed to %s differs from one made for it", database)
			}
		}
	})
	t.Run("names all files that were edited, and changes none", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.add(t, "foo", 0)
		const config, vendored = "microservices/foo/config.yml", "microservices/foo/third_party/minos/go.mod"
		replace(t, filepath.Join(b.dir, config), "mine")
		replace(t, filepath.Join(b.dir, vendored), "mine")
		before := tree(t, b.dir)
		b.m.Resources.Database = manifest.Postgres
		_, err := b.Resources(b.dir, b.m, "set")
		conflict, ok := errors.AsType[*scaffold.ConflictError](err)
		if !ok || !slices.Equal(conflict.Paths, []string{config, vendored}) {
			t.Errorf("got %v", err)
		}
		if got := tree(t, b.dir); !maps.Equal(got, before) {
			t.Errorf("got %v", got)
		}
	})
	t.Run("refuses when the list of hashes was edited", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.add(t, "foo", 0)
		replace(t, filepath.Join(b.dir, "microservices/foo/third_party/minos/SHA256SUMS"), "mine")
		b.m.Resources.Database = manifest.Postgres
		if _, err := b.Resources(b.dir, b.m, "set"); err == nil || !strings.Contains(err.Error(), "SHA256SUMS differs") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("finishes what was interrupted anywhere", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.add(t, "foo", 0)
		b.set(t, manifest.Embedded, manifest.Postgres)
		begin := b.dir
		b.m.Resources.Database = manifest.SQLite
		plan, err := b.Resources(b.dir, b.m, "set")
		if err != nil {
			t.Fatal(err)
		}
		var want map[string]string
		for done := len(plan.Changes); done >= 0; done -= 3 {
			b.dir = filepath.Join(t.TempDir(), "shop")
			if err := os.CopyFS(b.dir, os.DirFS(begin)); err != nil {
				t.Fatal(err)
			}
			half(t, b.dir, plan.Changes[:done])
			if b.m, err = manifest.Load(b.dir); err != nil {
				t.Fatal(err)
			}
			b.set(t, manifest.Embedded, manifest.SQLite)
			got := tree(t, b.dir)
			if want == nil {
				want = got
			}
			if !maps.Equal(got, want) {
				t.Fatalf("killed after %d of %d moves: got %v\nwant %v", done, len(plan.Changes), got, want)
			}
		}
	})
	t.Run("says which service is not there", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.m.Services["gone"] = manifest.Service{Path: "microservices/gone", Port: 1}
		_, err := b.Resources(b.dir, b.m, "set")
		if err == nil || err.Error() != "microservices/gone is not there; bring it back, or take gone out of minos.yaml" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("marks what the user's code requires itself", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.add(t, "foo", 0)
		dir := filepath.Join(b.dir, "microservices", "foo")
		replace(t, filepath.Join(dir, "internal", "foo", "more.go"), "package foo\n\nimport _ \"github.com/google/uuid\"\n")
		b.set(t, manifest.Embedded, manifest.Postgres)
		offline(t, dir, "go", "mod", "tidy", "-diff")
	})
	t.Run("keeps what the user has put into .env", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		replace(t, filepath.Join(b.dir, ".env"), "A=1\nexport POSTGRES_PASSWORD=mine")
		b.set(t, manifest.Kafka, manifest.Postgres)
		if got := read(t, b.dir, ".env"); got != "A=1\nexport POSTGRES_PASSWORD=mine" {
			t.Errorf("got %q", got)
		}
		replace(t, filepath.Join(b.dir, ".env"), "A=1")
		b.set(t, manifest.Kafka, manifest.Postgres)
		if got := read(t, b.dir, ".env"); !strings.HasPrefix(got, "A=1\nPOSTGRES_PASSWORD=") {
			t.Errorf("got %q", got)
		}
	})
}

// half does the first changes of a plan, as a run that is killed does.
func half(t *testing.T, dir string, changes []scaffold.Change) {
	t.Helper()
	for _, c := range changes {
		name := filepath.Join(dir, filepath.FromSlash(c.Path))
		err := os.MkdirAll(filepath.Dir(name), 0o755)
		if err == nil && c.Action == scaffold.Remove {
			err = os.Remove(name)
		} else if err == nil {
			err = os.WriteFile(name, c.Content, c.Mode)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// checkHashes compares the hashes in minos.yaml with the files.
func checkHashes(t *testing.T, b *bundle) {
	t.Helper()
	m, err := manifest.Load(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, sum := range m.Files {
		if got := scaffold.Sum([]byte(read(t, b.dir, name))); got != sum {
			t.Errorf("%v: %s is not as minos.yaml has it", m.Resources, name)
		}
	}
}

// compose loads the project's compose.yaml as Docker Compose would.
func compose(t *testing.T, b *bundle) *types.Project {
	t.Helper()
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  b.dir,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(b.dir, "compose.yaml")}},
		Environment: types.Mapping{"POSTGRES_PASSWORD": "secret"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func TestBlueprint_compose(t *testing.T) {
	t.Parallel()
	t.Run("lacks what is embedded", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		if got := compose(t, b); got.Name != "shop" || len(got.Services) != 0 {
			t.Errorf("got %+v", got)
		}
		b.add(t, "foo", 0)
		if got := compose(t, b); !slices.Equal(got.ServiceNames(), []string{"foo"}) || len(got.Services["foo"].DependsOn) != 0 {
			t.Errorf("got %+v", got.Services)
		}
	})
	t.Run("has broker, database and services", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.add(t, "order-line", 8001)
		b.set(t, manifest.Kafka, manifest.Postgres)
		project := compose(t, b)
		names := project.ServiceNames()
		slices.Sort(names)
		if !slices.Equal(names, []string{"kafka", "order-line", "postgres"}) {
			t.Fatalf("got %v", names)
		}
		kafka := project.Services["kafka"]
		if id, err := base64.RawURLEncoding.DecodeString(*kafka.Environment["CLUSTER_ID"]); err != nil || len(id) != 16 {
			t.Errorf("cluster id %v: %v", id, err)
		}
		if kafka.Image != "apache/kafka:4.1.0" || len(kafka.Ports) != 0 || len(kafka.Volumes) != 1 {
			t.Errorf("kafka is %+v", kafka)
		}
		line := project.Services["order-line"]
		for key, want := range map[string]string{
			"MINOS_INTERFACES_BROKER_COMMON_HOST":  "kafka",
			"MINOS_INTERFACES_BROKER_COMMON_PORT":  "9092",
			"MINOS_INTERFACES_HTTP_CONNECTOR_PORT": "8080",
			"MINOS_DATABASES_DEFAULT_CLIENT":       "postgres",
			"MINOS_DATABASES_DEFAULT_DATABASE":     "order_line_db",
			"MINOS_DATABASES_DEFAULT_PASSWORD":     "secret",
		} {
			if got := line.Environment[key]; got == nil || *got != want {
				t.Errorf("%s is not %s", key, want)
			}
		}
		if port := line.Ports[0]; port.HostIP != "127.0.0.1" || port.Published != "8001" || port.Target != 8080 {
			t.Errorf("port is %+v", port)
		}
		if !line.ReadOnly || len(line.CapDrop) != 1 || len(line.SecurityOpt) != 1 || len(line.Tmpfs) != 1 || len(line.DependsOn) != 2 {
			t.Errorf("service is %+v", line)
		}
		if line.Labels["run.minos.database"] != "order_line_db" || line.Labels["run.minos.port"] != "fixed" {
			t.Errorf("labels are %v", line.Labels)
		}
	})
	t.Run("asks for the password", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.set(t, manifest.Kafka, manifest.Postgres)
		if text := read(t, b.dir, "compose.yaml"); strings.Contains(text, "PASSWORD: ") && !strings.Contains(text, "${POSTGRES_PASSWORD:?") {
			t.Errorf("got %s", text)
		}
		env := read(t, b.dir, ".env")
		_, password, _ := strings.Cut(strings.TrimSpace(env), "POSTGRES_PASSWORD=")
		for _, file := range []string{"compose.yaml", "minos.yaml"} {
			if len(password) < 20 || strings.Contains(read(t, b.dir, file), password) {
				t.Errorf("the password is short, or in %s", file)
			}
		}
	})
}

func BenchmarkBlueprint_Project(b *testing.B) {
	dir := b.TempDir()
	for i := 0; b.Loop(); i++ {
		p, err := blueprint.Blueprint{Source: minos.Source}.
			Project(filepath.Join(dir, strconv.Itoa(i)), manifest.New("shop", "example.com/shop"))
		if err == nil {
			err = p.Write(b.Context())
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBlueprint_Service(b *testing.B) {
	name, err := scaffold.ParseName("order-line")
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	for i := 0; b.Loop(); i++ {
		p, err := blueprint.Blueprint{Source: minos.Source}.Service(
			filepath.Join(dir, strconv.Itoa(i)), manifest.New("shop", "example.com/shop"), blueprint.NewService{Name: name})
		if err == nil {
			err = p.Write(b.Context())
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
