package blueprint_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/minos-framework/minos-go"
	"github.com/minos-framework/minos-go/scaffold"
	"github.com/minos-framework/minos-go/scaffold/manifest"
)

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
		warm(t, dir)
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
