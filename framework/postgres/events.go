package postgres

import (
	"context"
	"fmt"
	"iter"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/minos-framework/minos-go/framework/unit"
)

// History implements aggregate.Reader.
func (s *Store) History(ctx context.Context, id uuid.UUID, after int) iter.Seq2[unit.Event, error] {
	const sql = selectEvent + "aggregate = $1 AND version > $2 ORDER BY version LIMIT $3"
	return inPages(func(last *unit.Event, _ int) ([]unit.Event, error) {
		from := after
		if last != nil {
			from = last.Version
		}
		rows, _ := s.pool.Query(ctx, sql, id, from, page) // rows tell the error
		events, err := pgx.CollectRows(rows, scanEvent)
		if err != nil {
			return nil, fmt.Errorf("read history of %s: %w", id, err)
		}
		return events, nil
	})
}

// The columns that scanEvent reads, and where they are.
const selectEvent = `SELECT seq, aggregate, version, name, action, schema, data, headers, created_at
	FROM minos.event WHERE `

func scanEvent(row pgx.CollectableRow) (e unit.Event, err error) {
	var headers []byte
	err = row.Scan(&e.Seq, &e.Aggregate, &e.Version, &e.Name, &e.Action, &e.Schema, (*[]byte)(&e.Data),
		&headers, &e.CreatedAt)
	if err != nil {
		return e, err
	}
	e.CreatedAt = e.CreatedAt.UTC()
	e.Headers, err = decodeHeaders(headers)
	return e, err
}
