package sqlite

import (
	"context"
	"fmt"
	"iter"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/unit"
)

// The columns that scanEvent reads, and where they are.
const selectEvent = `SELECT seq, aggregate, version, name, action, schema, data, headers, created_at
	FROM minos_event WHERE `

func scanEvent(r row) (e unit.Event, err error) {
	var headers []byte
	var created int64
	err = r.Scan(&e.Seq, (*id)(&e.Aggregate), &e.Version, &e.Name, &e.Action, &e.Schema, (*[]byte)(&e.Data),
		&headers, &created)
	if err != nil {
		return e, err
	}
	e.CreatedAt = moment(created)
	e.Headers, err = decodeHeaders(headers)
	return e, err
}

// History implements aggregate.Reader.
func (s *Store) History(ctx context.Context, id uuid.UUID, after int) iter.Seq2[unit.Event, error] {
	const text = selectEvent + "aggregate = ? AND version > ? ORDER BY version LIMIT ?"
	return inPages(func(last *unit.Event, _ int) ([]unit.Event, error) {
		from := after
		if last != nil {
			from = last.Version
		}
		events, err := collect(ctx, s.reads, scanEvent, text, id[:], from, page)
		if err != nil {
			return nil, fmt.Errorf("read history of %s: %w", id, err)
		}
		return events, nil
	})
}
