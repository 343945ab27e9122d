package sqlite

import (
	"context"
	"strings"

	"github.com/minos-framework/minos-go/framework/query"
)

// PlanOf returns how SQLite would read a page of a selection.
func PlanOf(ctx context.Context, s *Store, selection query.Selection) (string, error) {
	text, args := pageSQL(selection, selection.After, page)
	steps, err := collect(ctx, s.reads, func(r row) (string, error) {
		var id, parent, unused int
		var step string
		err := r.Scan(&id, &parent, &unused, &step)
		return step, err
	}, "EXPLAIN QUERY PLAN "+text, args...)
	return strings.Join(steps, "; "), err
}
