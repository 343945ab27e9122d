package dialect

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/query"
)

// selectionSQL is the SQL of a selection in the making.
type selectionSQL struct {
	query.Selection

	args []any
}

// Page returns what comes behind the WHERE of a query for the first states of a
// selection after a position, which is nil for the beginning.
func Page(s query.Selection, after *query.Position, limit int) (text string, args []any) {
	c := &selectionSQL{Selection: s}
	where := []string{"name = " + literal(s.Name), "data IS NOT NULL"}
	if s.IDs != nil {
		where = append(where, "aggregate IN "+c.ids(s.IDs))
	}
	for _, condition := range s.Where {
		where = append(where, c.condition(condition))
	}
	if after != nil {
		where = append(where, c.after(*after))
	}
	return fmt.Sprintf("%s ORDER BY %s LIMIT %d", strings.Join(where, " AND "), c.order(), limit), c.args
}

// expression returns SQL for what a path leads to. It is never NULL. Indexes
// hold the same text: it must not change.
func expression(p query.Path) string {
	switch p.Name {
	case "uuid":
		return "aggregate"
	case "version", "created_at", "updated_at":
		return p.Name
	}
	return fmt.Sprintf("minos_key(%s, %d, data)", literal(p.Name), p.Kind)
}

// argument returns what expression gives for a value.
func argument(p query.Path, v query.Value) any {
	switch p.Name {
	case "uuid":
		id := uuid.MustParse(v.Text()) // bound as one
		return id[:]
	case "version":
		n, _ := strconv.ParseInt(v.Text(), 10, 64)
		return n
	case "created_at", "updated_at":
		return v.Micro()
	}
	return key(v)
}

func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

func (c *selectionSQL) place(value any) string {
	c.args = append(c.args, value)
	return "?"
}

// ids passes any number of ids in one argument.
func (c *selectionSQL) ids(ids []uuid.UUID) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = hex.EncodeToString(id[:])
	}
	list, _ := json.Marshal(texts) // texts always encode
	return "(SELECT unhex(value) FROM json_each(" + c.place(string(list)) + "))"
}

// condition returns SQL that is true or false, never NULL.
func (c *selectionSQL) condition(q query.Condition) string {
	switch q.Op {
	case query.OpTrue:
		return "TRUE"
	case query.OpAnd:
		return c.join(q.Of, " AND ", "TRUE")
	case query.OpOr:
		return c.join(q.Of, " OR ", "FALSE")
	case query.OpNot:
		return "(NOT " + c.condition(q.Of[0]) + ")"
	case query.OpFalse:
		return "FALSE"
	case query.OpLike:
		return fmt.Sprintf("minos_like(%s, %s)", expression(q.Path), c.place(q.Values[0].Text()))
	case query.OpContains:
		return fmt.Sprintf("minos_contains(%s, data, %s)", literal(q.Path.Name), c.place(string(q.Values[0].JSON())))
	}
	return c.leaf(q)
}

// join nests by halves: SQLite takes 1000 levels.
func (c *selectionSQL) join(conditions []query.Condition, joint, none string) string {
	switch n := len(conditions); n {
	case 0:
		return none
	case 1:
		return c.condition(conditions[0])
	default:
		return "(" + c.join(conditions[:n/2], joint, none) + joint + c.join(conditions[n/2:], joint, none) + ")"
	}
}

func (c *selectionSQL) leaf(q query.Condition) string {
	p, e := q.Path, expression(q.Path)
	convert := func(v query.Value) any { return argument(p, v) }
	if p.Name == "version" && !versions(q.Values) {
		// What is no version is compared as any number is.
		e = fmt.Sprintf(`minos_key('version', %d, '{"version":' || version || '}')`, query.Number)
		convert = func(v query.Value) any { return key(v) }
	}
	if p.Fixed() && len(q.Values) == 1 && q.Values[0].Null() {
		return "FALSE"
	}
	switch q.Op {
	case query.OpLower:
		return fmt.Sprintf("(%s < %s)", e, c.place(convert(q.Values[0])))
	case query.OpLowerEqual:
		return fmt.Sprintf("(%s <= %s)", e, c.place(convert(q.Values[0])))
	case query.OpGreater, query.OpGreaterEqual:
		operator := ">"
		if q.Op == query.OpGreaterEqual {
			operator = ">="
		}
		higher := fmt.Sprintf("(%s %s %s", e, operator, c.place(convert(q.Values[0])))
		if !p.Fixed() {
			higher += fmt.Sprintf(" AND %s < %s", e, c.place(key(query.Value{})))
		}
		return higher + ")"
	}
	return c.equal(p, e, q.Values, convert)
}

// equal holds for what is equal to one of values.
func (c *selectionSQL) equal(p query.Path, e string, values []query.Value, convert func(query.Value) any) string {
	if len(values) == 1 {
		return fmt.Sprintf("(%s = %s)", e, c.place(convert(values[0])))
	}
	if len(values) <= 500 { // SQLite takes 32,766 arguments, and uses an index for a list but not for a query
		var places []string
		for _, v := range values {
			if !p.Fixed() || !v.Null() {
				places = append(places, c.place(convert(v)))
			}
		}
		return fmt.Sprintf("(%s IN (%s))", e, strings.Join(places, ", "))
	}
	var texts []string
	numbers := []int64{} // which are an empty list when there are none
	for _, v := range values {
		if p.Fixed() && v.Null() {
			continue
		}
		switch v := convert(v).(type) {
		case []byte:
			texts = append(texts, hex.EncodeToString(v))
		case int64:
			numbers = append(numbers, v)
		}
	}
	list, item := any(numbers), "value"
	if texts != nil {
		list, item = texts, "unhex(value)"
	}
	data, _ := json.Marshal(list) // texts and numbers always encode
	return fmt.Sprintf("(%s IN (SELECT %s FROM json_each(%s)))", e, item, c.place(string(data)))
}

// versions reports whether all values could be versions.
func versions(values []query.Value) bool {
	for _, v := range values {
		if n, err := strconv.ParseInt(v.Text(), 10, 64); !v.Null() && (err != nil || n < 0 || n > math.MaxInt32) {
			return false
		}
	}
	return true
}

// order returns the keys that rows come by. The uuid is the last.
func (c *selectionSQL) order() string {
	var keys []string
	for _, o := range c.Order {
		keys = append(keys, expression(o.Path)+direction(o.Descending))
	}
	return strings.Join(append(keys, "aggregate"+direction(c.Descends())), ", ")
}

func direction(descending bool) string {
	if descending {
		return " DESC"
	}
	return ""
}

// after returns SQL for what comes after a position. As nothing is NULL, keys
// of one direction are compared as a row.
func (c *selectionSQL) after(position query.Position) string {
	same := 0 // keys at the end that have the direction of the last
	for i := len(c.Order) - 1; i >= 0 && c.Order[i].Descending == c.Descends(); i-- {
		same++
	}
	return c.behind(c.Order[:len(c.Order)-same], position, 0)
}

// behind compares the keys from the i-th on one by one, and those that come
// after order as a row.
func (c *selectionSQL) behind(order []query.Order, position query.Position, i int) string {
	if i == len(order) {
		return c.rowBehind(c.Order[i:], position.Keys[i:], position.ID)
	}
	e, value := expression(order[i].Path), argument(order[i].Path, position.Keys[i])
	operator := above(order[i].Descending)
	bound := fmt.Sprintf("%s %s= %s", e, operator, c.place(value)) // which an index serves
	return fmt.Sprintf("(%s AND (%s %s %s OR %s))", bound, e, operator, c.place(value), c.behind(order, position, i+1))
}

// rowBehind compares keys of one direction and the uuid as a row.
func (c *selectionSQL) rowBehind(order []query.Order, values []query.Value, id uuid.UUID) string {
	operator, bound := above(c.Descends()), ""
	if len(order) > 0 {
		// An index serves a bound on one key, but not a row.
		p := order[0].Path
		bound = fmt.Sprintf("%s %s= %s AND ", expression(p), operator, c.place(argument(p, values[0])))
	}
	var keys, places []string
	for i, o := range order {
		keys = append(keys, expression(o.Path))
		places = append(places, c.place(argument(o.Path, values[i])))
	}
	keys, places = append(keys, "aggregate"), append(places, c.place(id[:]))
	return fmt.Sprintf("(%s(%s) %s (%s))", bound, strings.Join(keys, ", "), operator, strings.Join(places, ", "))
}

func above(descending bool) string {
	if descending {
		return "<"
	}
	return ">"
}
