package sqlite

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/sqlite/internal/row"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Events implements aggregate.Reader. It reads in pages.
func (s *Store) Events(ctx context.Context, query aggregate.EventQuery) iter.Seq2[unit.Event, error] {
	end := int64(-1)
	return inPages(func(last *unit.Event, n int) ([]unit.Event, error) {
		if end < 0 {
			var err error
			if end, err = s.Offset(ctx); err != nil {
				return nil, err
			}
		}
		text, args := eventSelection(query, last, n, end)
		events, err := collect(ctx, s.reads, row.Event, text, args...)
		if err != nil {
			return nil, fmt.Errorf("read events: %w", err)
		}
		return events, nil
	})
}

// eventSelection returns the SQL of one page of the events up to end, of which
// n, the last of them last, were read before.
func eventSelection(query aggregate.EventQuery, last *unit.Event, n int, end int64) (text string, args []any) {
	var where []string
	add := func(holds bool, condition string, value any) {
		if holds {
			where, args = append(where, condition), append(args, value)
		}
	}
	order, one := "seq", query.Aggregate != uuid.Nil
	if one {
		order = "version"
	}
	if last != nil && one {
		query.AfterVersion = max(query.AfterVersion, last.Version)
	} else if last != nil {
		query.After = max(query.After, last.Seq)
	}
	if query.UpTo == 0 || query.UpTo > end {
		query.UpTo = end
	}
	add(one, "aggregate = ?", query.Aggregate[:])
	add(query.AfterVersion > 0, "version > ?", query.AfterVersion)
	add(query.UpToVersion != 0, "version <= ?", query.UpToVersion)
	add(query.Name != "", "name = ?", query.Name)
	add(!one || query.After > 0, "seq > ?", query.After)
	add(true, "seq <= ?", query.UpTo)
	limit := page
	if query.Limit > 0 {
		limit = min(page, query.Limit-n)
	}
	return fmt.Sprintf("%s%s ORDER BY %s LIMIT %d", row.SelectEvents, strings.Join(where, " AND "), order, limit), args
}

// Offset implements aggregate.Reader. There is one writer at a time, so that
// all up to the last number is committed.
func (s *Store) Offset(ctx context.Context) (last int64, err error) {
	if err := s.reads.QueryRowContext(ctx, "SELECT last FROM minos_sequence").Scan(&last); err != nil {
		return 0, fmt.Errorf("read the sequence: %w", err)
	}
	return last, nil
}

// Rewrite implements aggregate.Rewriter.
func (s *Store) Rewrite(ctx context.Context, states ...unit.Snapshot) (left []uuid.UUID, err error) {
	err = s.write(ctx, func(t *transaction) error {
		for _, state := range states {
			n, err := t.exec(`INSERT INTO minos_snapshot (name, aggregate, version, schema, data, created_at, updated_at)
				VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name, aggregate) DO UPDATE SET schema = excluded.schema,
				data = excluded.data, created_at = excluded.created_at, updated_at = excluded.updated_at
				WHERE version = excluded.version`,
				state.Name, state.Aggregate[:], state.Version, state.Schema, row.JSON(state.Data),
				state.CreatedAt.UnixMicro(), state.UpdatedAt.UnixMicro())
			if err != nil {
				return err
			}
			if n == 0 {
				left = append(left, state.Aggregate)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("rewrite %d states: %w", len(states), err)
	}
	return left, nil
}
