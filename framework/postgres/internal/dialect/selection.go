// Package dialect says in SQL what selections and indexes are of. It knows the
// table of states, and nothing of the store that runs the SQL.
package dialect

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/query"
)

// Pages yields what comes behind the WHERE of queries for the first states of a
// selection after a position, which is nil for the beginning: the states of the
// first query come before those of the next. Each gives limit at most, so that
// there are fewer to prepare; who has so many needs no further one.
func Pages(s query.Selection, after *query.Position, limit int) iter.Seq2[string, []any] {
	return func(yield func(string, []any) bool) {
		for _, p := range stretches(s, after) {
			if !yield(page(s, p, after, limit)) {
				return
			}
		}
	}
}

// selectionSQL is the SQL of a stretch of a selection in the making.
type selectionSQL struct {
	query.Selection

	args []any
}

// stretch is a range of the first key in which the rest of an order can be read
// from an index: null comes last or first, where a bound does not reach.
type stretch int

const (
	whole   stretch = iota // all of the order
	bounded                // from the position on, without null when the position is not
	beyond                 // what comes after the bounded part: null, or all but null
)

// stretches lists the stretches to read, one after the other, of what comes after a
// position.
func stretches(s query.Selection, after *query.Position) []stretch {
	if after == nil {
		return []stretch{whole}
	}
	if len(s.Order) == 0 || !expressionOf(s.Order[0].Path).nullable {
		return []stretch{bounded}
	}
	if after.Keys[0].Null() == s.Order[0].Descending {
		return []stretch{bounded, beyond}
	}
	return []stretch{bounded}
}

// page returns what Pages yields for a stretch of a selection.
func page(s query.Selection, p stretch, after *query.Position, limit int) (sql string, args []any) {
	c := &selectionSQL{Selection: s}
	where := []string{"name = " + literal(s.Name), "data IS NOT NULL"}
	if s.IDs != nil {
		where = append(where, "aggregate = ANY("+c.place(s.IDs, "uuid[]")+")")
	}
	for _, condition := range s.Where {
		where = append(where, c.condition(condition))
	}
	if p != whole {
		where = append(where, c.after(p, *after)...)
	}
	return fmt.Sprintf("%s ORDER BY %s LIMIT %d", strings.Join(where, " AND "), c.order(), limit), c.args
}

func (c *selectionSQL) place(value any, kind string) string {
	c.args = append(c.args, value)
	return fmt.Sprintf("$%d::%s", len(c.args), kind)
}

// condition returns SQL that is true when a condition holds, and false or null
// when it does not: which of them makes no difference to AND and OR, and NOT
// looks at truth alone.
func (c *selectionSQL) condition(q query.Condition) string {
	switch q.Op {
	case query.OpTrue:
		return "TRUE"
	case query.OpAnd, query.OpOr:
		joint, none := " AND ", "TRUE"
		if q.Op == query.OpOr {
			joint, none = " OR ", "FALSE"
		}
		if len(q.Of) == 0 {
			return none
		}
		joined := make([]string, len(q.Of))
		for i, part := range q.Of {
			joined[i] = c.condition(part)
		}
		return "(" + strings.Join(joined, joint) + ")"
	case query.OpNot:
		return "(" + c.condition(q.Of[0]) + " IS NOT TRUE)"
	case query.OpFalse:
		return "FALSE"
	}
	return c.leaf(q)
}

func (c *selectionSQL) leaf(q query.Condition) string {
	values := slices.DeleteFunc(slices.Clone(q.Values), query.Value.Null)
	e := expressionOf(q.Path).against(values)
	operator := map[query.Op]string{
		query.OpLower: "<", query.OpLowerEqual: "<=", query.OpGreater: ">", query.OpGreaterEqual: ">=",
		query.OpEqual: "=", query.OpContains: "@>",
	}[q.Op]
	switch {
	case q.Op == query.OpLike:
		return c.like(e, values[0])
	case q.Op == query.OpContains || len(q.Values) == 1 && len(values) == 1:
		if q.Op == query.OpIn {
			operator = "="
		}
		return fmt.Sprintf("(%s %s %s)", e.sql, operator, c.value(e, q.Values[0]))
	}
	either := []string{"FALSE"}
	if len(values) < len(q.Values) {
		either = append(either, e.sql+" IS NULL")
	}
	if len(values) > 0 {
		either = append(either, fmt.Sprintf("%s = ANY(%s)", e.sql, c.values(e, values)))
	}
	return "(" + strings.Join(either[min(1, len(either)-1):], " OR ") + ")"
}

// like adds the range that a pattern's beginning allows, which an index serves.
func (c *selectionSQL) like(e expression, pattern query.Value) string {
	sql := fmt.Sprintf("(%s LIKE %s", e.sql, c.value(e, pattern))
	if prefix, _, open := strings.Cut(pattern.Text(), "%"); open && prefix != "" && !strings.ContainsAny(prefix, `\_`) {
		sql += fmt.Sprintf(" AND %s >= %s", e.sql, c.place(prefix, "text"))
		if end := successor(prefix); end != "" {
			sql += fmt.Sprintf(" AND %s < %s", e.sql, c.place(end, "text"))
		}
	}
	return sql + ")"
}

// successor returns the lowest text above all those that begin with prefix, or
// "" when there is none.
func successor(prefix string) string {
	runes := []rune(prefix)
	for i := len(runes) - 1; i >= 0; i-- {
		switch runes[i] {
		case utf8.MaxRune:
			continue
		case 0xD7FF: // before the surrogates, which no text has
			runes[i] = 0xE000
		default:
			runes[i]++
		}
		return string(runes[:i+1])
	}
	return ""
}

func (c *selectionSQL) value(e expression, v query.Value) string {
	return c.place(e.argument(v), e.kind)
}

// values passes values as an array.
func (c *selectionSQL) values(e expression, values []query.Value) string {
	switch e.argument(values[0]).(type) {
	case bool:
		return c.place(list[bool](e, values), "boolean[]")
	case int64:
		return c.place(list[int64](e, values), "bigint[]")
	case string:
		return c.place(list[string](e, values), "text[]") + "::" + e.kind + "[]"
	}
	return c.place(list[time.Time](e, values), "timestamptz[]")
}

func list[T any](e expression, values []query.Value) []T {
	all := make([]T, len(values))
	for i, v := range values {
		all[i], _ = e.argument(v).(T)
	}
	return all
}

// order returns the keys that rows come by. The uuid is the last.
func (c *selectionSQL) order() string {
	var keys []string
	for _, o := range c.Order {
		keys = append(keys, expressionOf(o.Path).sql+direction(o.Descending))
	}
	return strings.Join(append(keys, "aggregate"+direction(c.Descends())), ", ")
}

// direction puts null last or first, as PostgreSQL does unless it is told.
func direction(descending bool) string {
	if descending {
		return " DESC"
	}
	return ""
}

// after returns the conditions for a stretch of what comes after a position.
func (c *selectionSQL) after(p stretch, position query.Position) []string {
	if len(c.Order) == 0 {
		return []string{"aggregate > " + c.place(position.ID, "uuid")}
	}
	o, first := c.Order[0], position.Keys[0]
	e := expressionOf(o.Path)
	switch {
	case p == beyond && o.Descending:
		return []string{e.sql + " IS NOT NULL"}
	case p == beyond:
		return []string{e.sql + " IS NULL"}
	case first.Null():
		return []string{e.sql + " IS NULL", c.behind(c.Order[1:], position.Keys[1:], position.ID)}
	case len(c.Order) == 1:
		// A row of both is one range of an index, however many are equal.
		return []string{fmt.Sprintf("(%s, aggregate) %s (%s, %s)", e.sql, above(o.Descending),
			c.value(e, first), c.place(position.ID, "uuid"))}
	}
	e.nullable = false // in this stretch
	bound := fmt.Sprintf("%s %s= %s", e.sql, above(o.Descending), c.value(e, first))
	return []string{bound, fmt.Sprintf("(%s %s %s OR %s)", e.sql, above(o.Descending), c.value(e, first),
		c.behind(c.Order[1:], position.Keys[1:], position.ID))}
}

// behind returns SQL for what is after a position by some keys and the uuid.
func (c *selectionSQL) behind(order []query.Order, keys []query.Value, id uuid.UUID) string {
	if len(order) == 0 {
		return fmt.Sprintf("aggregate %s %s", above(c.Descends()), c.place(id, "uuid"))
	}
	o, key := order[0], keys[0]
	e := expressionOf(o.Path)
	further, same := "FALSE", e.sql+" IS NULL"
	switch {
	case key.Null() && o.Descending:
		further = e.sql + " IS NOT NULL"
	case !key.Null():
		further = fmt.Sprintf("%s %s %s", e.sql, above(o.Descending), c.value(e, key))
		if e.nullable && !o.Descending {
			further += " OR " + e.sql + " IS NULL"
		}
		same = fmt.Sprintf("%s = %s", e.sql, c.value(e, key))
	}
	return fmt.Sprintf("(%s OR (%s AND %s))", further, same, c.behind(order[1:], keys[1:], id))
}

func above(descending bool) string {
	if descending {
		return "<"
	}
	return ">"
}
