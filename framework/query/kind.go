package query

// Kind is how values of a field are compared.
type Kind int

// The kinds of fields. Their zero is none of them. Their numbers are in the
// indexes of SQLite files: add at the end; never change one.
const (
	Number  Kind = iota + 1 // exactly, whatever the size
	Text                    // by code point
	Bool                    // false is lower than true
	Time                    // by instant, to the microsecond
	Decimal                 // exactly, stored as a JSON text or number
	UUID                    // by its text
	JSON                    // for equality and containment only
)

// String names the kind as in "x is a number".
func (k Kind) String() string {
	switch k {
	case Number:
		return "a number"
	case Text:
		return "a text"
	case Bool:
		return "a bool"
	case Time:
		return "a time"
	case Decimal:
		return "a decimal"
	case UUID:
		return "a UUID"
	case JSON:
		return "a list, a map or an object"
	}
	return "of no kind"
}
