// Package blueprint says what projects consist of: it joins the templates, the
// framework and a project's manifest into plans of files. Nothing is written
// here, and nothing is asked of a network.
package blueprint

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/minos-framework/minos-go/scaffold"
	"github.com/minos-framework/minos-go/scaffold/manifest"
)

// Blueprint makes plans from one source. Its zero value is not valid.
type Blueprint struct {
	// Source is the source of the minos module: framework/, templates/, go.mod.
	Source fs.FS
}

// Project plans a new project in a directory that is empty or not there.
func (b Blueprint) Project(dir string, m *manifest.Manifest) (*scaffold.Plan, error) {
	files, err := b.project(m)
	if err != nil {
		return nil, err
	}
	m.Files[composeFile] = sumOf(files, composeFile)
	last, err := manifestFile(m)
	if err != nil {
		return nil, err
	}
	p := &scaffold.Plan{Dir: dir}
	if err := p.Fresh(".", "new project "+m.Name, append(files, last)); err != nil {
		return nil, err
	}
	if p.Empty() {
		return nil, &scaffold.ConflictError{Paths: []string{dir}, Problem: "holds project " + m.Name + " already"}
	}
	return p, nil
}

// NewService says which service is to be made.
type NewService struct {
	Name scaffold.Name
	// Port on the host; 0 means the next free one of the project. One that is
	// given is fixed.
	Port int
	// Quickstart makes the service that the quickstart has under this name.
	Quickstart bool
}

// Service plans a new service of the project in dir, and adds it to m.
func (b Blueprint) Service(dir string, m *manifest.Manifest, s NewService) (*scaffold.Plan, error) {
	name := s.Name.String()
	if err := refuse(m, s); err != nil {
		return nil, err
	}
	files, err := b.fresh(m, s)
	if err != nil {
		return nil, err
	}
	at := path.Join("microservices", name)
	reason := "new microservice " + name
	p := &scaffold.Plan{Dir: dir}
	if err := p.Fresh(at, reason, files); err != nil {
		return nil, err
	}
	port := s.Port
	if port == 0 {
		port = m.FreePort()
	}
	m.Services[name] = manifest.Service{Path: at, Port: port, FixedPort: s.Port != 0}
	for _, f := range files {
		if ours(f.Path) {
			m.Files[path.Join(at, f.Path)] = scaffold.Sum(f.Content)
		}
	}
	return p, b.finish(p, m, reason)
}

// fresh returns the files of a new service.
func (b Blueprint) fresh(m *manifest.Manifest, s NewService) ([]scaffold.File, error) {
	code, err := b.code(m, s.Name)
	if err == nil && s.Quickstart {
		code, err = b.quickstart(m, s.Name, code)
	}
	if err != nil {
		return nil, err
	}
	imports, err := importsOf(code)
	if err != nil {
		return nil, err
	}
	return b.complete(m, s.Name, code, imports)
}

// refuse returns why m cannot have the service.
func refuse(m *manifest.Manifest, s NewService) error {
	name := s.Name.String()
	if there, ok := m.Services[name]; ok {
		return &scaffold.ConflictError{
			Paths: []string{"microservice " + name}, Problem: "is there already, in " + there.Path,
		}
	}
	if name == kafkaService || name == postgresService {
		return &scaffold.NameError{Name: name, Problem: "is the name of a container of minos' own; choose another"}
	}
	for other, there := range m.Services {
		if s.Port != 0 && there.Port == s.Port {
			return &scaffold.ConflictError{
				Paths: []string{fmt.Sprintf("port %d", s.Port)}, Problem: "is that of " + other,
			}
		}
		if strings.ReplaceAll(other, "-", "") == s.Name.Package() {
			return &scaffold.NameError{
				Name: name, Problem: "differs from that of microservice " + other + " only by hyphens",
			}
		}
	}
	return nil
}

// Resources plans what follows from a change of the project's resources: m has
// the new ones, and the files are those of the old ones.
func (b Blueprint) Resources(dir string, m *manifest.Manifest, reason string) (*scaffold.Plan, error) {
	p := &scaffold.Plan{Dir: dir}
	var conflicts []string
	for _, name := range slices.Sorted(maps.Keys(m.Services)) {
		err := b.change(p, m, name, reason)
		if conflict, ok := asConflict(err); ok {
			conflicts = append(conflicts, conflict.Paths...)
		} else if err != nil {
			return nil, err
		}
	}
	if len(conflicts) > 0 {
		return nil, edited(conflicts)
	}
	if m.Resources.Database == manifest.Postgres {
		if err := addPassword(p); err != nil {
			return nil, err
		}
	}
	return p, b.finish(p, m, reason)
}

// change plans the files of one service that depend on the resources.
func (b Blueprint) change(p *scaffold.Plan, m *manifest.Manifest, service, reason string) error {
	name, err := scaffold.ParseName(service)
	if err != nil {
		return err
	}
	at := m.Services[service].Path
	files, err := b.code(m, name)
	if err != nil {
		return err
	}
	imports, err := importsBelow(filepath.Join(p.Dir, filepath.FromSlash(at)))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is not there; bring it back, or take %s out of %s", at, service, manifest.FileName)
	}
	if err != nil {
		return err
	}
	if files, err = b.complete(m, name, files, imports); err != nil {
		return err
	}
	written, err := b.written(p.Dir, m, at, files)
	if err != nil {
		return err
	}
	var wanted []scaffold.File
	gone := map[string]bool{}
	for known := range written {
		gone[known] = true
	}
	for _, f := range files {
		f.Path = path.Join(at, f.Path)
		if _, known := written[f.Path]; !known && !ours(strings.TrimPrefix(f.Path, at+"/")) && !vendored(f.Path) {
			continue // the user's
		}
		wanted = append(wanted, f)
		delete(gone, f.Path)
	}
	// The list of hashes is the last of wanted: once it is the new one, a run that
	// was killed has nothing more to delete or to replace of what it lists.
	err = p.Delete(written, reason, slices.Sorted(maps.Keys(gone))...)
	if err == nil {
		err = p.Update(written, reason, wanted...)
	}
	if err != nil {
		return err
	}
	for known := range gone {
		delete(m.Files, known)
	}
	for _, f := range wanted {
		if ours(strings.TrimPrefix(f.Path, at+"/")) {
			m.Files[f.Path] = scaffold.Sum(f.Content)
		}
	}
	return nil
}

// finish plans the files of the project that follow from m; minos.yaml is the
// last, since it makes the others count.
func (b Blueprint) finish(p *scaffold.Plan, m *manifest.Manifest, reason string) error {
	files, err := b.project(m)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(files, func(f scaffold.File) bool { return f.Path == composeFile })
	err = p.Update(m.Files, reason, files[i])
	if conflict, ok := asConflict(err); ok {
		conflict.Problem = "was edited; move your changes to compose.override.yaml and delete it"
		return conflict
	}
	if err != nil {
		return err
	}
	m.Files[composeFile] = scaffold.Sum(files[i].Content)
	last, err := manifestFile(m)
	if err != nil {
		return err
	}
	return p.Put(reason, last)
}

// manifestFile is minos.yaml as m has it now.
func manifestFile(m *manifest.Manifest) (scaffold.File, error) {
	content, err := m.Encode()
	return scaffold.File{Path: manifest.FileName, Mode: 0o644, Content: content}, err
}
