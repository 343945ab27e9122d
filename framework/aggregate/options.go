package aggregate

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/minos-framework/minos-go/framework/aggregate/history"
	"github.com/minos-framework/minos-go/framework/aggregate/sensitive"
	"github.com/minos-framework/minos-go/framework/domain"
	"github.com/minos-framework/minos-go/framework/query"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Option tells of a root entity what its type does not.
type Option func(d *definition) error

// definition is what is known of a root.
type definition struct {
	root    reflect.Type
	shape   *domain.Shape // with the root's stable name
	schema  history.Schema
	records history.Records

	sensitive *sensitive.Fields // nil when there are none
	checked   bool              // references are
	registry  *Registry
	// upcast returns the plain data, as it is today, of a state of an older schema.
	upcast  func(ctx context.Context, s unit.Snapshot) (json.RawMessage, error)
	indexes []query.Index
}

// define reads a root's type and options.
func define(t reflect.Type, options []Option) (*definition, error) {
	shape, err := domain.ShapeOf(t, reflect.TypeFor[Root]())
	if err != nil {
		return nil, err
	}
	schema, err := history.NewSchema(1)
	if err != nil {
		return nil, err
	}
	d := &definition{root: t, shape: shape, schema: schema}
	for _, option := range options {
		if err := option(d); err != nil {
			return nil, fmt.Errorf("%s: %w", t, err)
		}
	}
	seen := map[string]bool{}
	for _, topic := range history.Topics(d.shape, d.records) {
		if !unit.ValidTopic(topic) {
			return nil, fmt.Errorf("%s: a change of it would be published on %q, which is not the name of a topic", t, topic)
		}
		if seen[topic] {
			return nil, fmt.Errorf("%s: two of its events would be published on %q", t, topic)
		}
		seen[topic] = true
	}
	return d, nil
}

// Named gives the root a name of its own, which its events, its states and its
// topics have. Without it that is the name of the Go type, which can then never
// be changed: the name is what is stored.
func Named(name string) Option {
	return func(d *definition) error {
		if name == "" || strings.Contains(name, ".") {
			return fmt.Errorf("the name %q is empty or has a dot", name)
		}
		d.shape.Name = name
		return nil
	}
}

// FieldDiff is what an event says of one field.
type FieldDiff = history.FieldDiff

// Upcaster returns what an event of one version of the schema says in the next.
// It must be pure.
type Upcaster = history.Upcaster

// Schema says in which version the root's events are written, from 1 on, and
// how those of the versions before are read: the first upcaster leads from
// version 1 to 2, and so on without a gap. Raise it whenever a field gets
// another name or type, or goes; a field that is new needs nothing. States of an
// older schema are rebuilt from their events when they are loaded; run Rebuild
// so that conditions of Find see all of them in the new shape.
func Schema(version int, upcasters ...Upcaster) Option {
	return func(d *definition) error {
		schema, err := history.NewSchema(version, upcasters...)
		d.schema = schema
		return err
	}
}

// Renamed is the upcaster for a field that has another name from now on.
func Renamed(from, to string) Upcaster { return history.Renamed(from, to) }

// Removed is the upcaster for a field that is there no more.
func Removed(field string) Upcaster { return history.Removed(field) }
