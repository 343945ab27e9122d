package scan_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/minos-framework/minos-go/framework/domain/internal/scan"
)

// TestCursor holds the cursor to encoding/json, whatever the JSON and however
// it is spaced.
func TestCursor(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		data := spaced(t, document().Draw(t, "document"))
		c := scan.New(data)
		same(t, &c, data)
		if rest := c.Peek(); rest != 0 {
			t.Fatalf("of %s there is %q left", data, rest)
		}
	})
}

// same reads the next value piece by piece, and compares it with data.
func same(t *rapid.T, c *scan.Cursor, data json.RawMessage) {
	switch c.Peek() {
	case '{':
		var want map[string]json.RawMessage
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatal(err)
		}
		for name := range c.Members() {
			value, ok := want[name]
			if !ok {
				t.Fatalf("%s has no %q", data, name)
			}
			same(t, c, value)
			delete(want, name)
		}
		if len(want) > 0 {
			t.Fatalf("these were not read: %v", want)
		}
	case '[':
		var want []json.RawMessage
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatal(err)
		}
		n := 0
		for i := range c.Elements() {
			same(t, c, want[i])
			n++
		}
		if n != len(want) {
			t.Fatalf("%d elements of %s were read", n, data)
		}
	default:
		if raw := c.Raw(); !bytes.Equal(raw, bytes.TrimSpace(data)) {
			t.Fatalf("%s was read as %s", data, raw)
		}
	}
}

func document() *rapid.Generator[any] {
	scalar := rapid.OneOf(
		rapid.Custom(func(t *rapid.T) any { return rapid.String().Draw(t, "text") }),
		rapid.Custom(func(t *rapid.T) any { return rapid.Float64().Draw(t, "number") }),
		rapid.SampledFrom([]any{nil, true, false, `"`, `\`, `\"`, `]}`, `,:`}),
	)
	nested := scalar
	for range 3 {
		inner := nested
		nested = rapid.OneOf(scalar,
			rapid.Custom(func(t *rapid.T) any { return rapid.SliceOfN(inner, 0, 4).Draw(t, "list") }),
			rapid.Custom(func(t *rapid.T) any {
				return rapid.MapOfN(rapid.StringN(0, 3, -1), inner, 0, 4).Draw(t, "object")
			}))
	}
	return nested
}

func spaced(t *rapid.T, v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if !rapid.Bool().Draw(t, "spaced") {
		return data
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, data, "\r", " \t"); err != nil {
		t.Fatal(err)
	}
	return indented.Bytes()
}

// TestCursor_Raw reads values whole, one after the other.
func TestCursor_Raw(t *testing.T) {
	t.Parallel()
	c := scan.New([]byte(` {"a" : {"b":"}]"} , "c":[ 1,"\\" ,{}] ,"d":null}`))
	got := map[string]string{}
	for name := range c.Members() {
		got[name] = string(c.Raw())
	}
	want := map[string]string{"a": `{"b":"}]"}`, "c": `[ 1,"\\" ,{}]`, "d": "null"}
	if !maps.Equal(got, want) {
		t.Errorf("it was read as %q", got)
	}
}
