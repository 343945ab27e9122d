// Package manifest reads and writes minos.yaml, the file that makes a directory
// a project: its name, what its services run on, the services, and the hashes
// of the files that minos owns.
package manifest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// FileName is the name of the manifest in a project's directory.
const FileName = "minos.yaml"

// ErrNoProject is returned by Find when there is no project.
var ErrNoProject = errors.New("no " + FileName + " here or above")

// Manifest is what minos.yaml says. It is made by New or Load.
type Manifest struct {
	Name   string // of the project
	Module string // the module path that services' paths start with
	// Resources is what the services run on. Load fills in the defaults.
	Resources Resources
	// Services by name.
	Services map[string]Service
	// Files holds the SHA-256, in hexadecimal, of each file as minos last wrote
	// it, by its path in the project, with slashes.
	Files map[string]string

	source []byte // the file as it was read: its comments are kept
}

// Resources names the backend of each resource.
type Resources struct {
	Broker   Broker
	Database Database
}

// Broker is how services talk to each other.
type Broker string

// Database is where services keep their state.
type Database string

// The backends. These words are in users' files.
const (
	Kafka    Broker   = "kafka"    // a Kafka broker
	Embedded Broker   = "embedded" // a broker of Kafka's protocol inside `minos dev`
	Postgres Database = "postgres"
	SQLite   Database = "sqlite"
	Memory   Database = "memory" // forgets everything when a service ends
)

// Brokers returns the backends of the broker, in the order of the help.
func Brokers() []Broker { return []Broker{Kafka, Embedded} }

// Databases returns the backends of the database.
func Databases() []Database { return []Database{Postgres, SQLite, Memory} }

// Service is a microservice of the project.
type Service struct {
	// Path of its directory in the project, with slashes.
	Path string
	// Port on the host where it serves HTTP.
	Port int
	// FixedPort says that no other port may be taken when it is in use.
	FixedPort bool
}

// firstPort is of the first service of a project; the seeds' quickstart uses it.
const firstPort = 4545

// New returns the manifest of a project without services, on the embedded
// resources.
func New(name, module string) *Manifest {
	return &Manifest{
		Name:      name,
		Module:    module,
		Resources: Resources{Broker: Embedded, Database: SQLite},
		Services:  map[string]Service{},
		Files:     map[string]string{},
	}
}

// FreePort returns the lowest port, from 4545, that no service has.
func (m *Manifest) FreePort() int {
	taken := map[int]bool{}
	for _, s := range m.Services {
		taken[s.Port] = true
	}
	port := firstPort
	for taken[port] {
		port++
	}
	return port
}

// Find returns the nearest directory, dir or one above it, that holds a
// manifest. It returns ErrNoProject when none does.
func Find(dir string) (string, error) {
	for {
		info, err := os.Stat(filepath.Join(dir, FileName))
		switch {
		case err == nil && !info.IsDir():
			return dir, nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("find the project: %w", err)
		}
		above := filepath.Dir(dir)
		if above == dir {
			return "", ErrNoProject
		}
		dir = above
	}
}

// Load reads the manifest in dir.
func Load(dir string) (*Manifest, error) {
	name := filepath.Join(dir, FileName)
	source, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read the project: %w", err)
	}
	return Parse(name, source)
}
