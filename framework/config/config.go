// Package config reads a service's configuration: a file in the form of Minos's
// version 2, and the environment, which overrides it.
//
//	version: 2
//	name: foo
//	databases:
//	  default:
//	    client: postgres
//	    database: foo_db
//	interfaces:
//	  http:
//	    connector:
//	      port: 8080
//	  broker:
//	    client: kafka
//	    common:
//	      host: localhost
//	      port: 9092
//
// The variable of a key is MINOS_ and the key in upper case with underscores:
// MINOS_DATABASES_DEFAULT_HOST. Its value has the key's type. Keys that are not
// known are errors, in the file with their line.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Config is a service's configuration.
type Config struct {
	// Version is the form of the file: 2.
	Version int `yaml:"version"`
	// Name is the service's name, in lower case with hyphens.
	Name string `yaml:"name"`
	// Databases by name. "default" is what the service is kept in; no other is
	// opened.
	Databases  map[string]Database `yaml:"databases"`
	Interfaces Interfaces          `yaml:"interfaces"`
	Saga       Saga                `yaml:"saga"`
	Privacy    Privacy             `yaml:"privacy"`

	// Ignored lists the MINOS_ variables that are no keys. They may be
	// misspelt, or belong to another program: worth a warning, no reason not to
	// start.
	Ignored []string `yaml:"-"`
}

// Database says how to reach a database.
type Database struct {
	// Client is the driver: postgres, sqlite or memory.
	Client   string `yaml:"client"`
	Host     string `yaml:"host"`
	Port     int    `yaml:"port"`
	Database string `yaml:"database"`
	User     string `yaml:"user"`
	// Password is best left to MINOS_DATABASES_DEFAULT_PASSWORD.
	Password string `yaml:"password"`
	// Path is the file of a database that is one.
	Path string `yaml:"path"`
}

// Interfaces are the ways into the service.
type Interfaces struct {
	HTTP   HTTP   `yaml:"http"`
	Broker Broker `yaml:"broker"`
}

// HTTP says where REST is served.
type HTTP struct {
	Connector Connector `yaml:"connector"`
}

// Connector is the address to listen on.
type Connector struct {
	// Host is "0.0.0.0" by default.
	Host string `yaml:"host"`
	// Port is 8080 by default.
	Port int `yaml:"port"`
}

// Address joins host and port.
func (c Connector) Address() string { return net.JoinHostPort(c.Host, strconv.Itoa(c.Port)) }

// Broker says how to reach the broker.
type Broker struct {
	// Client is the driver: kafka or memory.
	Client string       `yaml:"client"`
	Common BrokerCommon `yaml:"common"`
}

// BrokerCommon is what the broker's publisher and subscriber share.
type BrokerCommon struct {
	Host string `yaml:"host"`
	Port int    `yaml:"port"`
	// Partitions and Replication are those of topics that the service creates.
	// Zero means the driver's default.
	Partitions  int `yaml:"partitions"`
	Replication int `yaml:"replication"`
	// Concurrency is how many messages are handled at once. Zero means the
	// driver's default.
	Concurrency int   `yaml:"concurrency"`
	Queue       Queue `yaml:"queue"`
}

// Address joins host and port.
func (b BrokerCommon) Address() string { return net.JoinHostPort(b.Host, strconv.Itoa(b.Port)) }

// Queue tunes what is sent.
type Queue struct {
	// Records is how many events and messages are read from the store at once.
	// Zero means the relay's default.
	Records int `yaml:"records"`
}

// Saga tunes sagas.
type Saga struct {
	// Timeout is the seconds that a step waits for its reply. Zero means 30.
	Timeout int `yaml:"timeout"`
}

// Privacy says by what personal data is sealed.
type Privacy struct {
	// Key is the master key: 32 random bytes in base64, which a service needs
	// that has sensitive fields. It is best left to MINOS_PRIVACY_KEY. Who loses
	// it has lost the data.
	Key string `yaml:"key"`
	// Previous are former master keys, with commas between them: what was sealed
	// under them is still opened.
	Previous string `yaml:"previous"`
}

// Load reads the file at path and then the environment, given as os.Environ
// has it. It returns every fault at once, each naming its file and line, or its
// variable.
func Load(path string, environ []string) (Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("read the configuration: %w", err)
	}
	return Parse(path, data, environ)
}

// Parse is Load for a file that was read already; name is what faults call it.
func Parse(name string, data []byte, environ []string) (Config, error) {
	c := Config{
		Interfaces: Interfaces{
			HTTP:   HTTP{Connector: Connector{Host: "0.0.0.0", Port: 8080}},
			Broker: Broker{Common: BrokerCommon{Host: "localhost", Port: 9092}},
		},
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return Config{}, fault(name, err)
	}
	if err := override(&c, environ); err != nil {
		return Config{}, err
	}
	if err := c.validate(); err != nil {
		return Config{}, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

// fault words what the decoder says as "config.yml:3: unknown key bogus".
func fault(name string, err error) error {
	pattern := regexp.MustCompile(`line (\d+)(?:, column \d+)?: (?:field (\S+) not found in type \S+)?`)
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	at := pattern.FindStringSubmatchIndex(text)
	if at == nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	line := text[at[2]:at[3]]
	if at[4] >= 0 {
		return fmt.Errorf("%s:%s: unknown key %s", name, line, text[at[4]:at[5]])
	}
	return fmt.Errorf("%s:%s: %s", name, line, strings.TrimSpace(text[at[1]:]))
}

func (c Config) validate() error {
	var faults error
	if c.Version != 2 {
		faults = errors.Join(faults, fmt.Errorf("version: %d is not known; version 2 is", c.Version))
	}
	if c.Name == "" {
		faults = errors.Join(faults, errors.New("name: empty"))
	}
	if _, ok := c.Databases["default"]; !ok {
		faults = errors.Join(faults, errors.New("databases.default: missing"))
	}
	for name, d := range c.Databases {
		if d.Client == "" {
			faults = errors.Join(faults, fmt.Errorf("databases.%s.client: empty", name))
		}
		faults = errors.Join(faults, validPort("databases."+name+".port", d.Port))
	}
	if c.Interfaces.Broker.Client == "" {
		faults = errors.Join(faults, errors.New("interfaces.broker.client: empty"))
	}
	return errors.Join(faults,
		validPort("interfaces.http.connector.port", c.Interfaces.HTTP.Connector.Port),
		validPort("interfaces.broker.common.port", c.Interfaces.Broker.Common.Port))
}

func validPort(key string, port int) error {
	if port < 0 || port > 65535 {
		return fmt.Errorf("%s: %d is not a port", key, port)
	}
	return nil
}
