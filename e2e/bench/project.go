package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/minos-framework/minos-go/templates"
)

// project is the quickstart's, made by minos in a directory of its own, with
// both services built as they are deployed.
type project struct{ dir string }

// services are those of the quickstart.
func services() []string { return []string{"foo", "foobar"} }

func (p *project) service(name string) string { return filepath.Join(p.dir, "microservices", name) }

func (p *project) binary(name string) string { return filepath.Join(p.dir, "bin", name) }

// quickstart returns the project.
func (b *bench) quickstart(ctx context.Context) (*project, error) {
	if b.project != nil {
		return b.project, nil
	}
	minos, err := b.minos(ctx)
	if err != nil {
		return nil, err
	}
	b.say("making and building the quickstart")
	p := &project{filepath.Join(b.dir, "shop")}
	if err := command(ctx, b.dir, nil, minos, "new", "project", "shop"); err != nil {
		return nil, err
	}
	for _, args := range [][]string{
		{"set", "broker", "kafka"},
		{"set", "database", b.options.database},
		{"new", "microservice", "foo"},
		{"new", "microservice", "foobar"},
	} {
		if err := command(ctx, p.dir, nil, minos, args...); err != nil {
			return nil, err
		}
	}
	for _, name := range services() {
		if err := p.overlay(name); err != nil {
			return nil, fmt.Errorf("write the quickstart's %s: %w", name, err)
		}
		if err := p.build(ctx, name, b.options.profile != ""); err != nil {
			return nil, err
		}
	}
	b.project = p
	return p, nil
}

// overlay puts the quickstart's code of a service in the place of the code that
// every new service starts with.
func (p *project) overlay(name string) error {
	tree, err := fs.Sub(templates.FS, "quickstart/"+name)
	if err != nil {
		return err
	}
	from := "github.com/minos-framework/minos-go/templates/quickstart/" + name
	return fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(tree, path)
		if err != nil {
			return err
		}
		body = bytes.ReplaceAll(body, []byte(from), []byte("example.com/shop/"+name))
		return os.WriteFile(filepath.Join(p.service(name), path), body, 0o644)
	})
}

// profiled is added to a service whose profile is wanted.
const profiled = `package main

import (
	"net/http"
	_ "net/http/pprof"
	"os"
	"runtime"
)

func init() {
	runtime.SetMutexProfileFraction(100)
	go http.ListenAndServe(os.Getenv("BENCH_PROFILE"), nil)
}
`

func (p *project) build(ctx context.Context, name string, profile bool) error {
	if profile {
		path := filepath.Join(p.service(name), "cmd", name, "profile.go")
		if err := os.WriteFile(path, []byte(profiled), 0o644); err != nil {
			return fmt.Errorf("build %s: %w", name, err)
		}
	}
	return command(ctx, p.service(name), []string{"CGO_ENABLED=1"}, "go", "build", "-o", p.binary(name), "./cmd/"+name)
}
