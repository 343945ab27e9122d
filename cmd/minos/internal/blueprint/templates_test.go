package blueprint_test

import (
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/minos-framework/minos-go"
	"github.com/minos-framework/minos-go/scaffold"
	"github.com/minos-framework/minos-go/scaffold/manifest"
)

// A template is Go of this module: rendered as what it is written for, it is
// itself.
func TestTemplates(t *testing.T) {
	t.Parallel()
	const module = "github.com/minos-framework/minos-go"
	for tree, name := range map[string]string{
		"service": "widget-part", "database/sqlite": "widget-part", "database/memory": "widget-part",
		"quickstart/foo": "foo", "quickstart/foobar": "foobar",
	} {
		t.Run(tree+" is its own rendering", func(t *testing.T) {
			t.Parallel()
			sub, err := fs.Sub(minos.Source, "templates/"+tree)
			if err != nil {
				t.Fatal(err)
			}
			at := module + "/templates/" + tree
			files, err := scaffold.Rendering{
				From: parse(t, name), To: parse(t, name), Module: at, NewModule: at, Own: module,
				Data: map[string]string{"Name": "", "Module": "", "Project": "", "Broker": "", "Database": ""},
			}.Render(sub)
			if err != nil || len(files) == 0 {
				t.Fatalf("%d files, %v", len(files), err)
			}
			for _, f := range files {
				if path.Ext(f.Path) != ".go" {
					continue
				}
				if want, err := fs.ReadFile(sub, f.Path); err != nil || string(want) != string(f.Content) {
					t.Errorf("%s is not its own rendering: %v", f.Path, err)
				}
			}
		})
	}
	t.Run("leave no word of the example behind", func(t *testing.T) {
		t.Parallel()
		for _, database := range manifest.Databases() {
			dir := service(t, minos.Source, database)
			for name := range tree(t, dir) {
				if strings.Contains(name, "third_party") {
					continue
				}
				if text := name + strings.ToLower(read(t, dir, name)); strings.Contains(text, "widget") {
					t.Errorf("%s: %s speaks of widgets", database, name)
				}
			}
		}
	})
}
