package dialect

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/minos-framework/minos-go/framework/query"
)

// expression is SQL that gives the value that a path leads to, or NULL for what
// package query takes for null. Indexes hold the same text: it must not change.
type expression struct {
	sql      string
	kind     string // the SQL type
	argument func(query.Value) any
	nullable bool
}

// The fixed columns, and the kinds of all others.
func expressionOf(p query.Path) expression {
	switch p.Name {
	case "uuid":
		return expression{sql: "aggregate", kind: "uuid", argument: text}
	case "version":
		return expression{sql: "version", kind: "integer", argument: text}
	case "created_at", "updated_at":
		return expression{sql: p.Name, kind: "timestamptz", argument: func(v query.Value) any { return v.Time() }}
	}
	e := expression{argument: text, nullable: true}
	at := "data"
	for _, key := range p.Keys() {
		at += " -> " + literal(key) + "::text"
	}
	at = "(" + at + ")"
	switch p.Kind {
	case query.Number:
		e.kind, e.sql = "numeric", fmt.Sprintf("CASE WHEN jsonb_typeof(%[1]s) = 'number' THEN %[1]s::numeric END", at)
	case query.Decimal:
		e.kind, e.sql = "numeric", fmt.Sprintf(`CASE jsonb_typeof(%[1]s) WHEN 'number' THEN %[1]s::numeric
			WHEN 'string' THEN CASE WHEN length(%[1]s #>> '{}') <= 1000 AND %[1]s #>> '{}' ~ '^-?[0-9]+([.][0-9]+)?$'
				THEN (%[1]s #>> '{}')::numeric END END`, at)
	case query.Text, query.UUID:
		e.kind = "text"
		e.sql = fmt.Sprintf(`CASE WHEN jsonb_typeof(%[1]s) = 'string' THEN %[1]s #>> '{}' END COLLATE "C"`, at)
	case query.Bool:
		e.kind = "boolean"
		e.sql = fmt.Sprintf("CASE WHEN jsonb_typeof(%[1]s) = 'boolean' THEN %[1]s::boolean END", at)
		e.argument = func(v query.Value) any { return v.Bool() }
	case query.Time:
		e.kind = "bigint"
		e.sql = fmt.Sprintf("CASE WHEN jsonb_typeof(%[1]s) = 'string' THEN minos.instant(%[1]s #>> '{}') END", at)
		e.argument = func(v query.Value) any { return v.Micro() }
	default: // query.JSON
		e.kind, e.sql = "jsonb", fmt.Sprintf("nullif(%s, 'null'::jsonb)", at)
		e.argument = func(v query.Value) any { return string(v.JSON()) }
	}
	e.sql = "(" + e.sql + ")"
	return e
}

func text(v query.Value) any { return v.Text() }

// against returns the expression that values are compared with: that of the
// path, but for versions that are no versions.
func (e expression) against(values []query.Value) expression {
	if e.kind != "integer" {
		return e
	}
	for _, v := range values {
		if n, err := strconv.ParseInt(v.Text(), 10, 64); err != nil || n < 0 || n > math.MaxInt32 {
			e.sql, e.kind = "version::numeric", "numeric"
		}
	}
	return e
}

// literal quotes text for SQL, whatever the server makes of backslashes.
func literal(text string) string {
	quoted := "'" + strings.ReplaceAll(text, "'", "''") + "'"
	if strings.Contains(text, `\`) {
		return "E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}
