package blueprint

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/minos-framework/minos-go/scaffold"
	"github.com/minos-framework/minos-go/scaffold/manifest"
)

// modules returns the go.mod and go.sum of a service whose code imports those
// packages. Both were worked out ahead for the variants there are, since working
// them out takes a network; only which requirements are direct depends on the code.
func (b Blueprint) modules(m *manifest.Manifest, name scaffold.Name, imports []string) ([]scaffold.File, error) {
	mod, err := b.requirements(m, "service.mod")
	if err != nil {
		return nil, err
	}
	sum, err := b.requirements(m, "service.sum")
	if err != nil {
		return nil, err
	}
	_, rest, _ := strings.Cut(string(mod), "\n") // the module's own line
	return []scaffold.File{
		{Path: "go.mod", Mode: 0o644, Content: []byte("module " + moduleOf(m, name) + "\n" + direct(rest, imports))},
		{Path: "go.sum", Mode: 0o644, Content: sum},
	}, nil
}

// requirements reads a file of the variant that the project's services need.
func (b Blueprint) requirements(m *manifest.Manifest, file string) ([]byte, error) {
	variant := "base"
	if m.Resources.Database == manifest.Postgres {
		variant = "postgres"
	}
	content, err := fs.ReadFile(b.Source, path.Join("templates/vendor", variant, file))
	if err != nil {
		return nil, fmt.Errorf("read the requirements: %w", err)
	}
	return content, nil
}

// direct marks the requirements of a go.mod that imports come from as go mod
// tidy does.
func direct(mod string, imports []string) string {
	const only = "require " + modulePath + " "
	var kept strings.Builder
	var direct []string
	gives := func(module string) bool {
		return slices.ContainsFunc(imports, func(i string) bool {
			return i == module || strings.HasPrefix(i, module+"/")
		})
	}
	framework := ""
	for line := range strings.Lines(mod) {
		requirement, indirect := strings.CutSuffix(strings.TrimSpace(line), " // indirect")
		module, _, _ := strings.Cut(requirement, " ")
		switch {
		case strings.HasPrefix(line, only):
			framework = line
			kept.WriteString(line)
		case indirect && gives(module):
			direct = append(direct, "\t"+requirement+"\n")
		default:
			kept.WriteString(line)
		}
	}
	if len(direct) == 0 || framework == "" {
		return mod
	}
	direct = append(direct, "\t"+strings.TrimPrefix(framework, "require "))
	slices.Sort(direct)
	return strings.Replace(kept.String(), framework, "require (\n"+strings.Join(direct, "")+")\n", 1)
}

// importsOf returns the import paths of rendered Go files.
func importsOf(files []scaffold.File) ([]string, error) {
	var imports []string
	for _, f := range files {
		if path.Ext(f.Path) != ".go" {
			continue
		}
		found, err := importsIn(f.Path, f.Content)
		if err != nil {
			return nil, err
		}
		imports = append(imports, found...)
	}
	return imports, nil
}

// importsBelow returns the import paths of the Go files of the service in a
// directory, as they are now.
func importsBelow(dir string) ([]string, error) {
	var imports []string
	tree := os.DirFS(dir)
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == path.Dir(vendorDir):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		source, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		found, err := importsIn(path.Join(dir, name), source)
		imports = append(imports, found...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the imports: %w", err)
	}
	return imports, nil
}

// importsIn returns the import paths of one file.
func importsIn(name string, source []byte) ([]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	imports := make([]string, len(file.Imports))
	for i, spec := range file.Imports {
		if imports[i], err = strconv.Unquote(spec.Path.Value); err != nil {
			return nil, err
		}
	}
	return imports, nil
}
