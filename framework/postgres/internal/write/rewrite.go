package write

import "github.com/minos-framework/minos-go/framework/unit"

// rewrite locks rows in the order of their keys, as commits lock them.
const rewrite = `INSERT INTO minos.snapshot AS s (name, aggregate, version, schema, data, created_at, updated_at)
	SELECT * FROM unnest($1::text[], $2::uuid[], $3::int[], $4::int[], $5::jsonb[], $6::timestamptz[], $7::timestamptz[])
		AS i (name, aggregate) ORDER BY i.name, i.aggregate
	ON CONFLICT (name, aggregate) DO UPDATE SET schema = excluded.schema, data = excluded.data,
		created_at = excluded.created_at, updated_at = excluded.updated_at
	WHERE s.version = excluded.version RETURNING s.aggregate`

// Rewrite returns the statement that adds states that are not there and replaces
// those of the same version, and its arguments. It gives the aggregates of the
// rows that it wrote.
func Rewrite(states []unit.Snapshot) (sql string, args []any) {
	rows := make([]unit.State, len(states))
	for i, state := range states {
		rows[i] = unit.State{Snapshot: state}
	}
	return rewrite, stateColumns(rows, false)
}
