package memory

import (
	"context"

	"github.com/minos-framework/minos-go/framework/query"
)

// CreateIndexes implements aggregate.Indexer. It does nothing: a state in memory
// is looked at as fast as an index.
func (s *Store) CreateIndexes(context.Context, ...query.Index) error { return nil }
