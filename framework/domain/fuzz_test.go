package domain_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/minos-framework/minos-go/framework/domain"
)

// FuzzShape_Assign holds for any bytes: they are refused by FieldErrors and
// change nothing, or what they made is sound, and is stored and read again
// unchanged.
func FuzzShape_Assign(f *testing.F) {
	values, err := shapeOf[Order](f).Encode(sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(shapeOf[Order](f).Object(values)))
	for _, seed := range []string{
		``, `{}`, `{"number":"x"}`, `{"number":"\u0000"}`, `{"number":"x","lines":[{"product":"a","price":1e3}]}`,
		`{"number":"x","extra":{"a":[1,{"b":null}]},"seal":"AA=="}`, `{"number":"x","count":1e400}`, "{\"number\":\"\xff\"}",
		`{"number":"x","prices":{"\ud800":1}}`, `{"number":"x","total":1e999999999}`,
		`{"number":"x","total":"1e999999999","extra":1e-999999999}`,
		`{"number":"x","total":1e-9,"placed":"2026-01-01T00:00:00+24:00"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		shape, o := shapeOf[Order](t), sample()
		if err := shape.Assign(o, data); err != nil {
			if _, ok := errors.AsType[domain.FieldErrors](err); !ok {
				t.Fatalf("the error is %v", err)
			}
			if !reflect.DeepEqual(encode(t, shape, o), encode(t, shape, withIDs(o, sample()))) {
				t.Fatal("what was refused changed something")
			}
			return
		}
		if err := shape.Validate(o); err != nil {
			t.Fatalf("what was assigned is refused: %v", err)
		}
		first := encode(t, shape, o)
		var again Order
		if err := shape.Decode(shape.Object(first), &again); err != nil {
			t.Fatalf("what was stored cannot be read: %v", err)
		}
		if second := encode(t, shape, &again); !reflect.DeepEqual(first, second) {
			t.Fatalf("it was stored as %s and then as %s", first, second)
		}
	})
}

// withIDs gives the lines of a sample the uuids of another's.
func withIDs(from, to *Order) *Order {
	to.Lines = from.Lines
	return to
}

func encode(t *testing.T, shape *domain.Shape, o *Order) []json.RawMessage {
	t.Helper()
	values, err := shape.Encode(o)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// TestShape_Assign_AsEncodingJSON holds Assign to encoding/json: with no rules,
// and nothing missing, they read the same.
func TestShape_Assign_AsEncodingJSON(t *testing.T) {
	t.Parallel()
	type inner struct {
		Text  string           `json:"text,omitempty"`
		Whole int64            `json:"whole,omitempty"`
		Float float64          `json:"float,omitempty"`
		List  []int8           `json:"list"`
		Table map[string][]int `json:"table"`
		Flag  *bool            `json:"flag"`
		Bytes []byte           `json:"bytes,omitempty"`
	}
	type outer struct {
		One  inner            `json:"one"`
		More []inner          `json:"more"`
		Any  map[string]inner `json:"any"`
		Two  *inner           `json:"two"`
	}
	shape := shapeOf[outer](t)
	rapid.Check(t, func(t *rapid.T) {
		data, err := json.Marshal(rapid.Make[outer]().Draw(t, "value"))
		if err != nil {
			t.Skip(err)
		}
		if rapid.Bool().Draw(t, "indent") {
			var spaced bytes.Buffer
			if err := json.Indent(&spaced, data, " ", "\t"); err != nil {
				t.Fatal(err)
			}
			data = spaced.Bytes()
		}
		var want, got outer
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatal(err)
		}
		if err := shape.Assign(&got, data); err != nil {
			var faults domain.FieldErrors
			if errors.As(err, &faults) && faults[0].Reason == domain.Invalid {
				t.Skip("text with a NUL")
			}
			t.Fatalf("%s: %v", data, err)
		}
		a, _ := json.Marshal(want)
		b, _ := json.Marshal(got)
		if !bytes.Equal(a, b) {
			t.Fatalf("%s was read as %s", a, b)
		}
	})
}
