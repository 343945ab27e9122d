package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minos-framework/minos-go/framework/config"
)

const file = `
version: 2
name: foo
databases:
  default:
    client: postgres
    database: foo_db
    port: 5432
interfaces:
  http:
    connector:
      port: 4545
  broker:
    client: kafka
    common:
      host: localhost
      queue:
        records: 50
`

func TestParse(t *testing.T) {
	t.Parallel()
	t.Run("reads every key and fills in the defaults", func(t *testing.T) {
		t.Parallel()
		c, err := config.Parse("config.yml", []byte(file), nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.Databases["default"].Database != "foo_db" || c.Interfaces.Broker.Common.Queue.Records != 50 {
			t.Errorf("got %+v", c)
		}
		if got := c.Interfaces.HTTP.Connector.Address(); got != "0.0.0.0:4545" {
			t.Errorf("the address is %s", got)
		}
		if got := c.Interfaces.Broker.Common.Address(); got != "localhost:9092" {
			t.Errorf("the broker is at %s", got)
		}
	})
	t.Run("lets the environment override with typed values", func(t *testing.T) {
		t.Parallel()
		c, err := config.Parse("config.yml", []byte(file), []string{
			"MINOS_DATABASES_DEFAULT_HOST=postgres",
			"MINOS_DATABASES_DEFAULT_PASSWORD=a=b",
			"MINOS_DATABASES_QUERY_CLIENT=sqlite",
			"MINOS_INTERFACES_HTTP_CONNECTOR_PORT=8081",
			"MINOS_SAGA_TIMEOUT=5",
			"MINOS_PRIVACY_KEY=a2V5==",
			"MINOS_SAGAS=typo",
			"PATH=/bin",
		})
		if err != nil {
			t.Fatal(err)
		}
		database := c.Databases["default"]
		if database.Host != "postgres" || database.Password != "a=b" || database.Database != "foo_db" {
			t.Errorf("the database is %+v", database)
		}
		if c.Databases["query"].Client != "sqlite" || c.Interfaces.HTTP.Connector.Port != 8081 || c.Saga.Timeout != 5 {
			t.Errorf("got %+v", c)
		}
		if c.Privacy.Key != "a2V5==" {
			t.Errorf("the key is %q", c.Privacy.Key)
		}
		if len(c.Ignored) != 1 || c.Ignored[0] != "MINOS_SAGAS" {
			t.Errorf("ignored %v", c.Ignored)
		}
	})
}

func TestParse_faults(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		from, to string
		environ  string
		want     []string
	}{
		"an unknown key names its line":         {from: "name: foo", to: "nmae: foo", want: []string{"config.yml:3: unknown key nmae"}},
		"malformed YAML names its line":         {from: "name: foo", to: "name: [foo", want: []string{"config.yml:"}},
		"a wrong type names its line":           {from: "port: 5432", to: "port: many", want: []string{"config.yml:8: ", "many"}},
		"another version is refused":            {from: "version: 2", to: "version: 7", want: []string{"version: 7"}},
		"a port out of range is refused":        {from: "port: 4545", to: "port: 99999", want: []string{"99999 is not a port"}},
		"every fault is reported at once":       {from: "name: foo", to: "saga: {timeout: 1}", environ: "MINOS_VERSION=1", want: []string{"name: empty", "version: 1"}},
		"a variable of a wrong type is refused": {environ: "MINOS_SAGA_TIMEOUT=soon", want: []string{"MINOS_SAGA_TIMEOUT", "soon"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Parse("config.yml", []byte(strings.Replace(file, c.from, c.to, 1)), []string{c.environ})
			if err == nil {
				t.Fatal("it was taken")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in: %s", want, err)
				}
			}
		})
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.yml")
	if _, err := config.Load(path, nil); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a missing file: %v", err)
	}
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := config.Load(path, nil); err != nil || c.Name != "foo" {
		t.Errorf("got %q, %v", c.Name, err)
	}
}
