package config_test

import (
	"fmt"

	"github.com/minos-framework/minos-go/framework/config"
)

// The environment has the last word, and a misspelt key is an error that names
// its line.
func ExampleParse() {
	file := []byte(`version: 2
name: foo
databases: {default: {client: postgres, database: foo_db}}
interfaces:
  http: {connector: {host: 127.0.0.1, port: 4545}}
  broker: {client: kafka}
`)
	c, err := config.Parse("config.yml", file, []string{"MINOS_DATABASES_DEFAULT_HOST=db.example.com"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Name, "listens on", c.Interfaces.HTTP.Connector.Address())
	fmt.Println(c.Databases["default"].Database, "is at", c.Databases["default"].Host)

	_, err = config.Parse("config.yml", []byte("version: 2\nnmae: foo\n"), nil)
	fmt.Println(err != nil)
	// Output:
	// foo listens on 127.0.0.1:4545
	// foo_db is at db.example.com
	// true
}
