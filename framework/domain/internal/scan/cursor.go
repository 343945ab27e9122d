// Package scan reads JSON that is known to be valid, piece by piece.
package scan

import (
	"bytes"
	"encoding/json"
	"iter"
)

// Cursor reads JSON that is known to be valid, once and from the front, so that
// how deep it is does not matter. Make one by New.
type Cursor struct {
	data []byte
	at   int
}

// New returns a cursor before data, which is valid JSON.
func New(data []byte) Cursor { return Cursor{data: data} }

// Peek returns the first byte of the next value, or what ends the one around.
func (c *Cursor) Peek() byte {
	for c.at < len(c.data) {
		switch b := c.data[c.at]; b {
		case ' ', '\t', '\r', '\n', ',', ':':
			c.at++
		default:
			return b
		}
	}
	return 0
}

// Raw reads the next value whole.
func (c *Cursor) Raw() json.RawMessage {
	first := c.Peek()
	start := c.at
	switch first {
	case '"':
		c.skipText()
	case '{', '[':
		c.skipNested()
	default:
		end := bytes.IndexAny(c.data[c.at:], ",]} \t\r\n")
		if end < 0 {
			end = len(c.data) - c.at
		}
		c.at += end
	}
	return c.data[start:c.at:c.at]
}

func (c *Cursor) skipText() {
	for c.at++; c.at < len(c.data); c.at++ {
		switch c.data[c.at] {
		case '\\':
			c.at++
		case '"':
			c.at++
			return
		}
	}
}

func (c *Cursor) skipNested() {
	for depth := 0; c.at < len(c.data); {
		switch c.data[c.at] {
		case '"':
			c.skipText()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		c.at++
		if depth == 0 {
			return
		}
	}
}

// Members yields the names of an object's members. Who takes one reads its
// value before the next.
func (c *Cursor) Members() iter.Seq[string] {
	return func(yield func(string) bool) {
		c.Peek()
		for c.at++; c.Peek() != '}'; {
			quoted := c.Raw()
			name := string(quoted[1 : len(quoted)-1])
			if bytes.IndexByte(quoted, '\\') >= 0 {
				_ = json.Unmarshal(quoted, &name) // it is a text
			}
			if !yield(name) {
				return
			}
		}
		c.at++
	}
}

// Elements yields the places of a list's elements. Who takes one reads it
// before the next.
func (c *Cursor) Elements() iter.Seq[int] {
	return func(yield func(int) bool) {
		c.Peek()
		c.at++
		for i := 0; c.Peek() != ']'; i++ {
			if !yield(i) {
				return
			}
		}
		c.at++
	}
}
