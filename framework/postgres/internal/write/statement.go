// Package write turns a batch of units of work into the one statement that stores
// it, and its arguments. It talks to no server.
package write

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

// Shape is the set of parts that a batch needs. It is zero for none.
type Shape uint

func (s Shape) has(p part) bool { return s&(1<<p) != 0 }

// columns returns the types of what a part takes: an array for each column.
func (p part) columns() string {
	switch p {
	case receipts:
		return "uuid text"
	case creates:
		return "text uuid int int jsonb timestamptz timestamptz"
	case updates:
		return "text uuid int int int jsonb timestamptz timestamptz"
	case sagas:
		return "uuid text int int text bigint json"
	case sagaLog:
		return "uuid int int json"
	case events:
		return "uuid int text text int json json timestamptz"
	default:
		return "uuid text text text int json json"
	}
}

// body returns the SQL of a part, in which %[1]s stands for the rows i of its
// columns and %[2]s for a condition that holds once the part before is done.
//
// Updates and sagas add the number of steps to the version that is stored. A
// row that was not at the version before the steps, or that did not exist, so
// comes out with another version than was asked for: see guard.
func (p part) body() string {
	switch p {
	case receipts:
		return `INSERT INTO minos.receipt (message, topic) SELECT * FROM %[1]s WHERE %[2]s RETURNING 1`
	case creates: // a plain insert, which is faster: who exists already violates the key
		return `INSERT INTO minos.snapshot (name, aggregate, version, schema, data, created_at, updated_at)
			SELECT * FROM %[1]s WHERE %[2]s RETURNING 1`
	case updates:
		return `INSERT INTO minos.snapshot AS s (name, aggregate, version, schema, data, created_at, updated_at)
			SELECT i.name, i.aggregate, i.steps, i.schema, i.data, i.created_at, i.updated_at
			FROM %[1]s (name, aggregate, version, steps, schema, data, created_at, updated_at) WHERE %[2]s
			ON CONFLICT (name, aggregate) DO UPDATE SET version = s.version + excluded.version,
				schema = excluded.schema, data = excluded.data, created_at = excluded.created_at, updated_at = excluded.updated_at
			RETURNING s.aggregate AS id, s.version`
	case sagas: // the deadline is the database's time
		return `INSERT INTO minos.saga AS s (id, definition, revision, status, deadline, data)
			SELECT i.id, i.definition, i.steps, i.status,
				CASE WHEN i.timeout > 0 THEN clock_timestamp() + i.timeout * interval '1 microsecond' END, i.data
			FROM %[1]s (id, definition, version, steps, status, timeout, data) WHERE %[2]s
			ON CONFLICT (id) DO UPDATE SET definition = excluded.definition, revision = s.revision + excluded.revision,
				status = excluded.status, deadline = excluded.deadline, data = excluded.data
			RETURNING s.id, s.revision AS version`
	case sagaLog:
		return `INSERT INTO minos.saga_log (saga, revision, place, at, data)
			SELECT i.saga, i.revision, i.place, clock_timestamp(), i.data
			FROM %[1]s (saga, revision, place, data) WHERE %[2]s RETURNING 1`
	case events:
		return `INSERT INTO minos.event (aggregate, version, name, action, schema, data, headers, created_at)
			SELECT i.* FROM fence, %[1]s WHERE %[2]s RETURNING 1`
	default:
		return `INSERT INTO minos.message (id, topic, key, reply_to, status, content, headers)
			SELECT i.* FROM fence, %[1]s WHERE %[2]s RETURNING 1`
	}
}

// The allocation fence. Numbers of the sequence become visible in the order of
// commits, not in their own, so a reader that goes on from the highest number
// it saw would skip those that are committed late. Each transaction therefore
// holds, from before it draws its first number until it has ended, a lock that
// is keyed by the number before; a reader stops at the lowest such lock (see
// safe in package postgres). The lock is shared: no writer ever waits for it.
//
// The number is asked of the function, which reads the sequence under its lock.
// The sequence itself, read as a table, shows a number that is 32 too high for
// the moment in which nextval logs: with it 2 of 899,383 events were skipped.
const fence = `SELECT pg_advisory_xact_lock_shared(%d, (` + LastNumber + ` & 2147483647)::int) WHERE %s`

// LastNumber is SQL for the last number of the sequence that was drawn.
const LastNumber = "pg_sequence_last_value('minos.seq')"

// FenceClass is the class of the advisory locks of the fence, "mino". It is the
// same in every program that uses a database: never change it.
const FenceClass = 0x6d696e6f

// Statement writes the statement that stores batches of a shape: a chain of
// parts, since PostgreSQL is free to run independent ones in any order, and the
// guards, which are what it selects.
func (s Shape) Statement() string {
	var steps, guards []string
	done, next := "true", 1
	add := func(name, body string) {
		steps = append(steps, name+" AS MATERIALIZED ("+body+")")
		done = "(SELECT count(*) FROM " + name + ") >= 0"
	}
	for p := range parts {
		if !s.has(p) {
			continue
		}
		if p == events || p == messages && !s.has(events) {
			add("fence", fmt.Sprintf(fence, FenceClass, done))
		}
		name, first := "part"+strconv.Itoa(int(p)), next
		add(name, fmt.Sprintf(p.body(), unnest(p.columns(), &next), done))
		switch p {
		case updates:
			guards = append(guards, guard(name, first+1, first+2, first+3))
		case sagas:
			guards = append(guards, guard(name, first, first+2, first+3))
		}
	}
	if guards == nil {
		guards = []string{"SELECT 1"}
	}
	return "WITH " + strings.Join(steps, ",\n") + "\n" + strings.Join(guards, "\nUNION ALL ")
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

// guard refuses the batch when a row of a part did not come out with the version
// that was asked for. Ids, versions and steps are the numbers of the parameters.
func guard(part string, ids, versions, steps int) string {
	return fmt.Sprintf(`SELECT minos.refuse(id, stored.version - i.steps)
		FROM unnest($%d::uuid[], $%d::int[], $%d::int[]) AS i (id, version, steps)
		JOIN %s AS stored USING (id) WHERE stored.version <> i.version`, ids, versions, steps, part)
}
