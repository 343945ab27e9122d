// Package query says which entities are wanted: conditions on their fields, and
// an order. What is selected is the same in memory and in every store.
package query

// Kind is how values of a field are compared.
type Kind int

// The kinds of fields. Their zero is none of them.
const (
	Number  Kind = iota + 1 // exactly, whatever the size
	Text                    // by code point
	Bool                    // false is lower than true
	Time                    // by instant, to the microsecond
	Decimal                 // exactly, stored as a JSON text or number
	UUID                    // by its text
	JSON                    // for equality and containment only
)
