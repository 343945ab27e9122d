package aggregate_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/domain"
	"github.com/minos-framework/minos-go/framework/unit"
)

func TestCheckReferences(t *testing.T) {
	t.Parallel()
	b := setup(t)
	trips, err := aggregate.NewRepository[Trip](b.registry, aggregate.CheckReferences())
	must(t, err)
	r, ids := people("Ann", "Bob")
	ctx := aggregate.WithResolver(t.Context(), r)
	car, sold := b.create(t, "AB 1"), b.create(t, "AB 2")
	must(t, b.cars.Delete(t.Context(), sold))

	t.Run("names the path and the uuid of each reference to nothing", func(t *testing.T) {
		t.Parallel()
		missing := unit.NewID()
		trip := &Trip{
			Driver: aggregate.Ref[Man]{UUID: ids[0]}, Guests: []aggregate.Ref[Man]{{UUID: ids[1]}, {UUID: missing}},
			Car: aggregate.RefTo[Car](sold.UUID),
		}
		trip.Stops.Add(&Stop{Garage: aggregate.RefTo[Garage](missing)})
		err := trips.Create(ctx, trip)
		faults, ok := errors.AsType[domain.FieldErrors](err)
		if !ok || faults.StatusCode() != 400 || trip.Version != 0 {
			t.Fatalf("got %v", err)
		}
		want := []string{
			"car is invalid: it refers to Car " + sold.UUID.String() + ", which was deleted",
			"guests[1] is invalid: it refers to Man " + missing.String() + ", which does not exist",
			"stops[0].garage is invalid: it refers to Workshop " + missing.String() + ", which does not exist",
		}
		if got := faults.Error(); got != strings.Join(want, "; ") {
			t.Errorf("got %s", got)
		}
		if fault, ok := errors.AsType[*aggregate.MissingReferenceError](err); !ok || fault.UUID != sold.UUID || errors.Is(err, aggregate.ErrNotFound) {
			t.Errorf("the first is %v", fault)
		}
	})
	t.Run("takes what exists, and what the same unit of work has staged", func(t *testing.T) {
		t.Parallel()
		must(t, trips.Create(ctx, &Trip{Driver: aggregate.Ref[Man]{UUID: ids[0]}, Car: aggregate.RefTo[Car](car.UUID)}))
		must(t, unit.Do(ctx, b.store, func(ctx context.Context, _ *unit.Work) error {
			fresh := &Car{Plate: "CD 1"}
			if err := b.cars.Create(ctx, fresh); err != nil {
				return err
			}
			return trips.Create(ctx, &Trip{Car: aggregate.RefTo[Car](fresh.UUID)})
		}))
	})
	t.Run("looks at the fields that changed, resolved or not", func(t *testing.T) {
		t.Parallel()
		other := b.create(t, "AB 3")
		trip := &Trip{Car: aggregate.RefTo[Car](other.UUID)}
		must(t, trips.Create(ctx, trip))
		must(t, b.cars.Delete(ctx, other))
		trip.Note = "the car was sold"
		must(t, trips.Save(ctx, trip))
		trip.Guide = aggregate.RefTo[Man](unit.NewID())
		if _, ok := errors.AsType[*aggregate.MissingReferenceError](trips.Save(ctx, trip)); !ok {
			t.Error("it was taken")
		}
	})
	t.Run("fails when nobody can say", func(t *testing.T) {
		t.Parallel()
		trip := &Trip{Driver: aggregate.Ref[Man]{UUID: ids[0]}}
		if _, ok := errors.AsType[*aggregate.RefError](trips.Create(t.Context(), trip)); !ok {
			t.Error("it was taken")
		}
		silent, _ := people()
		silent.err = context.DeadlineExceeded
		if err := trips.Create(aggregate.WithResolver(t.Context(), silent), trip); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("is not done unless it is asked for", func(t *testing.T) {
		t.Parallel()
		must(t, b.cars.Create(t.Context(), &Car{Plate: "EF 1", Owner: aggregate.RefTo[Man](unit.NewID())}))
	})
}
