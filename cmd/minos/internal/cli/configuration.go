package cli

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/minos-framework/minos-go/framework/config"
)

// checkConfigurations reads the config.yml of each of these services as the
// service will at its start, but for the environment, and returns every fault:
// a wrong key is told here, and not by a container that does not come up.
func (p *Project) checkConfigurations(services ...string) error {
	var faults error
	for _, name := range services {
		file := filepath.Join(p.Dir, filepath.FromSlash(p.Services[name].Path), "config.yml")
		if _, err := config.Load(file, nil); err != nil {
			faults = errors.Join(faults, fmt.Errorf("configure %s: %w", name, err))
		}
	}
	return faults
}
