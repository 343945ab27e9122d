package domain_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/domain"
)

// faults returns what is wrong as "path reason", sorted.
func faults(t testing.TB, err error) []string {
	t.Helper()
	all, ok := errors.AsType[domain.FieldErrors](err)
	if !ok {
		t.Fatalf("the error is %v", err)
	}
	var told []string
	for _, one := range all {
		told = append(told, fmt.Sprintf("%s %s", one.Path, one.Reason))
	}
	slices.Sort(told)
	return told
}

func TestShape_Assign(t *testing.T) {
	t.Parallel()
	shape := shapeOf[Order](t)
	t.Run("parses each field by its hook before it is checked", func(t *testing.T) {
		t.Parallel()
		var o Order
		if err := shape.Assign(&o, json.RawMessage(`{"number":"  ab 7 "}`)); err != nil || o.Number != "AB 7" {
			t.Errorf("the number is %q, %v", o.Number, err)
		}
	})
	t.Run("sets the defaults of what is absent, and empties what may be", func(t *testing.T) {
		t.Parallel()
		o := sample()
		if err := shape.Assign(o, json.RawMessage(`{"number":"x"}`)); err != nil {
			t.Fatal(err)
		}
		if o.State != "open" || o.Patience != time.Minute || o.Cutoff.String() != "12:00:00" ||
			o.Due.String() != "2026-01-01" {
			t.Errorf("the defaults are %+v", o)
		}
		if o.Lines.Len() != 0 || o.Buyer != nil || o.Extra != nil || o.Address != (Address{}) || o.Level != 0 {
			t.Errorf("what may be empty is %+v", o)
		}
	})
	t.Run("reads every type of field", func(t *testing.T) {
		t.Parallel()
		want := sample()
		values, err := shape.Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		object := shape.Object(values)
		var got Order
		if err := shape.Assign(&got, object); err != nil {
			t.Fatal(err)
		}
		if again, err := shape.Encode(&got); err != nil || !reflect.DeepEqual(again, values) {
			t.Errorf("it is %s, %v\nbut was %s", again, err, values)
		}
	})
	t.Run("tells what is missing, mistyped, unparsable and invalid, all at once and by its path", func(t *testing.T) {
		t.Parallel()
		err := shape.Assign(&Order{}, json.RawMessage(`{
			"state": "ajar", "paid": "yes", "count": 9223372036854775808, "weight": [1], "total": "ten", "due": "2026-02-30",
			"cutoff": 12, "placed": "tomorrow", "patience": 1.5, "seal": "?", "buyer": "me",
			"lines": [{"product": "nut", "price": "1", "count": 0}, {"price": "1"}, {"product": "nut", "price": true}, 7],
			"notes": ["a", 2], "prices": {"nut": "x", "bolt": null}, "payment": {}, "stops": [{"street": 1}],
			"level": "middle"}`))
		want := []string{
			"buyer unparsable", "count mistyped", "cutoff mistyped", "due unparsable", "level unparsable",
			"lines[0].count invalid", "lines[1].product missing", "lines[2].price mistyped", "lines[3] mistyped",
			"notes[1] mistyped", "number missing", "paid mistyped", "patience mistyped", "payment invalid",
			"placed unparsable", "prices.bolt missing", "prices.nut unparsable", "seal unparsable", "state invalid",
			"stops[0].city missing", "stops[0].street mistyped", "total unparsable", "weight mistyped",
		}
		if got := faults(t, err); !reflect.DeepEqual(got, want) {
			t.Errorf("told is\n%s\nbut wanted\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
	t.Run("leaves the old values when one is rejected", func(t *testing.T) {
		t.Parallel()
		for object, want := range map[string]string{
			`{"number":"!7","count":7}`:              "number unparsable",
			`{"number":"07","count":7}`:              "number invalid",
			`{"number":null,"count":7}`:              "number invalid", // ParseNumber reads null as an empty text
			`{"count":7,"due":null}`:                 "due missing",
			`{"count":7,"paid":true,"payment":null}`: " invalid",
		} {
			o := sample()
			if got := faults(t, shape.Merge(o, json.RawMessage(object))); !reflect.DeepEqual(got, []string{want}) {
				t.Errorf("%s: told is %q", object, got)
			}
			if o.Number != "A 1" || o.Count != 1<<53+1 || o.Paid {
				t.Errorf("%s: it became %+v", object, o)
			}
		}
	})
	t.Run("keeps integers and decimals beyond 2^53 exact, and dynamic numbers too", func(t *testing.T) {
		t.Parallel()
		var o Order
		err := shape.Assign(&o, json.RawMessage(`{"number":"x","count":9223372036854775807,
			"total":0.10000000000000000000000000000000000001,"extra":[9007199254740993]}`))
		if err != nil || o.Count != 1<<63-1 || o.Total.String() != "0.10000000000000000000000000000000000001" ||
			fmt.Sprint(o.Extra) != "[9007199254740993]" {
			t.Errorf("it is %+v, %v", o, err)
		}
	})
	t.Run("refuses numbers that are short to send and endless to write out", func(t *testing.T) {
		t.Parallel()
		for _, number := range []string{`1e999999999`, `"1E-999999999"`, `"1e99999999999999999999"`} {
			err := shape.Merge(sample(), json.RawMessage(`{"total":`+number+`}`))
			if got := faults(t, err); got[0] != "total invalid" {
				t.Errorf("%s: told is %q", number, got)
			}
		}
		if got := faults(t, shape.Merge(sample(), json.RawMessage(`{"extra":[1e999999999]}`))); got[0] != "extra invalid" {
			t.Errorf("told is %q", got)
		}
	})
	t.Run("refuses what is no object", func(t *testing.T) {
		t.Parallel()
		for object, want := range map[string]string{
			``: " unparsable", `{`: " unparsable", `{"a":1}x`: " unparsable", `[]`: " mistyped", `null`: " mistyped",
			strings.Repeat(`{"a":`, 20_000): " unparsable",
		} {
			if got := faults(t, shape.Assign(&Order{}, json.RawMessage(object))); got[0] != want {
				t.Errorf("%.20s: told is %q", object, got)
			}
		}
	})
	t.Run("reads 10 MB, however deep, once", func(t *testing.T) {
		t.Parallel()
		deep := strings.Repeat(`{"name":"n","kids":[`, 4_000) + strings.Repeat(`]}`, 4_000)
		object := `{"name":"` + strings.Repeat("x", 10<<20) + `","kids":[` + deep + `]}`
		var got tree
		if err := shapeOf[tree](t).Assign(&got, json.RawMessage(object)); err != nil || len(got.Kids) != 1 {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestShape_Merge(t *testing.T) {
	t.Parallel()
	shape := shapeOf[Order](t)
	t.Run("changes what is there and nothing else", func(t *testing.T) {
		t.Parallel()
		o := sample()
		before := o.Lines.Clone()
		if err := shape.Merge(o, json.RawMessage(`{"count":1,"buyer":null,"prices":{"nut":"3"},"unknown":1}`)); err != nil {
			t.Fatal(err)
		}
		if o.Count != 1 || o.Buyer != nil || len(o.Prices) != 1 || o.Number != "A 1" || !o.Lines.Equal(&before) ||
			o.cache == "" || o.Version != 0 {
			t.Errorf("it is %+v", o)
		}
	})
	t.Run("reads names that are written with escapes", func(t *testing.T) {
		t.Parallel()
		o := sample()
		if err := shape.Merge(o, json.RawMessage(`{"count":1 , "notes" : [ "\"]}" ], "extra":{"\\":{}}}`)); err != nil ||
			o.Count != 1 || o.Notes[0] != `"]}` {
			t.Errorf("it is %+v, %v", o, err)
		}
	})
}

func TestFieldErrors(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("create Order: %w", shapeOf[Order](t).Assign(&Order{}, json.RawMessage(`{"state":"ajar"}`)))
	var coder interface{ StatusCode() int }
	if !errors.As(err, &coder) || coder.StatusCode() != http.StatusBadRequest {
		t.Errorf("the status of %v", err)
	}
	want := "create Order: state is invalid: it is none of the values that its type lists; number is missing"
	if err.Error() != want {
		t.Errorf("the error reads %q", err)
	}
	if one, ok := errors.AsType[*domain.FieldError](err); !ok || one.Path != "state" {
		t.Errorf("the first is %v", one)
	}
	cause := errors.New("no reason")
	if !errors.Is(domain.FieldErrors{{Reason: domain.Invalid, Err: cause}}, cause) {
		t.Error("the cause is lost")
	}
}

// Base of hooks: what an embedded struct checks is checked of what embeds it.
type named struct {
	domain.Entity
	Name string `json:"name"`
}

func (*named) ParseName(raw json.RawMessage) (string, error) {
	return strings.ToLower(strings.Trim(string(raw), `"`)), nil
}

func (*named) ValidateName(name string) error {
	if name == "" {
		return errors.New("it is empty")
	}
	return nil
}

type part struct {
	named
	Size int `json:"size,omitempty"`
}

type machine struct {
	Base
	Main  part                    `json:"main"`
	Parts domain.EntitySet[part]  `json:"parts"`
	Spare map[string]part         `json:"spare"`
	Pair  [2]string               `json:"pair,omitzero"`
	Other *part                   `json:"other"`
	Times domain.ValueSet[[2]int] `json:"times"`
}

func TestShape_Hooks(t *testing.T) {
	t.Parallel()
	shape := shapeOf[machine](t)
	t.Run("runs the hooks that a nested entity has of what it embeds", func(t *testing.T) {
		t.Parallel()
		var m machine
		err := shape.Assign(&m, json.RawMessage(`{"main":{"name":"BOLT"},"parts":[{"name":"NUT"}],"pair":["a","b"]}`))
		if err != nil || m.Main.Name != "bolt" || m.Pair != [2]string{"a", "b"} {
			t.Errorf("it is %+v, %v", m, err)
		}
		for p := range m.Parts.All() {
			if p.Name != "nut" || p.UUID == uuid.Nil {
				t.Errorf("the part is %+v", p)
			}
		}
		if m.Main.UUID == uuid.Nil {
			t.Error("the nested entity has no uuid")
		}
	})
	t.Run("tells where they refuse", func(t *testing.T) {
		t.Parallel()
		err := shape.Assign(&machine{}, json.RawMessage(
			`{"main":{"name":""},"spare":{"a":{"name":""}},"parts":[{"name":"x"},{"name":""}],"pair":["a"],"times":[[1]]}`))
		want := []string{
			"main.name invalid", "pair mistyped", "parts[1].name invalid", "spare.a.name invalid", "times[0] mistyped",
		}
		if got := faults(t, err); !reflect.DeepEqual(got, want) {
			t.Errorf("told is %q", got)
		}
	})
}

func TestShape_Bind(t *testing.T) {
	t.Parallel()
	type asked struct {
		Name  string         `json:"name" required:"true"`
		Count int            `json:"count" default:"7"`
		Price float64        `json:"price"`
		Lines []Line         `json:"lines"`
		Table map[string]int `json:"table"`
		Note  *string        `json:"note"`
	}
	shape := shapeOf[asked](t)
	t.Run("leaves empty what is absent or null, but for its default", func(t *testing.T) {
		t.Parallel()
		var got asked
		err := shape.Bind(&got, json.RawMessage(`{"NAME":"a","count":null,"price":null,"lines":[{"price":null}],"note":null}`))
		if err != nil || got.Name != "a" || got.Count != 7 || got.Price != 0 || got.Note != nil || len(got.Lines) != 1 ||
			got.Lines[0].Count != 1 || got.Lines[0].Product != "" {
			t.Errorf("it is %+v, %v", got, err)
		}
	})
	t.Run("wants what is required", func(t *testing.T) {
		t.Parallel()
		for _, object := range []string{`{}`, `{"name":null}`, `{"names":"a"}`} {
			if got := faults(t, shape.Bind(&asked{}, json.RawMessage(object))); !reflect.DeepEqual(got, []string{"name missing"}) {
				t.Errorf("%s: told is %q", object, got)
			}
		}
	})
}
