package aggregate_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/query"
	"github.com/minos-framework/minos-go/framework/unit"
)

// plates reads what Find yields, and its error.
func (b bundle) plates(ctx context.Context, clauses ...query.Clause) string {
	var plates []string
	for car, err := range b.cars.Find(ctx, clauses...) {
		if err != nil {
			return err.Error()
		}
		plates = append(plates, car.Plate)
	}
	return strings.Join(plates, " ")
}

// parked creates cars with 1, 2, 3 ... doors.
func (b bundle) parked(t *testing.T, plates ...string) []*Car {
	t.Helper()
	cars := make([]*Car, len(plates))
	for i, plate := range plates {
		cars[i] = &Car{Plate: plate, Doors: i + 1}
		if err := b.cars.Create(t.Context(), cars[i]); err != nil {
			t.Fatal(err)
		}
	}
	return cars
}

func TestRepository_Find_clauses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.parked(t, "B", "A", "D", "C")
	for _, c := range []struct {
		clauses []query.Clause
		want    string
	}{
		{nil, "B A D C"},
		{[]query.Clause{query.Asc("plate")}, "A B C D"},
		{[]query.Clause{query.Desc("plate"), query.Limit(3)}, "D C B"},
		{[]query.Clause{query.Greater("doors", 1), query.NotEqual("plate", "D"), query.Desc("doors")}, "C A"},
		{[]query.Clause{query.Equal("owner", nil), query.Asc("owner"), query.Desc("doors"), query.Limit(2)}, "C D"},
		{[]query.Clause{query.Not(query.In("plate", "A", "B", "C"))}, "D"},
		{[]query.Clause{query.Equal("colour", "red")}, `find Car: Car has no field "colour"`},
		{[]query.Clause{query.Asc("plate.x")}, "find Car: Car.plate is string: no path leads into it"},
		{[]query.Clause{query.Equal("doors", "4")}, `find Car: the value for field "doors": "4" is not a number`},
	} {
		if got := b.plates(t.Context(), c.clauses...); got != c.want {
			t.Errorf("%+v: got %s, want %s", c.clauses, got, c.want)
		}
	}
}

func TestRepository_FindOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.parked(t, "B", "A", "D")
	car, err := b.cars.FindOne(t.Context(), query.Greater("doors", 1), query.Desc("plate"))
	if err != nil || car.Plate != "D" {
		t.Errorf("got %+v, %v", car, err)
	}
	_, err = b.cars.FindOne(t.Context(), query.Equal("plate", "none"))
	missing, ok := errors.AsType[*aggregate.NotFoundError](err)
	if !ok || err.Error() != "no Car was found" || missing.Name != "Car" {
		t.Errorf("got %v", err)
	}
	if _, err = b.cars.FindOne(t.Context(), query.Equal("x", 1)); err == nil {
		t.Error("a field that is not there was found")
	}
}

func TestRepository_All(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.parked(t, "B", "A", "D")
	all, err := b.cars.All(t.Context(), query.Desc("plate"), query.Limit(2))
	if err != nil || len(all) != 2 || all[0].Plate != "D" || all[1].Plate != "B" {
		t.Errorf("got %+v, %v", all, err)
	}
	if all, err = b.cars.All(t.Context()); err != nil || len(all) != 3 {
		t.Errorf("got %d, %v", len(all), err)
	}
	if _, err = b.cars.All(t.Context(), query.Asc("x")); err == nil {
		t.Error("a field that is not there was an order")
	}
}

func TestRepository_Page(t *testing.T) {
	t.Parallel()
	t.Run("goes through all once, in the order that is asked for", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.parked(t, "B", "A", "D", "C", "E", "G", "F")
		for size := range 9 {
			var got []string
			for cursor := ""; ; {
				page, err := b.cars.Page(t.Context(), cursor, size+1, query.Desc("plate"), query.NotEqual("plate", "C"))
				if err != nil {
					t.Fatal(err)
				}
				for _, car := range page.Items {
					got = append(got, car.Plate)
				}
				if cursor = page.Next; cursor == "" {
					break
				}
			}
			if text := strings.Join(got, ""); text != "GFEDBA" {
				t.Errorf("size %d: %s", size+1, text)
			}
		}
	})
	t.Run("is where it was when others come and go", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		cars := b.parked(t, "B", "D", "F", "H")
		first, err := b.cars.Page(t.Context(), "", 2, query.Asc("plate"))
		if err != nil {
			t.Fatal(err)
		}
		if err := b.cars.Delete(t.Context(), cars[1]); err != nil {
			t.Fatal(err)
		}
		b.parked(t, "A", "C", "E")
		second, err := b.cars.Page(t.Context(), first.Next, 3, query.Asc("plate"))
		if err != nil || len(second.Items) != 3 || second.Items[0].Plate != "E" || second.Next != "" {
			t.Errorf("got %+v, %v", second, err)
		}
	})
	t.Run("refuses a cursor of another query, and a size or a limit that is none", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.parked(t, "A", "B")
		first, err := b.cars.Page(t.Context(), "", 1, query.Asc("plate"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.cars.Page(t.Context(), first.Next, 1, query.Desc("plate")); !errors.Is(err, query.ErrCursor) {
			t.Errorf("got %v", err)
		}
		if _, err := b.cars.Page(t.Context(), "", 0); err == nil {
			t.Error("a page of nothing was given")
		}
		if _, err := b.cars.Page(t.Context(), "", 1, query.Limit(3)); err == nil {
			t.Error("a page with a limit was given")
		}
	})
}

func TestRepository_Find_staged(t *testing.T) {
	t.Parallel()
	work := func(t *testing.T) (context.Context, *unit.Work) {
		t.Helper()
		w := unit.New(nil)
		return unit.With(t.Context(), w), w
	}
	t.Run("what is staged comes in its place, and in place of what is stored", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		cars := b.parked(t, "B", "D", "F", "H")
		ctx, _ := work(t)
		cars[0].Plate = "G"
		for _, err := range []error{
			b.cars.Save(ctx, cars[0]), b.cars.Delete(ctx, cars[2]),
			b.cars.Create(ctx, &Car{Plate: "A"}), b.cars.Create(ctx, &Car{Plate: "E"}), b.cars.Create(ctx, &Car{Plate: "X"}),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct {
			clauses []query.Clause
			want    string
		}{
			{[]query.Clause{query.Asc("plate")}, "A D E G H X"},
			{[]query.Clause{query.Desc("plate")}, "X H G E D A"},
			{[]query.Clause{query.Asc("plate"), query.Limit(3)}, "A D E"},
			{[]query.Clause{query.Greater("plate", "D"), query.Asc("plate"), query.Limit(2)}, "E G"},
			{[]query.Clause{query.Equal("plate", "B")}, ""},
			{[]query.Clause{query.Lower("plate", "Z"), query.Desc("plate"), query.Limit(1)}, "X"},
		} {
			if got := b.plates(ctx, c.clauses...); got != c.want {
				t.Errorf("%+v: got %s, want %s", c.clauses, got, c.want)
			}
		}
		if got := b.plates(t.Context(), query.Asc("plate")); got != "B D F H" {
			t.Errorf("outside: %s", got)
		}
		page, err := b.cars.Page(ctx, "", 4, query.Asc("plate"))
		if err != nil || page.Items[2].Plate != "E" {
			t.Fatalf("got %+v, %v", page, err)
		}
		page, err = b.cars.Page(ctx, page.Next, 4, query.Asc("plate"))
		if err != nil || len(page.Items) != 2 || page.Next != "" {
			t.Errorf("got %+v, %v", page, err)
		}
	})
	t.Run("what the loop stages is not yielded in an older state", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		cars := b.parked(t, "A", "B", "C")
		ctx, _ := work(t)
		var seen []string
		for car, err := range b.cars.Find(ctx, query.Asc("plate")) {
			if err != nil {
				t.Fatal(err)
			}
			if len(seen) == 0 {
				cars[1].Doors = 9
				if err := errors.Join(b.cars.Save(ctx, cars[1]), b.cars.Delete(ctx, cars[2])); err != nil {
					t.Fatal(err)
				}
			}
			seen = append(seen, fmt.Sprint(car.Plate, car.Doors))
		}
		if !slices.Equal(seen, []string{"A1", "B9"}) {
			t.Errorf("got %s", seen)
		}
	})
}

func TestIndex(t *testing.T) {
	t.Parallel()
	store, err := memory.Open(t.Context(), memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	registry := aggregate.NewRegistry(store)
	_, err = aggregate.NewRepository[Car](registry, aggregate.Index("plate", "colour"))
	if err == nil || !strings.Contains(err.Error(), `index plate, colour: Car has no field "colour"`) {
		t.Errorf("got %v", err)
	}
	_, err = aggregate.NewRepository[Car](registry, aggregate.Index("plate"), aggregate.Index("updated_at", "doors"))
	if err != nil {
		t.Fatal(err)
	}
	if err := registry.CreateIndexes(t.Context()); err != nil {
		t.Error(err)
	}
}
