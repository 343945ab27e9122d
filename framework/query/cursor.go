package query

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/google/uuid"
)

// ErrCursor says that a cursor was not made for this query, or was changed.
var ErrCursor = errors.New("the cursor is not one of this query")

// cursor is what a Cursor's text holds.
type cursor struct {
	Keys []json.RawMessage `json:"k,omitempty"`
	ID   uuid.UUID         `json:"i"`
}

// Cursor writes a position in the selection as text for callers who go on after
// it later, in another process if they like. It is good for a selection with
// the same name, conditions and order.
func (s Selection) Cursor(p Position) string {
	c := cursor{ID: p.ID}
	for _, key := range p.Keys {
		c.Keys = append(c.Keys, key.JSON())
	}
	data, _ := json.Marshal(c) // JSON and a UUID
	return base64.RawURLEncoding.EncodeToString(append(s.seal(data), data...))
}

// At reads a cursor. It returns an error that matches ErrCursor for a text that
// Cursor has not written for such a selection.
func (s Selection) At(text string) (Position, error) {
	data, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(data) < sealSize || string(data[:sealSize]) != string(s.seal(data[sealSize:])) {
		return Position{}, ErrCursor
	}
	var c cursor
	if err := json.Unmarshal(data[sealSize:], &c); err != nil || len(c.Keys) != len(s.Order) {
		return Position{}, ErrCursor
	}
	p := Position{ID: c.ID, Keys: make([]Value, len(c.Keys))}
	for i, key := range c.Keys {
		if p.Keys[i], err = bindKey(s.Order[i].Path, key); err != nil {
			return Position{}, fmt.Errorf("%w: %w", ErrCursor, err)
		}
	}
	return p, nil
}

// bindKey reads a key of a cursor, which anybody may have made: the sum over it
// is no secret.
func bindKey(path Path, data json.RawMessage) (Value, error) {
	tree, err := decode(data)
	if err == nil {
		err = checkNumbers(tree)
	}
	if err != nil {
		return Value{}, err
	}
	value, valid := valueOf(path.Kind, tree), !hasNUL(data)
	switch path.Name {
	case "uuid":
		id, err := uuid.Parse(value.Text())
		valid = err == nil && len(value.Text()) == len(id.String()) // and in no other form
		value = valueOf(path.Kind, id.String())
	case "version":
		n, err := strconv.Atoi(value.Text())
		valid = err == nil && n >= 0 && n <= math.MaxInt32
	case "created_at", "updated_at":
		valid = !value.Null()
	}
	if !valid || value.Null() && tree != nil {
		return Value{}, fmt.Errorf("%s is no key of %s", data, path.Name)
	}
	return value, nil
}

const sealSize = 12

// seal is a sum over a cursor and the selection that it is for.
func (s Selection) seal(data []byte) []byte {
	sum := sha256.New()
	_, _ = fmt.Fprintf(sum, "%q %q %v\n", s.Name, s.IDs, s.Order) // a hash takes all
	for _, c := range s.Where {
		_, _ = fmt.Fprintln(sum, c.String())
	}
	_, _ = sum.Write(data)
	return sum.Sum(nil)[:sealSize]
}

// String writes a bound condition, the same for the same condition.
func (c Condition) String() string {
	text := fmt.Sprint(int(c.Op))
	if c.Path.Name != "" {
		text += fmt.Sprintf(" %q:%d", c.Path.Name, c.Path.Kind)
	}
	for _, v := range c.Values {
		text += fmt.Sprintf(" %d=%q", v.kind, v.key)
	}
	for _, part := range c.Of {
		text += " (" + part.String() + ")"
	}
	return text
}
