package model_test

import (
	"math"
	"reflect"
	"testing"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/model"
)

func TestShape_Validate(t *testing.T) {
	t.Parallel()
	shape := shapeOf[Order](t)
	t.Run("accepts what is sound", func(t *testing.T) {
		t.Parallel()
		if err := shape.Validate(sample()); err != nil {
			t.Error(err)
		}
	})
	for name, test := range map[string]struct {
		spoil func(*Order)
		want  []string
	}{
		"a NUL in text":                      {func(o *Order) { o.Notes = []string{"a", "b\x00"} }, []string{"notes[1] invalid"}},
		"text that is not UTF-8":             {func(o *Order) { o.Number = "\xff" }, []string{"number invalid"}},
		"a NUL in a value":                   {func(o *Order) { o.Stops.Add(Address{City: "\x00"}) }, []string{"stops[1].city invalid"}},
		"a key that is not UTF-8":            {func(o *Order) { o.Extra = map[string]any{"\xff": 1} }, []string{"extra invalid"}},
		"a NUL within a dynamic value":       {func(o *Order) { o.Extra = []any{map[string]any{"a": "\x00"}} }, []string{"extra invalid"}},
		"a NaN":                              {func(o *Order) { o.Weight = math.NaN() }, []string{"weight invalid"}},
		"an infinity":                        {func(o *Order) { o.Weight = math.Inf(-1) }, []string{"weight invalid"}},
		"a dynamic NaN":                      {func(o *Order) { o.Extra = []any{math.NaN()} }, []string{"extra invalid"}},
		"an enum's value that is not listed": {func(o *Order) { o.State = "" }, []string{"state invalid"}},
		"an enum's value that has no text":   {func(o *Order) { o.Level = 9 }, []string{"level invalid"}},
		"what a hook refuses":                {func(o *Order) { o.Number = "0" }, []string{"number invalid"}},
		"what its own type refuses":          {func(o *Order) { o.Paid, o.Payment = true, nil }, []string{" invalid"}},
		"a union of two": {func(o *Order) {
			o.Payment = &Payment{Card: &Card{}, Transfer: &Address{}}
		}, []string{"payment invalid"}},
		"a union of none": {func(o *Order) { o.Payment = &Payment{} }, []string{"payment invalid"}},
		"several at once": {func(o *Order) {
			o.Lines.Add(&Line{Entity: model.Entity{UUID: uuid.Max}})
			o.Number, o.State = "0", "ajar"
		}, []string{"lines[1].count invalid", "number invalid", "state invalid"}},
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			t.Parallel()
			o := sample()
			test.spoil(o)
			if got := faults(t, shape.Validate(o)); !reflect.DeepEqual(got, test.want) {
				t.Errorf("told is %q", got)
			}
		})
	}
	t.Run("does not check what is optional and empty", func(t *testing.T) {
		t.Parallel()
		o := sample()
		o.Level, o.Buyer, o.Payment, o.Extra = 0, nil, nil, nil
		if err := shape.Validate(o); err != nil {
			t.Error(err)
		}
	})
	t.Run("gives nested entities a uuid, and leaves the ones that have one", func(t *testing.T) {
		t.Parallel()
		id := uuid.MustParse("33333333-3333-3333-3333-333333333333")
		m := &machine{
			Main:  part{named: named{Entity: model.Entity{UUID: id}, Name: "a"}},
			Spare: map[string]part{"x": {named: named{Name: "b"}}}, Other: &part{named: named{Name: "c"}},
		}
		if err := shapeOf[machine](t).Validate(m); err != nil {
			t.Fatal(err)
		}
		if m.Main.UUID != id || m.Spare["x"].UUID == uuid.Nil || m.Other.UUID == uuid.Nil {
			t.Errorf("it is %+v", m)
		}
	})
}

func BenchmarkShape_Validate(b *testing.B) {
	shape, o := shapeOf[Order](b), sample()
	b.ReportAllocs()
	for b.Loop() {
		if err := shape.Validate(o); err != nil {
			b.Fatal(err)
		}
	}
}
