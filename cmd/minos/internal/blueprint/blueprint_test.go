package blueprint_test

import (
	"bytes"
	"context"
	"errors"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

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
			warm(t, dir)
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
		warm(t, dir)
		offline(t, dir, "go", "mod", "tidy", "-diff")
	}
	if _, err := b.Service(b.dir, b.m, blueprint.NewService{Name: parse(t, "bar"), Quickstart: true}); err == nil {
		t.Error("the quickstart has a service that it has not")
	}
}

func TestBlueprint_Service_licence(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "foo", 4545)
	carried, err := os.ReadFile(filepath.Join(b.dir, "microservices", "foo", "third_party", "minos", "LICENSE"))
	if err != nil || !bytes.HasPrefix(carried, []byte("MIT License")) {
		t.Errorf("the framework's copy carries the licence %.20q, %v", carried, err)
	}
}
