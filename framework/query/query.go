package query

import (
	"github.com/google/uuid"
)

// Clause is a part of a query: a Condition, an Order or a Limit.
type Clause interface{ clause() }

// Condition holds for an entity or does not. It is made by the functions of
// this package; its fields are for stores, which get it bound.
type Condition struct {
	Op     Op
	Path   Path        // of a leaf
	Values []Value     // of a leaf that is bound: one, or as many as In has
	Of     []Condition // what And, Or and Not join

	raw []any // Values before Bind
}

// Op is what a condition does.
type Op int

// The leaves of a condition and what joins them. The zero is none of them.
const (
	OpTrue Op = iota + 1
	OpFalse
	OpAnd
	OpOr
	OpNot
	OpEqual
	OpLower
	OpLowerEqual
	OpGreater
	OpGreaterEqual
	OpIn
	OpLike
	OpContains
)

func (Condition) clause() {}

func leaf(op Op, path string, values ...any) Condition {
	return Condition{Op: op, Path: Path{Name: path}, raw: values}
}

// Equal holds for values that are equal to value; for null when value is nil.
func Equal(path string, value any) Condition { return leaf(OpEqual, path, value) }

// NotEqual holds whenever Equal does not, so for null too.
func NotEqual(path string, value any) Condition { return Not(Equal(path, value)) }

// Lower holds for values below value. A list, a map or an object has no order.
func Lower(path string, value any) Condition { return leaf(OpLower, path, value) }

// LowerEqual holds for values that are not above value.
func LowerEqual(path string, value any) Condition { return leaf(OpLowerEqual, path, value) }

// Greater holds for values above value.
func Greater(path string, value any) Condition { return leaf(OpGreater, path, value) }

// GreaterEqual holds for values that are not below value.
func GreaterEqual(path string, value any) Condition { return leaf(OpGreaterEqual, path, value) }

// In holds for values that are equal to one of values; never without any.
func In(path string, values ...any) Condition { return leaf(OpIn, path, values...) }

// Like holds for texts that pattern matches from their beginning to their end:
// % stands for any characters or none, _ for one, and a backslash before %, _
// or itself takes its meaning away. All else, case included, is as written.
func Like(path, pattern string) Condition { return leaf(OpLike, path, pattern) }

// Contains holds for lists that hold value, or all the elements of value when
// it is a list; for maps and objects that hold all the members of value, where
// those that are lists, maps or objects contain value's in turn; and for any
// other value that is equal. It is for fields of the root's own.
func Contains(path string, value any) Condition { return leaf(OpContains, path, value) }

// And holds when all of conditions do; so without any.
func And(conditions ...Condition) Condition { return Condition{Op: OpAnd, Of: conditions} }

// Or holds when one of conditions does; so never without any.
func Or(conditions ...Condition) Condition { return Condition{Op: OpOr, Of: conditions} }

// Not holds when condition does not.
func Not(condition Condition) Condition { return Condition{Op: OpNot, Of: []Condition{condition}} }

// True always holds.
func True() Condition { return Condition{Op: OpTrue} }

// False never holds.
func False() Condition { return Condition{Op: OpFalse} }

// Order is a key that entities are ordered by. Of several, the earlier counts
// more.
type Order struct {
	Path       Path
	Descending bool
}

func (Order) clause() {}

// Asc orders by the values at path, the lowest first and null last.
func Asc(path string) Order { return Order{Path: Path{Name: path}} }

// Desc orders by the values at path, null first and then the highest.
func Desc(path string) Order { return Order{Path: Path{Name: path}, Descending: true} }

// Limit bounds how many entities are selected. It is at least 1.
type Limit int

func (Limit) clause() {}

// Selection is what a store is asked for: the entities with a name of which all
// conditions hold, tombstones never. It is made by Bind.
type Selection struct {
	Name  string      // of the aggregate
	IDs   []uuid.UUID // only these; nil means all
	Where []Condition
	// Order ends in the uuid, in the direction of the last key (ascending
	// without any), whether it is said or not.
	Order []Order
	After *Position // only what comes after it; nil means all
	Limit int       // 0 means no limit
}

// Index says which paths of an aggregate's states an index is wanted on.
type Index struct {
	Name  string // of the aggregate
	Paths []Path // bound
}
