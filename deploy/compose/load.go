// Package compose reads what is wanted of a project from its compose files. A key
// that minos does not carry out is an error, never ignored.
package compose

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/template"
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/minos-framework/minos-go/deploy"
)

// OverrideFile holds the user's changes to deploy.ComposeFile; it may be missing.
const OverrideFile = "compose.override.yaml"

// Source says where a project is read from.
type Source struct {
	Dir  string // absolute
	Name string // of the project
	// Env are the variables that win over .env, as os.Environ returns them.
	Env []string
}

// Load reads what is wanted from compose.yaml, compose.override.yaml and .env.
// What is malformed, unknown or not carried out is an error that names file, line
// and key. It reads the build contexts too: Build.Hash is of their state now.
func Load(ctx context.Context, source Source) (*deploy.Project, error) {
	documents, files, err := readDocuments(source.Dir)
	if err != nil {
		return nil, err
	}
	options, err := cli.NewProjectOptions(files, cli.WithWorkingDirectory(source.Dir), cli.WithName(source.Name),
		cli.WithEnv(source.Env), cli.WithEnvFiles(), cli.WithDotEnv, cli.WithLoadOptions(refuseUnset))
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", deploy.ComposeFile, err)
	}
	composed, err := options.LoadProject(ctx)
	if err != nil {
		return nil, locate(documents, err)
	}
	project := &deploy.Project{Name: source.Name, Dir: source.Dir, Files: files}
	if err := adopt(project, composed); err != nil {
		return nil, locate(documents, err)
	}
	return project, nil
}

// readDocuments reads and checks the compose files in dir.
func readDocuments(dir string) ([]document, []string, error) {
	files := []string{filepath.Join(dir, deploy.ComposeFile)}
	override := filepath.Join(dir, OverrideFile)
	if _, err := os.Stat(override); err == nil {
		files = append(files, override)
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, nil, fmt.Errorf("find %s: %w", OverrideFile, err)
	}
	var documents []document
	var faults []error
	for _, file := range files {
		d, err := readDocument(file)
		if err != nil {
			return nil, nil, err
		}
		documents = append(documents, d)
		faults = append(faults, d.check())
	}
	return documents, files, errors.Join(faults...)
}

// refuseUnset makes a variable that has no value and no default an error: an
// empty password or tag is never what was meant.
func refuseUnset(o *loader.Options) {
	if o.Interpolate == nil { // where the loader only reads the files
		return
	}
	replace := func(text string, values template.Mapping, config *template.Config) (string, error) {
		value, ok, err := template.DefaultReplacementAppliedFunc(text, values, config)
		if err == nil && !ok {
			return "", fmt.Errorf("the variable in %q has no value; set it in .env", text)
		}
		return value, err
	}
	o.Interpolate.Substitute = func(text string, values template.Mapping) (string, error) {
		return template.SubstituteWithOptions(text, values, template.WithoutLogging,
			template.WithReplacementFunction(replace))
	}
}

// keyPath finds "services.foo.ports[0].published" in an error of compose-go.
var keyPath = regexp.MustCompile(`\b(?:services|networks|volumes)(?:\.[A-Za-z0-9_-]+|\[\d+\])*`)

// serviceName finds the service in an error that names it alone.
var serviceName = regexp.MustCompile(`service "([^"]+)"`)

// locate puts file and line before an error that says which key it is about: of
// the file that knows most of the key, the later one when both know as much.
func locate(documents []document, err error) error {
	message := err.Error()
	key := keyPath.FindString(message)
	if match := serviceName.FindStringSubmatch(message); key == "" && match != nil {
		key = "services." + match[1]
	}
	if key == "" {
		return fmt.Errorf("load %s: %w", deploy.ComposeFile, err)
	}
	path := strings.Split(strings.NewReplacer("[", ".", "]", "").Replace(key), ".")
	file, line, deepest := "", 0, 0
	for _, d := range documents {
		if at, depth := d.line(path); depth > 0 && depth >= deepest {
			file, line, deepest = d.file, at, depth
		}
	}
	if file == "" {
		return fmt.Errorf("load %s: %w", deploy.ComposeFile, err)
	}
	return fmt.Errorf("%s:%d: %w", file, line, err)
}

// adopt fills p with what Compose read.
func adopt(p *deploy.Project, composed *types.Project) error {
	var faults []error
	for key, n := range composed.Networks {
		p.Networks = append(p.Networks, deploy.Network{
			Key: key, Name: n.Name, Driver: n.Driver, Internal: n.Internal, External: bool(n.External),
		})
	}
	for key, v := range composed.Volumes {
		p.Volumes = append(p.Volumes, deploy.Volume{
			Key: key, Name: v.Name, Driver: v.Driver, External: bool(v.External),
		})
	}
	for _, s := range composed.Services {
		service, err := adoptService(composed, s)
		if err != nil {
			faults = append(faults, err)
		}
		p.Services = append(p.Services, service)
	}
	slices.SortFunc(p.Networks, func(a, b deploy.Network) int { return strings.Compare(a.Key, b.Key) })
	slices.SortFunc(p.Volumes, func(a, b deploy.Volume) int { return strings.Compare(a.Key, b.Key) })
	slices.SortFunc(p.Services, func(a, b deploy.Service) int { return strings.Compare(a.Name, b.Name) })
	faults = append(faults, checkDatabases(p))
	return errors.Join(faults...)
}

// databaseName is what deploy.LabelDatabase may say: it goes into SQL.
var databaseName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// checkDatabases checks that each database has a name that is safe in SQL and a
// PostgreSQL service to be created on.
func checkDatabases(p *deploy.Project) error {
	var faults []error
	for _, s := range p.Services {
		name := s.Labels[deploy.LabelDatabase]
		switch {
		case name == "":
		case !databaseName.MatchString(name):
			faults = append(faults, fmt.Errorf("services.%s.labels: %s: %q is no database name",
				s.Name, deploy.LabelDatabase, name))
		case p.DatabaseServer(s) == "":
			faults = append(faults, fmt.Errorf(
				"services.%s.depends_on: database %s needs a PostgreSQL service to depend on", s.Name, name))
		}
	}
	return errors.Join(faults...)
}
