// Package dialect says in SQL what selections and indexes are of. It knows the
// table of states, and nothing of the store that runs the SQL; what SQLite can
// not compare as package query does is compared by functions which connections
// get from here.
package dialect

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"modernc.org/sqlite" // in Go

	"github.com/minos-framework/minos-go/framework/query"
)

// Connector returns what opens connections to a location, which have the
// functions that the SQL of this package calls:
//
//	minos_key(path, kind, data)        the key of the value at a path
//	minos_like(key, pattern)           whether the text with a key is like a pattern
//	minos_contains(path, data, other)  whether the value at a path contains another
//
// They are in the indexes of files: never change what they return.
func Connector(location string) (driver.Connector, error) {
	d := &sqlite.Driver{}
	if err := register(d); err != nil {
		return nil, fmt.Errorf("register functions: %w", err)
	}
	return connector{driver: d, location: location}, nil
}

// connector opens connections of a driver that has the functions.
type connector struct {
	driver   *sqlite.Driver
	location string
}

// Connect implements driver.Connector.
func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.location) }

// Driver implements driver.Connector.
func (c connector) Driver() driver.Driver { return c.driver }

func register(d *sqlite.Driver) error {
	return errors.Join(
		d.RegisterDeterministicScalarFunction("minos_key", 3,
			func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
				path, _ := args[0].(string)
				kind, _ := args[1].(int64)
				return key(query.ValueAt(textOf(args[2]), query.Path{Name: path, Kind: query.Kind(kind)})), nil
			}),
		d.RegisterDeterministicScalarFunction("minos_like", 2,
			func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
				text := textOf(args[0])
				like := len(text) > 0 && text[0] == present && query.Likeness(string(text[1:]), string(textOf(args[1])))
				return truth(like), nil
			}),
		d.RegisterDeterministicScalarFunction("minos_contains", 3,
			func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
				path, _ := args[0].(string)
				value := query.ValueAt(textOf(args[1]), query.Path{Name: path, Kind: query.JSON})
				other := append(append([]byte(`{"v":`), textOf(args[2])...), '}')
				part := query.ValueAt(other, query.Path{Name: "v", Kind: query.JSON})
				return truth(!value.Null() && query.Containment(value, part)), nil
			}),
	)
}

// What a key begins with, so that null, which has no key, is above all others.
const (
	present = 1
	absent  = 2
)

// key is a value's key with what it begins with.
func key(v query.Value) []byte {
	if v.Null() {
		return []byte{absent}
	}
	return append([]byte{present}, v.Key()...)
}

func truth(holds bool) int64 {
	if holds {
		return 1
	}
	return 0
}

// textOf returns the bytes of a text or a blob; of NULL, none.
func textOf(v driver.Value) []byte {
	switch v := v.(type) {
	case string:
		return []byte(v)
	case []byte:
		return v
	}
	return nil
}
