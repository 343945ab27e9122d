package domain_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/minos-framework/minos-go/framework/calendar"
	"github.com/minos-framework/minos-go/framework/domain"
)

// Order is a root with a field of every kind. Base stands for aggregate.Root.
type Order struct {
	Base
	Number   string                     `json:"number"`
	State    State                      `json:"state" default:"open"`
	Level    Level                      `json:"level,omitempty"`
	Paid     bool                       `json:"paid" default:"false"`
	Count    int64                      `json:"count" default:"0"`
	Weight   float64                    `json:"weight" default:"0"`
	Total    decimal.Decimal            `json:"total" default:"0"`
	Due      calendar.Date              `json:"due" default:"2026-01-01"`
	Cutoff   calendar.TimeOfDay         `json:"cutoff" default:"12:00:00"`
	Placed   time.Time                  `json:"placed,omitzero"`
	Patience time.Duration              `json:"patience" default:"60000000000"`
	Seal     []byte                     `json:"seal,omitempty"`
	Buyer    *uuid.UUID                 `json:"buyer"`
	Address  Address                    `json:"address,omitzero"`
	Lines    domain.EntitySet[Line]     `json:"lines"`
	Tags     domain.ValueSet[string]    `json:"tags"`
	Stops    domain.ValueSet[Address]   `json:"stops"`
	Notes    []string                   `json:"notes"`
	Prices   map[string]decimal.Decimal `json:"prices"`
	Payment  *Payment                   `json:"payment"`
	Extra    any                        `json:"extra,omitempty"`
	cache    string
}

type Base struct{ Version int }

// Line is an entity inside an order.
type Line struct {
	domain.Entity
	Product string          `json:"product"`
	Price   decimal.Decimal `json:"price"`
	Count   int             `json:"count" default:"1"`
}

func (Line) ValidateCount(n int) error {
	if n < 1 {
		return errors.New("at least one is wanted")
	}
	return nil
}

// Address is a value.
type Address struct {
	Street string `json:"street"`
	City   string `json:"city"`
}

// Payment is a union.
type Payment struct {
	domain.OneOf
	Card     *Card    `json:"card,omitempty"`
	Transfer *Address `json:"transfer,omitempty"`
}

type Card struct {
	Number string `json:"number"`
}

type State string

func (State) Values() []State { return []State{"open", "closed"} }

// Level is an enum by its text.
type Level int

func (l Level) MarshalText() ([]byte, error) {
	if l < 1 || l > 2 {
		return nil, fmt.Errorf("there is no level %d", l)
	}
	return []byte([]string{"low", "high"}[l-1]), nil
}

func (l *Level) UnmarshalText(text []byte) error {
	switch string(text) {
	case "low":
		*l = 1
	case "high":
		*l = 2
	default:
		return fmt.Errorf("there is no level %q", text)
	}
	return nil
}

func (*Order) ParseNumber(raw json.RawMessage) (string, error) {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return "", err
	}
	if strings.HasPrefix(text, "!") {
		return "", errors.New("it begins with an exclamation mark")
	}
	return strings.ToUpper(strings.TrimSpace(text)), nil
}

func (*Order) ValidateNumber(number string) error {
	if number == "" || strings.HasPrefix(number, "0") {
		return errors.New("it begins with no digit but 0")
	}
	return nil
}

func (o *Order) Validate() error {
	if o.Paid && o.Payment == nil {
		return errors.New("it is paid, but by nothing")
	}
	return nil
}

func shapeOf[T any](t testing.TB) *domain.Shape {
	t.Helper()
	s, err := domain.ShapeOf(reflect.TypeFor[T](), reflect.TypeFor[Base]())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sample() *Order {
	buyer := uuid.MustParse("11111111-1111-1111-1111-111111111111")
	o := &Order{
		Number: "A 1", State: "open", Level: 2, Count: 1<<53 + 1, Weight: 0.1,
		Total: decimal.RequireFromString("12345678901234567890.10"),
		Due:   calendar.NewDate(2026, time.May, 17), Cutoff: calendar.NewTimeOfDay(90 * time.Minute),
		Placed:   time.Date(2026, 5, 17, 10, 0, 0, 123456000, time.FixedZone("", 7200)),
		Patience: time.Minute, Seal: []byte{0, 1, 255}, Buyer: &buyer,
		Address: Address{Street: "Mole 1", City: "Turin"},
		Lines:   domain.NewEntitySet(&Line{Product: "bolt", Price: decimal.RequireFromString("0.30"), Count: 3}),
		Tags:    domain.NewValueSet("b", "a"), Stops: domain.NewValueSet(Address{City: "Asti"}),
		Notes: []string{"fragile"}, Prices: map[string]decimal.Decimal{"nut": decimal.NewFromInt(2)},
		Payment: &Payment{Card: &Card{Number: "4242"}},
		Extra:   map[string]any{"big": json.Number("9007199254740993")},
	}
	o.cache = "kept to itself"
	return o
}

func TestShape_Decode(t *testing.T) {
	t.Parallel()
	shape := shapeOf[Order](t)
	t.Run("gives back every kind of field exactly as it was encoded", func(t *testing.T) {
		t.Parallel()
		values, err := shape.Encode(sample())
		if err != nil {
			t.Fatal(err)
		}
		var restored Order
		if err := shape.Decode(shape.Object(values), &restored); err != nil {
			t.Fatal(err)
		}
		again, err := shape.Encode(&restored)
		if err != nil || !reflect.DeepEqual(again, values) {
			t.Errorf("encoded again it is %s, %v\nbut was %s", again, err, values)
		}
		if restored.Count != 1<<53+1 || !restored.Total.Equal(sample().Total) || restored.cache != "" {
			t.Errorf("it is %+v", restored)
		}
		if big := restored.Extra.(map[string]any)["big"]; big != json.Number("9007199254740993") ||
			!restored.Placed.Equal(sample().Placed) {
			t.Errorf("it was placed at %s with %v", restored.Placed, restored.Extra)
		}
	})
	t.Run("sets the default of a field that was stored before it existed", func(t *testing.T) {
		t.Parallel()
		var o Order
		if err := shape.Decode([]byte(`{"number":"A 2","gone":[{}],"lines":[{"uuid":"22222222-2222-2222-2222-222222222222",
			"product":"nut","price":"1"}]}`), &o); err != nil {
			t.Fatal(err)
		}
		line, ok := o.Lines.Get(uuid.MustParse("22222222-2222-2222-2222-222222222222"))
		if o.State != "open" || o.Due.String() != "2026-01-01" || o.Patience != time.Minute || !ok || line.Count != 1 {
			t.Errorf("it is %+v with %+v", o, line)
		}
	})
	t.Run("asks no rule of today about what was stored under those of its time", func(t *testing.T) {
		t.Parallel()
		var o Order
		if err := shape.Decode([]byte(`{"number":"!0","state":"lost","paid":true}`), &o); err != nil || o.State != "lost" {
			t.Errorf("it is %+v, %v", o, err)
		}
	})
	t.Run("names the field of what it cannot read, which is nobody's bad request", func(t *testing.T) {
		t.Parallel()
		for data, want := range map[string]string{
			`{"count":"x"}`:                      "decode Order.count: ",
			`{"extra":1,"lines":[{"price":{}}]}`: "decode Order.lines[0].price: ",
			`[]`:                                 "not an object",
			`{"number":`:                         "not JSON",
		} {
			err := shape.Decode([]byte(data), &Order{})
			var coder interface{ StatusCode() int }
			if err == nil || !strings.Contains(err.Error(), want) || errors.As(err, &coder) {
				t.Errorf("%s: the error is %v", data, err)
			}
		}
	})
}

func TestShape_Encode(t *testing.T) {
	t.Parallel()
	t.Run("names the field that has no JSON", func(t *testing.T) {
		t.Parallel()
		o := sample()
		o.Placed = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
		_, err := shapeOf[Order](t).Encode(o)
		if faults, ok := errors.AsType[domain.FieldErrors](err); !ok || faults[0].Path != "placed" {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestShapeOf(t *testing.T) {
	t.Parallel()
	t.Run("tells what a repository and its stores need to know of a field", func(t *testing.T) {
		t.Parallel()
		type root struct {
			Base
			Name  string                 `json:"name" sensitive:"true"`
			Lines domain.EntitySet[Line] `json:"lines"`
			Tags  domain.ValueSet[string]
			Note  *string  `json:"note"`
			left  int      //nolint:unused // that it is left out is what is tested
			Out   chan int `json:"-"`
		}
		var told []string
		for _, f := range shapeOf[root](t).Fields {
			told = append(told, fmt.Sprintf("%v %v %v %v %v", f.Name, f.Index, f.Set, f.Sensitive, f.Optional))
		}
		want := []string{"name 1 0 true false", "lines 2 1 false false", "Tags 3 2 false false", "note 4 0 false true"}
		if !reflect.DeepEqual(told, want) {
			t.Errorf("the fields are %q", told)
		}
	})
	for _, test := range []struct {
		name string
		typ  reflect.Type
		want string
	}{
		{"a channel in a nested model", reflect.TypeFor[struct {
			Engine struct {
				Out []chan int `json:"out"`
			} `json:"engine"`
		}](), ".engine.out[]: chan int cannot be stored"},
		{"a function", reflect.TypeFor[struct{ F func() }](), ".F: func() cannot be stored"},
		{"a complex number", reflect.TypeFor[struct{ C map[string]complex128 }](), ".C.*: complex128 cannot be stored"},
		{"an interface", reflect.TypeFor[struct{ S fmt.Stringer }](), "domain.OneOf"},
		{"keys of a map that are no strings", reflect.TypeFor[struct{ M map[int]int }](), ".M: the keys of a map are"},
		{"keys of a map that are uuids", reflect.TypeFor[struct{ M map[uuid.UUID]int }](), ".M: the keys of a map are"},
		{"a nested field that is not exported", reflect.TypeFor[struct{ P struct{ x, Y int } }](), ".P.x is not exported"},
		{"a type that is written and never read", reflect.TypeFor[struct{ W written }](), "does not read it"},
		{"a type that is read and never written", reflect.TypeFor[struct{ R read }](), "does not write it"},
		{"a name that is used twice", reflect.TypeFor[struct {
			A int `json:"B"`
			B int
		}](), `the name "B" is taken`},
		{"a name that every root has", reflect.TypeFor[struct {
			A int `json:"version"`
		}](), `the name "version" is taken`},
		{"a default that does not fit", reflect.TypeFor[struct {
			A int `default:"many"`
		}](), `.A: its default "many"`},
		{"a default that its enum does not list", reflect.TypeFor[struct {
			A State `default:"ajar"`
		}](), `.A: its default "ajar"`},
		{"numbers in quotes", reflect.TypeFor[struct {
			A int `json:"a,string"`
		}](), "option string"},
		{"a pointer to a set", reflect.TypeFor[struct{ L *domain.ValueSet[int] }](), "a set is no pointer"},
		{"a union of what is always there", reflect.TypeFor[struct {
			U struct {
				domain.OneOf
				A int
			}
		}](), "is a pointer"},
		{"a struct that the root embeds", reflect.TypeFor[struct{ Address }](), "embeds"},
		{
			"a hook for a field that is not there", reflect.TypeFor[misspelt](),
			"misspelt.ValidateNmae: domain_test.misspelt has no stored field Nmae",
		},
		{
			"a hook with the wrong type", reflect.TypeFor[mistaken](),
			"mistaken.ValidateName: for the field Name it must be func(string) error, but it is func(int) error",
		},
		{
			"a hook that parses to the wrong type", reflect.TypeFor[misparsed](),
			"misparsed.ParseName: for the field Name it must be func(json.RawMessage) (string, error)",
		},
		{"an enum whose list is of something else", reflect.TypeFor[struct{ E oddEnum }](), "oddEnum.Values"},
		{"what is no struct", reflect.TypeFor[int](), "no struct"},
		{"what has JSON of its own", reflect.TypeFor[time.Time](), "JSON of its own"},
		{"a type with nothing in it", reflect.TypeFor[struct{ F big.Float }](), ""},
	} {
		t.Run("refuses "+test.name, func(t *testing.T) {
			t.Parallel()
			_, err := domain.ShapeOf(test.typ, reflect.TypeFor[Base]())
			if test.want == "" {
				if err != nil {
					t.Errorf("the error is %v", err)
				}
			} else if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, but %q is wanted", err, test.want)
			}
		})
	}
	t.Run("takes a type that holds itself", func(t *testing.T) {
		t.Parallel()
		shape := shapeOf[tree](t)
		var got tree
		if err := shape.Assign(&got, json.RawMessage(`{"name":"a","kids":[{"name":"b","kids":[]}]}`)); err != nil {
			t.Fatal(err)
		}
		if got.Kids[0].Name != "b" {
			t.Errorf("it is %+v", got)
		}
		err := shape.Assign(&got, json.RawMessage(`{"name":"a","kids":[{"name":"b","kids":[{}]}]}`))
		if err == nil || err.Error() != "kids[0].kids[0].name is missing" {
			t.Errorf("the error is %v", err)
		}
	})
}

type tree struct {
	Base
	Name string `json:"name"`
	Kids []node `json:"kids"`
}

type node struct {
	Name string `json:"name"`
	Kids []node `json:"kids"`
	Up   *node  `json:"up"`
}

type written int

func (written) MarshalJSON() ([]byte, error) { return []byte("1"), nil }

type read int

func (*read) UnmarshalJSON([]byte) error { return nil }

type misspelt struct{ Name string }

func (misspelt) ValidateNmae(string) error { return nil }

type mistaken struct{ Name string }

func (mistaken) ValidateName(int) error { return nil }

type misparsed struct{ Name string }

func (misparsed) ParseName(string) (string, error) { return "", nil }

type oddEnum string

func (oddEnum) Values() []string { return nil }

func TestShape_Kind(t *testing.T) {
	t.Parallel()
	shape := shapeOf[Order](t)
	for path, want := range map[string]string{
		"uuid": "a UUID", "version": "a number", "created_at": "a time", "number": "a text", "state": "a text",
		"level": "a text", "paid": "a bool", "count": "a number", "weight": "a number", "total": "a decimal",
		"due": "a text", "cutoff": "a text", "placed": "a time", "patience": "a number", "seal": "a text",
		"buyer": "a UUID", "address.city": "a text", "prices.nut": "a decimal", "payment.card.number": "a text",
		"extra.any.thing": "a list, a map or an object", "lines": "a list, a map or an object",
	} {
		if kind, err := shape.Kind(path); err != nil || kind.String() != want {
			t.Errorf("%s is %s, %v", path, kind, err)
		}
	}
	for path, want := range map[string]string{
		"nmber": `Order has no field "nmber"`, "address.town": `Order.address has no field "town"`,
		"lines.price": "no path leads into it", "notes.0": "no path leads into it", "": "no field", "count.x": "no path",
		"prices.": "no path leads into it", "cache": "no field", "Number": "no field",
	} {
		if kind, err := shape.Kind(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is %s, %v", path, kind, err)
		}
	}
}
