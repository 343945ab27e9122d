package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/postgres/internal/write"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Events implements aggregate.Reader. It reads in pages. What it reads in the
// global order must be asked of the primary server: see Pending.
func (s *Store) Events(ctx context.Context, query aggregate.EventQuery) iter.Seq2[unit.Event, error] {
	bounded := query.Aggregate != uuid.Nil // whose order needs no fence
	upTo := query.UpTo
	return inPages(ctx, func(ctx context.Context, last *unit.Event, n int) ([]unit.Event, error) {
		if !bounded {
			end, err := s.Offset(ctx)
			if err != nil {
				return nil, err
			}
			if upTo == 0 || upTo > end {
				upTo = end
			}
			if bounded = true; upTo <= query.After {
				return nil, nil
			}
		}
		sql, args := eventSelection(query, last, n)
		rows, _ := s.pool.Query(ctx, sql, args...) // rows tell the error
		events, err := pgx.AppendRows(make([]unit.Event, 0, min(page, 16+n)), rows, scanEvent)
		if err != nil {
			return nil, fmt.Errorf("read events: %w", err)
		}
		if query.Aggregate == uuid.Nil {
			// See between for why this is not in the SQL.
			events = upToSeq(events, upTo, func(e unit.Event) int64 { return e.Seq })
		}
		return events, nil
	})
}

// eventSelection returns the SQL of one page of the events that query selects,
// of which n, the last of them last, were read before.
func eventSelection(query aggregate.EventQuery, last *unit.Event, n int) (sql string, args []any) {
	var where []string
	add := func(holds bool, condition string, value any) {
		if holds {
			args = append(args, value)
			where = append(where, fmt.Sprintf(condition, len(args)))
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
	add(one, "aggregate = $%d", query.Aggregate)
	add(query.AfterVersion > 0, "version > $%d", query.AfterVersion)
	add(query.UpToVersion != 0, "version <= $%d", query.UpToVersion)
	add(query.Name != "", "name = $%d", query.Name)
	add(!one || query.After > 0, "seq > $%d", query.After)
	// Or a scan by name would go on to the end for what is not there.
	add((one || query.Name != "") && query.UpTo != 0, "seq <= $%d", query.UpTo)
	limit := page
	if query.Limit > 0 {
		limit = min(page, query.Limit-n)
	}
	return fmt.Sprintf("%s%s ORDER BY %s LIMIT %d", selectEvent, strings.Join(where, " AND "), order, limit), args
}

// Offset implements aggregate.Reader. As Pending, it must ask the primary
// server.
func (s *Store) Offset(ctx context.Context) (int64, error) {
	safe, err := s.safe(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the offset: %w", err)
	}
	return safe, nil
}

// Rewrite implements aggregate.Rewriter.
func (s *Store) Rewrite(ctx context.Context, states ...unit.Snapshot) ([]uuid.UUID, error) {
	missed := make(map[uuid.UUID]bool, len(states))
	for _, state := range states {
		missed[state.Aggregate] = true
	}
	sql, args := write.Rewrite(states)
	written, _ := s.pool.Query(ctx, sql, args...) // rows tell the error
	ids, err := pgx.CollectRows(written, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("rewrite %d states: %w", len(states), err)
	}
	for _, id := range ids {
		delete(missed, id)
	}
	return slices.Collect(maps.Keys(missed)), nil
}

// The columns that scanEvent reads, and where they are.
const selectEvent = `SELECT seq, aggregate, version, name, action, schema, data, headers, created_at
	FROM minos.event WHERE `

// scanEvent has a UUID scanned as its bytes: by its own Scan it takes two fifths
// of the time.
func scanEvent(row pgx.CollectableRow) (e unit.Event, err error) {
	var headers []byte
	err = row.Scan(&e.Seq, (*[16]byte)(&e.Aggregate), &e.Version, &e.Name, (*string)(&e.Action), &e.Schema,
		(*[]byte)(&e.Data), &headers, &e.CreatedAt)
	if err != nil {
		return e, err
	}
	e.CreatedAt = e.CreatedAt.UTC()
	e.Headers, err = decodeHeaders(headers)
	return e, err
}

// decodeHeaders reads what write.Headers wrote.
func decodeHeaders(data []byte) (headers map[string]string, err error) {
	if data == nil {
		return nil, nil
	}
	err = json.Unmarshal(data, &headers)
	return headers, err
}
