package dialect

import (
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/minos-framework/minos-go/framework/query"
)

// Index returns the name of an index on states, which tells it from every other,
// and what it is on. Pages of a selection compare by the same text, so that it
// serves them.
func Index(index query.Index) (name, definition string) {
	var keys []string
	for _, path := range index.Paths {
		keys = append(keys, expressionOf(path).sql)
	}
	definition = fmt.Sprintf("minos.snapshot (name, %s, aggregate)", strings.Join(keys, ", "))
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(definition)) // a hash takes all
	return fmt.Sprintf("snapshot_%016x", sum.Sum64()), definition
}
