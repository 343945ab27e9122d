package aggregate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"slices"

	"github.com/minos-framework/minos-go/framework/model"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Equal holds for entities whose field has a value. The field goes by its JSON
// name; a value that is not JSON makes Find fail.
func Equal(field string, value any) Condition {
	raw, err := json.Marshal(value)
	if err != nil {
		return Condition{Field: field}
	}
	return Condition{Field: field, Value: raw}
}

// check refuses conditions on fields that the root does not have, which would
// otherwise select nothing without a word.
func check(s *model.Shape, where []Condition) error {
	for _, c := range where {
		if !slices.ContainsFunc(s.Fields, func(f model.Field) bool { return f.Name == c.Field }) {
			return fmt.Errorf("there is no field %q", c.Field)
		}
		if c.Value == nil {
			return fmt.Errorf("the value for field %q is not JSON", c.Field)
		}
	}
	return nil
}

// Match reports whether all conditions hold for a snapshot that is not a
// tombstone. Stores without a query language evaluate conditions by it.
func Match(s unit.Snapshot, where []Condition) bool {
	if s.Deleted() {
		return false
	}
	if len(where) == 0 {
		return true
	}
	var values map[string]json.RawMessage
	if json.Unmarshal(s.Data, &values) != nil {
		return false
	}
	for _, c := range where {
		raw, ok := values[c.Field]
		if !ok || !sameJSON(raw, c.Value) {
			return false
		}
	}
	return true
}

// sameJSON reports whether two JSON texts mean the same: members in any order,
// numbers by value.
func sameJSON(a, b []byte) bool {
	var x, y any
	if decodeNumbers(a, &x) != nil || decodeNumbers(b, &y) != nil {
		return false
	}
	return reflect.DeepEqual(normal(x), normal(y))
}

// normal replaces numbers by their exact values in one form.
func normal(v any) any {
	switch v := v.(type) {
	case json.Number:
		if r, ok := new(big.Rat).SetString(v.String()); ok {
			return json.Number(r.RatString())
		}
		return v
	case []any:
		for i := range v {
			v[i] = normal(v[i])
		}
		return v
	case map[string]any:
		for k := range v {
			v[k] = normal(v[k])
		}
		return v
	}
	return v
}

func decodeNumbers(data []byte, v *any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	return decoder.Decode(v)
}
