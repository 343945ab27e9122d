package model

import (
	"bytes"
	"encoding/json"
	"iter"
)

// cursor reads JSON that is known to be valid, once and from the front: each
// byte is looked at no oftener than there are hooks above it.
type cursor struct {
	data []byte
	at   int
}

// peek returns the first byte of the next value, or what ends the one around.
func (c *cursor) peek() byte {
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

// raw reads the next value whole.
func (c *cursor) raw() json.RawMessage {
	first := c.peek()
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

func (c *cursor) skipText() {
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

func (c *cursor) skipNested() {
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

// members yields the names of an object's members. Who takes one reads its
// value before the next.
func (c *cursor) members() iter.Seq[string] {
	return func(yield func(string) bool) {
		for c.at++; c.peek() != '}'; {
			quoted := c.raw()
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

// elements yields the places of a list's elements. Who takes one reads it
// before the next.
func (c *cursor) elements() iter.Seq[int] {
	return func(yield func(int) bool) {
		c.at++
		for i := 0; c.peek() != ']'; i++ {
			if !yield(i) {
				return
			}
		}
		c.at++
	}
}
