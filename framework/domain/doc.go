// Package domain knows what the type of a root entity, or of a request, is: how
// its fields are named, stored, checked and compared. It knows no store.
//
// Any Go type that is written to JSON and read again is the type of a field:
// bool, whole numbers, floats, text and bytes; time.Time, uuid.UUID,
// calendar.Date, calendar.TimeOfDay and any other that has MarshalText and
// UnmarshalText or their likes for JSON; structs, pointers, lists, arrays, maps
// from text; and EntitySet and ValueSet. The choices that are not obvious:
//
//   - A time.Duration is a whole number of nanoseconds, as encoding/json has it,
//     and is compared as a number.
//   - A time.Time keeps its offset, and is compared by instant. Its zone's name
//     and its monotonic clock are not stored.
//   - An exact decimal is a type with a method Rat() *big.Rat, such as
//     shopspring's decimal.Decimal. It is stored as it writes itself and is
//     compared exactly.
//   - A value object is a struct that nobody changes: a copy is as good as the
//     original, and == or its JSON tells two apart. Go has no immutable structs;
//     a value is changed by putting another in its place.
//   - An enum is a type of text or whole numbers with a method Values() []T, or
//     one that UnmarshalText refuses to make of other texts.
//   - A union is a struct that embeds OneOf. An interface is an error, since
//     which type it held would not be stored; any is what JSON it is, with
//     numbers as json.Number, which keeps their digits.
//   - A field is optional if it is a pointer or its JSON tag says omitempty or
//     omitzero. A root's own fields are stored whether they are empty or not.
//   - A field's default stands in its tag, as JSON or as the text of what is
//     stored as text: `default:"5"`, `default:"2026-01-01"`.
//
// A field X of a struct at any depth may have two hooks, methods of the struct:
//
//	func (o *Order) ParseX(raw json.RawMessage) (T, error) // a request's JSON → the field's type
//	func (o *Order) ValidateX(value T) error               // may this be its value?
//
// They are found once, by ShapeOf. Every method called Parse or Validate and
// something more is a hook: one without its field, or with another signature,
// is an error at start-up.
//
//	declare a root → ShapeOf → Assign or Merge what a request says → Validate →
//	Encode → store → Decode
package domain
