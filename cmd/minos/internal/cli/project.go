package cli

import (
	"fmt"

	"github.com/minos-framework/minos-go/scaffold/manifest"
)

// Project is the project that a command works on.
type Project struct {
	Dir string // its absolute path
	*manifest.Manifest
}

// Project returns the project that env.Dir is in: the nearest directory, upward,
// that holds a minos.yaml. Without one the error's class is NoProject, and it
// says how to start.
func (e *Env) Project() (*Project, error) {
	dir, err := manifest.Find(e.Dir)
	if err != nil {
		return nil, fmt.Errorf("%w; start with `minos new project NAME`", err)
	}
	m, err := manifest.Load(dir)
	if err != nil {
		return nil, err
	}
	return &Project{Dir: dir, Manifest: m}, nil
}
