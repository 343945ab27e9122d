package aggregate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/domain"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Garage is what is known of another service's Workshop.
type Garage struct {
	aggregate.External `root:"Workshop"`
	Name               string `json:"name"`
}

// Trip holds references wherever a value can.
type Trip struct {
	aggregate.Root
	Driver  aggregate.Ref[Man]                  `json:"driver"`
	Guide   *aggregate.Ref[Man]                 `json:"guide"`
	Guests  []aggregate.Ref[Man]                `json:"guests"`
	Seats   map[string]aggregate.Ref[Man]       `json:"seats"`
	Stops   domain.EntitySet[Stop]              `json:"stops"`
	Friends domain.ValueSet[aggregate.Ref[Man]] `json:"friends"`
	Car     *aggregate.Ref[Car]                 `json:"car"`
	Note    string                              `json:"note"`
}

// Stop is where a trip stops.
type Stop struct {
	domain.Entity
	Garage *aggregate.Ref[Garage] `json:"garage"`
}

// resolver answers from a map, and notes what it was asked.
type resolver struct {
	objects map[uuid.UUID]string
	err     error

	mu    sync.Mutex
	asked map[string][]int // by name, how many ids at once
}

func (r *resolver) Resolve(
	_ context.Context, to aggregate.Referred, ids []uuid.UUID,
) map[uuid.UUID]aggregate.Resolved {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked[to.Name] = append(r.asked[to.Name], len(ids))
	found := map[uuid.UUID]aggregate.Resolved{}
	for _, id := range ids {
		if r.err != nil {
			found[id] = aggregate.Resolved{Err: r.err}
		} else if object, ok := r.objects[id]; ok {
			found[id] = aggregate.Resolved{Object: json.RawMessage(object)}
		} else {
			found[id] = aggregate.Resolved{Err: &aggregate.NotFoundError{Name: to.Name, ID: id}}
		}
	}
	return found
}

// meeting answers when all that it waits for have asked.
type meeting struct {
	*resolver

	all *sync.WaitGroup
}

func (m meeting) Resolve(
	ctx context.Context, to aggregate.Referred, ids []uuid.UUID,
) map[uuid.UUID]aggregate.Resolved {
	m.all.Done()
	m.all.Wait()
	return m.resolver.Resolve(ctx, to, ids)
}

// people resolves to names; its ids are theirs.
func people(names ...string) (*resolver, []uuid.UUID) {
	r := &resolver{objects: map[uuid.UUID]string{}, asked: map[string][]int{}}
	ids := make([]uuid.UUID, len(names))
	for i, name := range names {
		ids[i] = unit.NewID()
		r.objects[ids[i]] = fmt.Sprintf(`{"uuid":"%s","version":%d,"name":"%s","age":7}`, ids[i], i+1, name)
	}
	return r, ids
}

func TestRef(t *testing.T) {
	t.Parallel()
	id := unit.NewID()
	var none *aggregate.Ref[Man]
	ref := aggregate.RefTo[Man](id)
	if !ref.Is(id) || ref.Is(unit.NewID()) || none.Is(uuid.Nil) || none.ID() != uuid.Nil || ref.ID() != id {
		t.Error("it is not its uuid")
	}
	if ref.String() != id.String() || ref.Value() != nil || none.Value() != nil {
		t.Errorf("it is %s, %v", ref, ref.Value())
	}
	data, err := json.Marshal(map[string]any{"some": ref, "none": none, "plain": *ref})
	if want := fmt.Sprintf(`{"none":null,"plain":"%s","some":"%s"}`, id, id); err != nil || string(data) != want {
		t.Errorf("encoded as %s, %v", data, err)
	}
	var back aggregate.Ref[Man]
	if err := json.Unmarshal([]byte(`"`+id.String()+`"`), &back); err != nil || !back.Is(id) {
		t.Errorf("decoded as %s, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`"seven"`), &back); err == nil {
		t.Error("what is no uuid was taken")
	}
}

func TestRef_Get(t *testing.T) {
	t.Parallel()
	r, ids := people("Ann")
	id, ctx := ids[0], aggregate.WithResolver(t.Context(), r)
	t.Run("asks the context's resolver", func(t *testing.T) {
		t.Parallel()
		ref := aggregate.RefTo[Man](id)
		man, err := ref.Get(ctx)
		if err != nil || man.Name != "Ann" || man.UUID != id || man.Version != 1 || ref.Value() != man {
			t.Errorf("got %+v, %v", man, err)
		}
	})
	t.Run("is nothing for a reference to nothing", func(t *testing.T) {
		t.Parallel()
		var none *aggregate.Ref[Man]
		for _, ref := range []*aggregate.Ref[Man]{none, {}} {
			if man, err := ref.Get(ctx); man != nil || err != nil {
				t.Errorf("got %+v, %v", man, err)
			}
		}
	})
	t.Run("says what was not found", func(t *testing.T) {
		t.Parallel()
		missing := unit.NewID()
		_, err := aggregate.RefTo[Man](missing).Get(ctx)
		fault, ok := errors.AsType[*aggregate.RefError](err)
		if !errors.Is(err, aggregate.ErrNotFound) || !ok || fault.UUID != missing || fault.Name != "Man" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("says that a context without a resolver is the wrong one", func(t *testing.T) {
		t.Parallel()
		if _, err := aggregate.RefTo[Man](id).Get(t.Context()); err == nil || !strings.Contains(err.Error(), "carries no resolver") {
			t.Errorf("got %v", err)
		}
	})
}

func TestResolve(t *testing.T) {
	t.Parallel()
	t.Run("finds references wherever they are and asks once for each entity, once for each type", func(t *testing.T) {
		t.Parallel()
		r, ids := people("Ann", "Bob", "Cyd", "Dan", "Eve", "Fixit")
		var stops domain.EntitySet[Stop]
		stops.Add(&Stop{Garage: aggregate.RefTo[Garage](ids[5])}, &Stop{Garage: aggregate.RefTo[Garage](ids[5])}, &Stop{})
		trip := &Trip{
			Driver: aggregate.Ref[Man]{UUID: ids[0]}, Guide: aggregate.RefTo[Man](ids[0]),
			Guests: []aggregate.Ref[Man]{{UUID: ids[1]}, {UUID: ids[2]}},
			Seats:  map[string]aggregate.Ref[Man]{"1a": *aggregate.RefTo[Man](ids[3])},
			Stops:  stops, Friends: domain.NewValueSet(*aggregate.RefTo[Man](ids[4]), *aggregate.RefTo[Man](ids[0])),
		}
		ctx := aggregate.WithResolver(t.Context(), r)
		for range 2 { // the second finds nothing that is not resolved
			if err := aggregate.Resolve(ctx, map[string]any{"trips": []any{trip, trip}}); err != nil {
				t.Fatal(err)
			}
		}
		names := []string{trip.Driver.Value().Name, trip.Guide.Value().Name}
		for _, guest := range trip.Guests {
			names = append(names, guest.Value().Name)
		}
		seat := trip.Seats["1a"]
		names = append(names, seat.Value().Name)
		for friend := range trip.Friends.All() {
			names = append(names, friend.Value().Name)
		}
		for stop := range trip.Stops.All() {
			if stop.Garage != nil {
				names = append(names, stop.Garage.Value().Name)
			}
		}
		slices.Sort(names)
		if got := strings.Join(names, " "); got != "Ann Ann Ann Bob Cyd Dan Eve Fixit Fixit" {
			t.Errorf("resolved to %s", got)
		}
		if got := fmt.Sprint(r.asked); got != "map[Man:[5] Workshop:[1]]" {
			t.Errorf("asked for %s", got)
		}
	})
	t.Run("asks for all types at the same time", func(t *testing.T) {
		t.Parallel()
		r, ids := people("Ann", "Fixit")
		var both sync.WaitGroup
		both.Add(2)
		ctx := aggregate.WithResolver(t.Context(), meeting{r, &both})
		man, garage := aggregate.RefTo[Man](ids[0]), aggregate.RefTo[Garage](ids[1])
		if err := aggregate.Resolve(ctx, man, garage); err != nil || man.Value() == nil || garage.Value() == nil {
			t.Errorf("got %v, %v, %v", man.Value(), garage.Value(), err)
		}
	})
	t.Run("tells of each reference that failed, and resolves the others", func(t *testing.T) {
		t.Parallel()
		r, ids := people("Ann")
		missing := []uuid.UUID{unit.NewID(), unit.NewID()}
		refs := []*aggregate.Ref[Man]{aggregate.RefTo[Man](missing[0]), aggregate.RefTo[Man](ids[0]), aggregate.RefTo[Man](missing[1])}
		err := aggregate.Resolve(aggregate.WithResolver(t.Context(), r), refs)
		if _, ok := errors.AsType[*aggregate.RefError](err); !ok || refs[1].Value() == nil {
			t.Fatalf("got %v", err)
		}
		for _, id := range missing {
			if !strings.Contains(err.Error(), "resolve Man "+id.String()+": Man "+id.String()+" was not found") {
				t.Errorf("%s is not in: %v", id, err)
			}
		}
	})
	t.Run("keeps the cause that a resolver gives, or what does not decode", func(t *testing.T) {
		t.Parallel()
		r, ids := people("Ann", "Bob")
		r.objects[ids[0]] = `{"name":7}`
		ctx := aggregate.WithResolver(t.Context(), r)
		_, err := aggregate.RefTo[Man](ids[0]).Get(ctx)
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); !ok || wrong.Field != "name" {
			t.Errorf("got %v", err)
		}
		r.err = context.DeadlineExceeded
		if _, err := aggregate.RefTo[Man](ids[1]).Get(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("says so when what it finds would be lost", func(t *testing.T) {
		t.Parallel()
		r, ids := people("Ann")
		ctx := aggregate.WithResolver(t.Context(), r)
		if err := aggregate.Resolve(ctx, aggregate.Ref[Man]{UUID: ids[0]}); err == nil || !strings.Contains(err.Error(), "a pointer") {
			t.Errorf("got %v", err)
		}
		trip := Trip{Guide: aggregate.RefTo[Man](ids[0])}
		if err := aggregate.Resolve(ctx, trip); err != nil || trip.Guide.Value() == nil {
			t.Errorf("a copy that shares: %v, %v", trip.Guide.Value(), err)
		}
	})
	t.Run("follows values that hold themselves once, and needs no resolver for nothing", func(t *testing.T) {
		t.Parallel()
		type ring struct {
			Next *ring
			Ref  *aggregate.Ref[Man]
		}
		r, ids := people("Ann")
		a := &ring{Ref: aggregate.RefTo[Man](ids[0])}
		a.Next = &ring{Next: a}
		if err := aggregate.Resolve(aggregate.WithResolver(t.Context(), r), a); err != nil || a.Ref.Value() == nil {
			t.Errorf("got %v, %v", a.Ref.Value(), err)
		}
		if err := aggregate.Resolve(t.Context(), a, nil, 7, "text", []any{nil}, &Trip{}); err != nil {
			t.Error(err)
		}
	})
}

func TestRegistry_Resolve(t *testing.T) {
	t.Parallel()
	b := setup(t)
	car, sold := b.create(t, "AB 1"), b.create(t, "AB 2")
	if err := b.cars.Delete(t.Context(), sold); err != nil {
		t.Fatal(err)
	}
	missing := unit.NewID()
	trips := []*Trip{
		{Car: aggregate.RefTo[Car](car.UUID)}, {Car: aggregate.RefTo[Car](sold.UUID)}, {Car: aggregate.RefTo[Car](missing)},
	}
	err := aggregate.Resolve(aggregate.WithResolver(t.Context(), b.registry), trips)
	if trips[0].Car.Value() == nil || trips[0].Car.Value().Plate != "AB 1" || trips[0].Car.Value().Version != 1 {
		t.Errorf("resolved to %+v", trips[0].Car.Value())
	}
	for _, want := range []string{sold.UUID.String() + " was deleted", missing.String() + " was not found"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	t.Run("finds what the unit of work has staged", func(t *testing.T) {
		t.Parallel()
		err := unit.Do(t.Context(), b.store, func(ctx context.Context, _ *unit.Work) error {
			fresh := &Car{Plate: "CD 1"}
			if err := b.cars.Create(ctx, fresh); err != nil {
				return err
			}
			got, err := aggregate.RefTo[Car](fresh.UUID).Get(aggregate.WithResolver(ctx, b.registry))
			if err == nil && got.Plate != "CD 1" {
				t.Errorf("got %+v", got)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestRegistry_Objects(t *testing.T) {
	t.Parallel()
	b := setup(t)
	car, missing := b.create(t, "AB 1"), unit.NewID()
	objects, err := b.registry.Objects(t.Context(), "Car", []uuid.UUID{car.UUID, missing, car.UUID})
	if err != nil {
		t.Fatal(err)
	}
	var got Car
	if err := json.Unmarshal(objects[car.UUID].Object, &got); err != nil || got.UUID != car.UUID || got.Version != 1 || got.Plate != "AB 1" {
		t.Errorf("got %s, %v", objects[car.UUID].Object, err)
	}
	if err := objects[missing].Err; !errors.Is(err, aggregate.ErrNotFound) {
		t.Errorf("a missing one: %v", err)
	}
}

func TestRegistry_External(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if _, err := aggregate.NewRepository[Trip](b.registry); err != nil {
		t.Fatal(err)
	}
	if got := b.registry.External(); !slices.Equal(got, []string{"Man", "Workshop"}) {
		t.Errorf("it refers to %v", got)
	}
}
