package blueprint

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/minos-framework/minos-go/scaffold"
	"github.com/minos-framework/minos-go/scaffold/manifest"
)

const (
	modulePath = "github.com/minos-framework/minos-go"
	vendorDir  = "third_party/minos"
)

// packages are the parts of the framework that every service carries.
func packages() []string {
	return []string{
		"framework/unit", "framework/query", "framework/calendar", "framework/domain",
		"framework/aggregate", "framework/aggregate/history", "framework/aggregate/reference", "framework/aggregate/sensitive",
		"framework/broker", "framework/saga", "framework/cqrs", "framework/schedule", "framework/privacy", "framework/dump",
		"framework/config", "framework/service", "framework/rest", "framework/telemetry",
		"framework/memory", "framework/minostest", "framework/kafka", "framework/sqlite",
	}
}

// code returns the files of a service as the project's resources have them, by
// their paths in the service, without its requirements.
func (b Blueprint) code(m *manifest.Manifest, name scaffold.Name) ([]scaffold.File, error) {
	files, err := b.tree(m, name, "service")
	if err != nil {
		return nil, err
	}
	if m.Resources.Database != manifest.Postgres {
		other, err := b.tree(m, name, "database/"+string(m.Resources.Database))
		if err != nil {
			return nil, err
		}
		files = overlay(files, other)
	}
	return files, nil
}

// complete adds the requirements of code that has those imports.
func (b Blueprint) complete(
	m *manifest.Manifest, name scaffold.Name, code []scaffold.File, imports []string,
) ([]scaffold.File, error) {
	modules, err := b.modules(m, name, imports)
	if err != nil {
		return nil, err
	}
	vendor, err := b.vendor(m)
	return slices.Concat(code, modules, vendor), err
}

// quickstart puts the quickstart's code of that name over a service.
func (b Blueprint) quickstart(
	m *manifest.Manifest, name scaffold.Name, files []scaffold.File,
) ([]scaffold.File, error) {
	tree := "quickstart/" + name.String()
	sub, err := fs.Sub(b.Source, "templates/"+tree)
	if err != nil {
		return nil, fmt.Errorf("read the quickstart: %w", err)
	}
	own, err := scaffold.Rendering{
		From: name, To: name, // it is written for this name
		Module: modulePath + "/templates/" + tree, NewModule: moduleOf(m, name),
	}.Render(sub)
	if err != nil {
		return nil, err
	}
	if len(own) == 0 {
		return nil, fmt.Errorf("the quickstart has no microservice %s", name)
	}
	pkg := path.Join("internal", name.Package()) + "/"
	files = slices.DeleteFunc(files, func(f scaffold.File) bool { return strings.HasPrefix(f.Path, pkg) })
	return overlay(files, own), nil
}

// tree renders one tree of the templates for a service.
func (b Blueprint) tree(m *manifest.Manifest, name scaffold.Name, tree string) ([]scaffold.File, error) {
	sub, err := fs.Sub(b.Source, "templates/"+tree)
	if err != nil {
		return nil, fmt.Errorf("read the templates: %w", err)
	}
	example, err := scaffold.ParseName("widget-part")
	if err != nil {
		return nil, err
	}
	return scaffold.Rendering{
		From: example, To: name,
		Module: modulePath + "/templates/" + tree, NewModule: moduleOf(m, name),
		Data: map[string]string{
			"Name": name.String(), "Module": moduleOf(m, name), "Project": m.Name,
			"Broker": string(m.Resources.Broker), "Database": string(m.Resources.Database),
		},
	}.Render(sub)
}

// moduleOf is the import path of a service's module.
func moduleOf(m *manifest.Manifest, name scaffold.Name) string { return m.Module + "/" + name.String() }

// overlay returns files with those of other in their places.
func overlay(files, other []scaffold.File) []scaffold.File {
	files = slices.DeleteFunc(files, func(f scaffold.File) bool {
		return slices.ContainsFunc(other, func(o scaffold.File) bool { return o.Path == f.Path })
	})
	return append(files, other...)
}

// vendor returns the framework as the service carries it.
func (b Blueprint) vendor(m *manifest.Manifest) ([]scaffold.File, error) {
	names := packages()
	if m.Resources.Database == manifest.Postgres {
		names = append(names, "framework/postgres")
	}
	mod, err := b.requirements(m, "framework.mod")
	if err != nil {
		return nil, err
	}
	sum, err := b.requirements(m, "framework.sum")
	if err != nil {
		return nil, err
	}
	license, err := fs.ReadFile(b.Source, "LICENSE")
	if err != nil {
		return nil, fmt.Errorf("read the framework's licence: %w", err)
	}
	return scaffold.Vendor(b.Source, names, vendorDir,
		scaffold.File{Path: "LICENSE", Mode: 0o644, Content: license},
		scaffold.File{Path: "go.mod", Mode: 0o644, Content: mod},
		scaffold.File{Path: "go.sum", Mode: 0o644, Content: sum})
}

// ours reports whether minos writes a file of a service anew when resources
// change. All others are the user's from the start.
func ours(name string) bool {
	switch name {
	case "config.yml", "go.mod", "go.sum", path.Join(vendorDir, scaffold.SumsFile):
		return true
	}
	return path.Dir(name) == "internal/drivers"
}

// vendored reports whether a file of the project is a service's copy of the
// framework.
func vendored(name string) bool { return strings.Contains(name, "/"+vendorDir+"/") }

// written returns the hashes of minos' files of the service at a path, as they
// were last written. files are what is to be written now: a run that was killed
// has come so far, perhaps.
func (b Blueprint) written(
	dir string, m *manifest.Manifest, at string, files []scaffold.File,
) (map[string]string, error) {
	written := map[string]string{}
	for name, sum := range m.Files {
		if strings.HasPrefix(name, at+"/") {
			written[name] = sum
		}
	}
	local := path.Join(vendorDir, scaffold.SumsFile)
	name := path.Join(at, local)
	sums, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return written, nil
	case err != nil:
		return nil, fmt.Errorf("read the hashes of the framework: %w", err)
	case scaffold.Sum(sums) != written[name] && scaffold.Sum(sums) != sumOf(files, local):
		return nil, edited([]string{name})
	}
	maps.Copy(written, scaffold.ReadSums(path.Join(at, vendorDir), sums))
	return written, nil
}

// edited is the conflict of files that the user has changed, all of them at once.
func edited(paths []string) error {
	return &scaffold.ConflictError{
		Paths: paths, Problem: "differs from what minos wrote; undo the change, or delete the file",
	}
}

// asConflict returns the conflict in the chain of err.
func asConflict(err error) (*scaffold.ConflictError, bool) {
	return errors.AsType[*scaffold.ConflictError](err)
}

// sumOf returns the hash of the file of that name, or "" when there is none.
func sumOf(files []scaffold.File, name string) string {
	for _, f := range files {
		if f.Path == name {
			return scaffold.Sum(f.Content)
		}
	}
	return ""
}
