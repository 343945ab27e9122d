package postgres

import (
	"fmt"
	"strconv"
	"strings"
)

// part is one step of the statement that stores a batch.
type part int

// The parts in the order in which they are done. Rows that others may hold are
// locked first, those of one part in the order of their keys, so that commits
// never deadlock. The fence comes after them, so that nobody waits inside it.
const (
	receipts part = iota
	creates
	updates
	sagas
	sagaLog
	events
	messages
	parts
)

// shape is the set of parts that a batch needs.
type shape uint

func (s shape) has(p part) bool { return s&(1<<p) != 0 }

// columns is what each part takes: the parameters, an array for each.
var columns = [parts]string{
	receipts: "uuid text",
	creates:  "text uuid int jsonb timestamptz timestamptz",
	updates:  "text uuid int int jsonb timestamptz timestamptz",
	sagas:    "uuid text int int text bigint json",
	sagaLog:  "uuid int int json",
	events:   "uuid int text text int json json timestamptz",
	messages: "uuid text text text int json json",
}

// bodies is the SQL of each part. %[1]s is the unnested parameters, %[2]s a
// condition that holds and makes the part wait for the one before.
var bodies = [parts]string{
	receipts: `INSERT INTO minos.receipt (message, topic)
		SELECT * FROM %[1]s WHERE %[2]s RETURNING 1`,
	// An aggregate that exists already is a unique violation.
	creates: `INSERT INTO minos.snapshot (name, aggregate, version, data, created_at, updated_at)
		SELECT * FROM %[1]s WHERE %[2]s RETURNING 1`,
	// i.steps is how many events lead to the new version. A row that is not at
	// the version before them, or that does not exist, comes out with another
	// version than i.version, and is refused.
	updates: `INSERT INTO minos.snapshot AS s (name, aggregate, version, data, created_at, updated_at)
		SELECT i.name, i.aggregate, i.steps, i.data, i.created_at, i.updated_at
		FROM %[1]s (name, aggregate, version, steps, data, created_at, updated_at) WHERE %[2]s
		ON CONFLICT (name, aggregate) DO UPDATE SET version = s.version + excluded.version, data = excluded.data,
			created_at = excluded.created_at, updated_at = excluded.updated_at
		RETURNING s.aggregate AS id, s.version`,
	sagas: `INSERT INTO minos.saga AS s (id, definition, revision, status, deadline, data)
		SELECT i.id, i.definition, i.steps, i.status,
			CASE WHEN i.timeout > 0 THEN clock_timestamp() + i.timeout * interval '1 microsecond' END, i.data
		FROM %[1]s (id, definition, version, steps, status, timeout, data) WHERE %[2]s
		ON CONFLICT (id) DO UPDATE SET definition = excluded.definition, revision = s.revision + excluded.revision,
			status = excluded.status, deadline = excluded.deadline, data = excluded.data
		RETURNING s.id, s.revision AS version`,
	sagaLog: `INSERT INTO minos.saga_log (saga, revision, place, at, data)
		SELECT i.saga, i.revision, i.place, clock_timestamp(), i.data
		FROM %[1]s (saga, revision, place, data) WHERE %[2]s RETURNING 1`,
	events: `INSERT INTO minos.event (aggregate, version, name, action, schema, data, headers, created_at)
		SELECT i.* FROM fence, %[1]s WHERE %[2]s RETURNING 1`,
	messages: `INSERT INTO minos.message (id, topic, key, reply_to, status, content, headers)
		SELECT i.* FROM fence, %[1]s WHERE %[2]s RETURNING 1`,
}

// The allocation fence. Numbers of the sequence become visible in the order of
// commits, not in their own, so a reader that goes on from the highest number
// it saw would skip those that are committed late. Each transaction therefore
// holds, from before it draws its first number until it has ended, a lock that
// is keyed by the number before; a reader stops at the lowest such lock (see
// outbox.go). The lock is shared: no writer ever waits for it.
const fence = `SELECT pg_advisory_xact_lock_shared(%d, (last_value & 2147483647)::int) FROM minos.seq WHERE %s`

// statement writes the statement that stores batches of a shape. Its parts are
// chained, since PostgreSQL is free to run independent ones in any order.
func statement(s shape) string {
	var text strings.Builder
	text.WriteString("WITH ")
	after, next := "true", 1
	step := func(name, body string) {
		if after != "true" {
			text.WriteString(",\n")
		}
		fmt.Fprintf(&text, "%s AS MATERIALIZED (%s)", name, body)
		after = "(SELECT count(*) FROM " + name + ") >= 0"
	}
	var guards []string
	for p := range parts {
		if !s.has(p) {
			continue
		}
		if p >= events && (p == events || !s.has(events)) {
			step("fence", fmt.Sprintf(fence, fenceClass, after))
		}
		name := "part" + strconv.Itoa(int(p))
		first := next
		step(name, fmt.Sprintf(bodies[p], unnest(columns[p], &next), after))
		switch p {
		case updates:
			guards = append(guards, guard(name, first+1, first+2))
		case sagas:
			guards = append(guards, guard(name, first, first+2))
		}
	}
	if guards == nil {
		guards = []string{"SELECT 1"}
	}
	return text.String() + "\n" + strings.Join(guards, "\nUNION ALL ")
}

// unnest makes rows i of array parameters from number next on.
func unnest(types string, next *int) string {
	var arrays []string
	for _, name := range strings.Fields(types) {
		arrays = append(arrays, fmt.Sprintf("$%d::%s[]", *next, name))
		*next++
	}
	return "unnest(" + strings.Join(arrays, ", ") + ") AS i"
}

// guard refuses the batch when a row did not come out with the version that
// was asked for.
func guard(part string, ids, versions int) string {
	return fmt.Sprintf(`SELECT minos.refuse(id) FROM unnest($%d::uuid[], $%d::int[]) AS i (id, version)
		JOIN %s AS stored USING (id) WHERE stored.version <> i.version`, ids, versions, part)
}
