package domain_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/minos-framework/minos-go/framework/domain"
)

func ExampleEntitySet() {
	var lines domain.EntitySet[Line]
	nuts := &Line{Product: "nut", Count: 10}
	lines.Add(nuts, &Line{Product: "bolt", Count: 4})
	lines.Add(&Line{Entity: nuts.Entity, Product: "nut", Count: 12}) // in place of the one with its uuid
	if line, ok := lines.Get(nuts.UUID); ok {
		line.Count++
	}
	for line := range lines.All() {
		fmt.Println(line.Product, line.Count)
	}
	// Output:
	// nut 13
	// bolt 4
}

func ExampleValueSet() {
	tags := domain.NewValueSet("urgent", "fragile", "urgent")
	other := domain.NewValueSet("fragile", "heavy")
	all, both := tags.Union(&other), tags.Intersection(&other)
	data, _ := json.Marshal(all)
	fmt.Println(tags.Len(), tags.Has("urgent"), string(data), both.Len())
	// Output: 2 true ["fragile","heavy","urgent"] 1
}

// A value object is a struct that nobody changes: == compares it, and another
// is put in its place.
func Example_valueObject() {
	home := Address{Street: "Mole 1", City: "Turin"}
	moved := home
	moved.City = "Asti"
	fmt.Println(home == Address{Street: "Mole 1", City: "Turin"}, home == moved)
	// Output: true false
}

func ExampleOneOf() {
	shape, err := domain.ShapeOf(reflect.TypeFor[Payment]())
	if err != nil {
		fmt.Println(err)
		return
	}
	var p Payment
	fmt.Println(shape.Assign(&p, json.RawMessage(`{"card":{"number":"4242"}}`)), p.Card.Number)
	fmt.Println(shape.Assign(&p, json.RawMessage(`{"card":{"number":"4242"},"transfer":{"street":"a","city":"b"}}`)))
	// Output:
	// <nil> 4242
	// the object is invalid: of its alternatives only one can be set, but these are: card, transfer
}

// Parcel shows the hooks and defaults that a type declares.
type Parcel struct {
	Code   string          `json:"code"`
	Weight decimal.Decimal `json:"weight" default:"0.5"`
	Owner  uuid.UUID       `json:"owner"`
}

// ParseCode makes one form of what people write.
func (*Parcel) ParseCode(raw json.RawMessage) (string, error) {
	var text string
	err := json.Unmarshal(raw, &text)
	return strings.ToUpper(strings.ReplaceAll(text, " ", "")), err
}

// ValidateCode says what a code is.
func (*Parcel) ValidateCode(code string) error {
	if len(code) != 6 {
		return errors.New("a code has six characters")
	}
	return nil
}

func ExampleShape_Assign() {
	shape, err := domain.ShapeOf(reflect.TypeFor[Parcel]())
	if err != nil {
		fmt.Println(err)
		return
	}
	parcel := &Parcel{}
	err = shape.Assign(parcel, json.RawMessage(`{"code":"ab 12 cd","owner":"22222222-2222-2222-2222-222222222222"}`))
	fmt.Println(parcel.Code, parcel.Weight, err)

	err = shape.Assign(parcel, json.RawMessage(`{"code":"ab","weight":"heavy"}`))
	if faults, ok := errors.AsType[domain.FieldErrors](err); ok {
		for _, fault := range faults {
			fmt.Println(fault.Path, fault.Reason)
		}
	}
	fmt.Println(parcel.Code)
	// Output:
	// AB12CD 0.5 <nil>
	// code invalid
	// weight unparsable
	// owner missing
	// AB12CD
}

func ExampleShape_Merge() {
	shape, err := domain.ShapeOf(reflect.TypeFor[Parcel]())
	if err != nil {
		fmt.Println(err)
		return
	}
	parcel := &Parcel{Code: "AB12CD", Weight: decimal.NewFromInt(2)}
	err = shape.Merge(parcel, json.RawMessage(`{"weight":2.25}`))
	fmt.Println(parcel.Code, parcel.Weight, err)
	// Output: AB12CD 2.25 <nil>
}
