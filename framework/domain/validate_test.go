package domain_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/domain"
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
		want  string
		spoil func(*Order)
	}{
		"a NUL in text":           {"notes[1] invalid", func(o *Order) { o.Notes = []string{"a", "b\x00"} }},
		"text that is not UTF-8":  {"number invalid", func(o *Order) { o.Number = "\xff" }},
		"a NUL in a value":        {"stops[1].city invalid", func(o *Order) { o.Stops.Add(Address{City: "\x00"}) }},
		"a key that is not UTF-8": {"extra invalid", func(o *Order) { o.Extra = map[string]any{"\xff": 1} }},
		"a NUL within a dynamic value": {"extra invalid", func(o *Order) {
			o.Extra = []any{map[string]any{"a": "\x00"}}
		}},
		"a NaN":                          {"weight invalid", func(o *Order) { o.Weight = math.NaN() }},
		"an infinity":                    {"weight invalid", func(o *Order) { o.Weight = math.Inf(-1) }},
		"a dynamic NaN":                  {"extra invalid", func(o *Order) { o.Extra = []any{math.NaN()} }},
		"what its enum does not list":    {"state invalid", func(o *Order) { o.State = "" }},
		"an enum's value without a text": {"level invalid", func(o *Order) { o.Level = 9 }},
		"what a hook refuses":            {"number invalid", func(o *Order) { o.Number = "0" }},
		"what its own type refuses":      {" invalid", func(o *Order) { o.Paid, o.Payment = true, nil }},
		"a union of two": {"payment invalid", func(o *Order) {
			o.Payment = &Payment{Card: &Card{}, Transfer: &Address{}}
		}},
		"a union of none": {"payment invalid", func(o *Order) { o.Payment = &Payment{} }},
		"several at once": {"lines[1].count invalid, number invalid, state invalid", func(o *Order) {
			o.Lines.Add(&Line{Entity: domain.Entity{UUID: uuid.Max}})
			o.Number, o.State = "0", "ajar"
		}},
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			t.Parallel()
			o := sample()
			test.spoil(o)
			if got := strings.Join(faults(t, shape.Validate(o)), ", "); got != test.want {
				t.Errorf("told is %q", got)
			}
		})
	}
	t.Run("refuses what holds itself", func(t *testing.T) {
		t.Parallel()
		circle := &node{Name: "a"}
		circle.Up = circle
		if got := faults(t, shapeOf[tree](t).Validate(&tree{Kids: []node{{Up: circle}}})); len(got) != 1 {
			t.Errorf("told is %q", got)
		}
		o := sample()
		extra := map[string]any{}
		extra["itself"] = extra
		o.Extra = extra
		if got := faults(t, shape.Validate(o)); got[0] != "extra invalid" {
			t.Errorf("told is %q", got)
		}
	})
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
			Main:  part{named: named{Entity: domain.Entity{UUID: id}, Name: "a"}},
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

func BenchmarkShape_Encode(b *testing.B) {
	shape, o := shapeOf[Order](b), sample()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := shape.Encode(o); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkShape_Decode(b *testing.B) {
	shape := shapeOf[Order](b)
	values, err := shape.Encode(sample())
	if err != nil {
		b.Fatal(err)
	}
	data := shape.Object(values)
	b.ReportAllocs()
	for b.Loop() {
		if err := shape.Decode(data, &Order{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkUnmarshal is what BenchmarkShape_Decode is to be compared with.
func BenchmarkUnmarshal(b *testing.B) {
	data, err := json.Marshal(sample())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := json.Unmarshal(data, &Order{}); err != nil {
			b.Fatal(err)
		}
	}
}
