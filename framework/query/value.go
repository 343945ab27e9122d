package query

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minos-framework/minos-go/framework/unit"
)

// Value is a value of a known kind, or null, which its zero is.
type Value struct {
	kind Kind
	key  string // what is lower has the lower key; equal values have equal keys
	tree any    // as decode returns it
}

// Null reports whether there is no value.
func (v Value) Null() bool { return v.kind == 0 }

// Key returns bytes that are equal for equal values of one kind, and in their
// order. They are in the indexes of SQLite files: never change them.
func (v Value) Key() []byte { return []byte(v.key) }

// Text returns a text or a UUID as it is, a number or a decimal in digits, and
// any other value as JSON.
func (v Value) Text() string {
	switch tree := v.tree.(type) {
	case string:
		return tree
	case json.Number:
		return tree.String()
	}
	return string(v.JSON())
}

// Bool returns a bool.
func (v Value) Bool() bool { return v.tree == true }

// Time returns a time, in UTC with microseconds.
func (v Value) Time() time.Time { return time.UnixMicro(v.Micro()).UTC() }

// Micro returns a time in microseconds since 1970.
func (v Value) Micro() int64 {
	if v.kind != Time {
		return 0
	}
	return int64(binary.BigEndian.Uint64([]byte(v.key)) ^ 1<<63)
}

// JSON returns the value as JSON; null for null.
func (v Value) JSON() []byte {
	var data bytes.Buffer
	encoder := json.NewEncoder(&data)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v.tree) // it was decoded from JSON
	return bytes.TrimSpace(data.Bytes())
}

// ValueAt returns the value that a path leads to in the JSON object of an
// entity's own fields.
func ValueAt(data []byte, path Path) Value {
	tree, err := decode(data)
	if err != nil {
		return Value{}
	}
	return valueOf(path.Kind, follow(tree, path))
}

// record is a snapshot whose data is decoded when it is first needed.
type record struct {
	unit.Snapshot
	tree    any
	decoded bool
}

func (r *record) value(path Path) Value {
	switch path.Name {
	case "uuid":
		return valueOf(UUID, r.Aggregate.String())
	case "version":
		return valueOf(Number, json.Number(strconv.Itoa(r.Version)))
	case "created_at":
		return valueOf(Time, r.CreatedAt.UTC().Format(time.RFC3339Nano))
	case "updated_at":
		return valueOf(Time, r.UpdatedAt.UTC().Format(time.RFC3339Nano))
	}
	if !r.decoded {
		r.tree, _ = decode(r.Data) // what is not JSON has no values
		r.decoded = true
	}
	return valueOf(path.Kind, follow(r.tree, path))
}

func follow(tree any, path Path) any {
	for _, key := range path.Keys() {
		members, _ := tree.(map[string]any)
		tree = members[key]
	}
	return tree
}

// decode reads JSON with all digits of its numbers.
func decode(data []byte) (tree any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	err = decoder.Decode(&tree)
	return tree, err
}

// valueOf reads decoded JSON as a kind; what is of another is null.
func valueOf(kind Kind, tree any) Value {
	if tree == nil {
		return Value{}
	}
	var key string
	ok := false
	switch kind {
	case Number:
		key, ok = numberKey(tree)
	case Decimal:
		number := tree
		if text, is := tree.(string); is && decimalText(text) {
			number = json.Number(text)
		}
		key, ok = numberKey(number)
	case Text, UUID:
		key, ok = tree.(string)
	case Bool:
		var truth bool
		if truth, ok = tree.(bool); truth {
			key = "\x01"
		} else {
			key = "\x00"
		}
	case Time:
		var micro int64
		text, _ := tree.(string)
		micro, ok = instant(text)
		key = string(binary.BigEndian.AppendUint64(nil, uint64(micro)^1<<63))
	case JSON:
		key, ok = string(appendCanonical(nil, tree)), true
	}
	if !ok {
		return Value{}
	}
	return Value{kind: kind, key: key, tree: tree}
}

// numberKey is 0x80 for zero; for others a sign, the exponent and the digits
// of 0.digits * 10^exponent, which for negative numbers are complemented.
func numberKey(tree any) (string, bool) {
	number, ok := tree.(json.Number)
	if !ok {
		return "", false
	}
	negative, digits, exponent, ok := scientific(number.String())
	if !ok {
		return "", false
	}
	if digits == "" {
		return "\x80", true
	}
	key := binary.BigEndian.AppendUint32([]byte{0x81}, uint32(exponent)^1<<31)
	key = append(key, digits...)
	if negative {
		key[0] = 0x7f
		for i := 1; i < len(key); i++ {
			key[i] = ^key[i]
		}
		key = append(key, 0xff) // fewer digits are higher
	}
	return string(key), true
}

// scientific takes a JSON number apart: its digits without zeros around them,
// and the exponent that makes it 0.digits * 10^exponent.
func scientific(text string) (negative bool, digits string, exponent int32, ok bool) {
	text, negative = strings.CutPrefix(text, "-")
	mantissa, power, scaled := strings.Cut(strings.ToLower(text), "e")
	shift := 0
	if scaled {
		var err error
		if shift, err = strconv.Atoi(power); err != nil || shift > maxExponent || shift < -maxExponent {
			return false, "", 0, false
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits = strings.TrimLeft(whole+fraction, "0")
	shift += len(whole) - (len(whole) + len(fraction) - len(digits))
	digits = strings.TrimRight(digits, "0")
	if digits == "" {
		return false, "", 0, true
	}
	return negative, digits, int32(shift), true
}

// maxExponent bounds the exponents that are written. No store has as much.
const maxExponent = 1_000_000_000

// storable reports whether a store takes a number: 131,072 digits before the
// point and 16,383 after it are PostgreSQL's limits.
func storable(text string) bool {
	_, digits, exponent, ok := scientific(text)
	return ok && exponent <= 131_072 && len(digits)-int(exponent) <= 16_383
}

// decimalText reports whether text is digits with a sign and a point at most,
// and no more than 1000 characters.
func decimalText(text string) bool {
	whole, fraction, pointed := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	digits := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	return len(text) <= 1000 && digits(whole) && (!pointed || digits(fraction))
}

// appendCanonical appends JSON in one form: members sorted, numbers by value.
func appendCanonical(data []byte, tree any) []byte {
	switch v := tree.(type) {
	case json.Number:
		negative, digits, exponent, ok := scientific(v.String())
		if !ok || digits == "" {
			return append(data, '0')
		}
		if negative {
			data = append(data, '-')
		}
		return fmt.Appendf(data, "0.%se%d", digits, exponent)
	case []any:
		data = append(data, '[')
		for i, item := range v {
			if i > 0 {
				data = append(data, ',')
			}
			data = appendCanonical(data, item)
		}
		return append(data, ']')
	case map[string]any:
		data = append(data, '{')
		keys := make([]string, 0, len(v))
		for key := range v {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for i, key := range keys {
			if i > 0 {
				data = append(data, ',')
			}
			data = strconv.AppendQuote(data, key)
			data = append(data, ':')
			data = appendCanonical(data, v[key])
		}
		return append(data, '}')
	case string:
		return strconv.AppendQuote(data, v)
	}
	return fmt.Append(data, tree) // true, false or <nil>
}

// hasNUL reports whether JSON holds the escape \u0000, whose backslash is not
// itself escaped.
func hasNUL(data []byte) bool {
	for escape := []byte(`\u0000`); ; {
		i := bytes.Index(data, escape)
		if i < 0 {
			return false
		}
		backslashes := len(data[:i]) - len(bytes.TrimRight(data[:i], `\`))
		if backslashes%2 == 0 {
			return true
		}
		data = data[i+len(escape):]
	}
}
