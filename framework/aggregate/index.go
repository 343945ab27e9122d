package aggregate

import (
	"context"
	"fmt"
	"strings"

	"github.com/minos-framework/minos-go/framework/query"
)

// Index declares an index that serves conditions on, and orders by, the first
// of paths or the first few of them. Registry.CreateIndexes creates it. It costs
// each save of the root, as in any database.
//
// PostgreSQL has no room for texts of more than 2,600 bytes in an index, and
// refuses the save of a root that has one there.
func Index(paths ...string) Option {
	return func(d *definition) error {
		index, err := query.BindIndex(kinds(d.shape), paths...)
		if err != nil {
			return fmt.Errorf("index %s: %w", strings.Join(paths, ", "), err)
		}
		d.indexes = append(d.indexes, index)
		return nil
	}
}

// CreateIndexes creates the indexes that the roots declare and that are not
// there yet, as a service does when it starts. Writers go on meanwhile, and
// several processes may call it at once. An index that is no longer declared
// stays: another version of the program may still want it.
func (r *Registry) CreateIndexes(ctx context.Context) error {
	var indexes []query.Index
	for _, name := range r.Names() {
		r.mu.RLock()
		for _, index := range r.roots[name].indexes {
			index.Name = name
			indexes = append(indexes, index)
		}
		r.mu.RUnlock()
	}
	if len(indexes) == 0 {
		return nil
	}
	return r.store.CreateIndexes(ctx, indexes...)
}
