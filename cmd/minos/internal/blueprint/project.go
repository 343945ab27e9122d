package blueprint

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/minos-framework/minos-go/scaffold"
	"github.com/minos-framework/minos-go/scaffold/manifest"
)

const (
	composeFile     = "compose.yaml"
	envFile         = ".env"
	kafkaService    = "kafka"
	postgresService = "postgres"
)

// project returns the files of a project, without its manifest.
func (b Blueprint) project(m *manifest.Manifest) ([]scaffold.File, error) {
	sub, err := fs.Sub(b.Source, "templates/project")
	if err != nil {
		return nil, fmt.Errorf("read the templates: %w", err)
	}
	name, err := scaffold.ParseName(m.Name)
	if err != nil {
		return nil, err
	}
	data, err := compose(m)
	if err != nil {
		return nil, err
	}
	return scaffold.Rendering{From: name, To: name, Data: data}.Render(sub)
}

// composeData is what the templates of a project are executed with.
type composeData struct {
	Name, ClusterID         string
	Database                manifest.Database
	Kafka, Postgres, SQLite bool
	Services                []composeService
	Needs                   []string // what each service starts after
	Volumes                 []string
}

// composeService is a service as compose.yaml shows it.
type composeService struct {
	manifest.Service
	Name, Database string
}

// compose works out what the templates of a project need to know of m. What is
// embedded has no container.
func compose(m *manifest.Manifest) (composeData, error) {
	data := composeData{
		Name:      m.Name,
		ClusterID: clusterID(m.Name),
		Database:  m.Resources.Database,
		Kafka:     m.Resources.Broker == manifest.Kafka,
		Postgres:  m.Resources.Database == manifest.Postgres,
		SQLite:    m.Resources.Database == manifest.SQLite,
	}
	if data.Kafka {
		data.Needs = append(data.Needs, kafkaService)
		data.Volumes = append(data.Volumes, "kafka-data")
	}
	if data.Postgres {
		data.Needs = append(data.Needs, postgresService)
		data.Volumes = append(data.Volumes, "postgres-data")
	}
	for _, service := range slices.Sorted(maps.Keys(m.Services)) {
		name, err := scaffold.ParseName(service)
		if err != nil {
			return data, fmt.Errorf("read %s: %w", manifest.FileName, err)
		}
		data.Services = append(data.Services, composeService{m.Services[service], service, name.Database()})
		if data.SQLite {
			data.Volumes = append(data.Volumes, service+"-data")
		}
	}
	return data, nil
}

// clusterID is the identity of a project's Kafka: 16 bytes as base64, the same
// whenever the file is written.
func clusterID(project string) string {
	sum := sha256.Sum256([]byte("minos " + project))
	return strings.ReplaceAll(base64.RawURLEncoding.EncodeToString(sum[:16]), "-", "_")
}

// addPassword plans a password of the database, where there is none yet.
func addPassword(p *scaffold.Plan) error {
	const key = "POSTGRES_PASSWORD="
	now, err := os.ReadFile(filepath.Join(p.Dir, envFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the passwords: %w", err)
	}
	for line := range strings.Lines(string(now)) {
		if strings.HasPrefix(strings.TrimPrefix(strings.TrimSpace(line), "export "), key) {
			return nil
		}
	}
	if len(now) > 0 && !bytes.HasSuffix(now, []byte("\n")) {
		now = append(now, '\n')
	}
	now = append(now, key+rand.Text()+"\n"...)
	return p.Put("password of "+postgresService, scaffold.File{Path: envFile, Mode: 0o600, Content: now})
}
