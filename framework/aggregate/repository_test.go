package aggregate_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/query"
	"github.com/minos-framework/minos-go/framework/unit"
)

type Car struct {
	aggregate.Root
	Plate  string              `json:"plate"`
	Owner  *aggregate.Ref[Man] `json:"owner"`
	Doors  int                 `json:"doors"`
	Memory []byte              `json:"-"`
}

type Man struct {
	aggregate.External
	Name string `json:"name"`
}

type bundle struct {
	store    *memory.Store
	registry *aggregate.Registry
	cars     *aggregate.Repository[Car]
}

func setup(t testing.TB) bundle {
	t.Helper()
	store, err := memory.Open(t.Context(), memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	registry := aggregate.NewRegistry(store)
	cars, err := aggregate.NewRepository[Car](registry)
	if err != nil {
		t.Fatal(err)
	}
	return bundle{store: store, registry: registry, cars: cars}
}

func (b bundle) create(t testing.TB, plate string) *Car {
	t.Helper()
	car := &Car{Plate: plate, Doors: 4}
	if err := b.cars.Create(t.Context(), car); err != nil {
		t.Fatal(err)
	}
	return car
}

func (b bundle) events(t testing.TB, id uuid.UUID) []unit.Event {
	t.Helper()
	var events []unit.Event
	for e, err := range b.registry.History(t.Context(), id, 0) {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

func TestRepository_Create(t *testing.T) {
	t.Parallel()
	t.Run("sets uuid, version and times and stores every field in one event", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		car := b.create(t, "AB 1")
		if car.UUID == uuid.Nil || car.Version != 1 || car.CreatedAt.IsZero() || !car.CreatedAt.Equal(car.UpdatedAt) {
			t.Errorf("the root is %+v", car.Root)
		}
		events := b.events(t, car.UUID)
		want := `[{"name":"plate","value":"AB 1"},{"name":"owner","value":null},{"name":"doors","value":4}]`
		if len(events) != 1 || string(events[0].Data) != want || events[0].Action != unit.Create || events[0].Name != "Car" {
			t.Errorf("the events are %+v", events)
		}
	})
	t.Run("refuses an entity whose uuid, version or times the caller has set", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		now := time.Now()
		for _, root := range []aggregate.Root{{UUID: unit.NewID()}, {Version: 1}, {CreatedAt: now}, {UpdatedAt: now}} {
			if err := b.cars.Create(t.Context(), &Car{Root: root}); err == nil {
				t.Errorf("%+v was taken", root)
			}
		}
	})
}

func TestRepository_Save(t *testing.T) {
	t.Parallel()
	t.Run("stores only the difference", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		car := b.create(t, "AB 1")
		loaded, err := b.cars.Get(t.Context(), car.UUID)
		if err != nil {
			t.Fatal(err)
		}
		loaded.Doors = 5
		if err := b.cars.Save(t.Context(), loaded); err != nil {
			t.Fatal(err)
		}
		events := b.events(t, car.UUID)
		if len(events) != 2 || string(events[1].Data) != `[{"name":"doors","value":5}]` || loaded.Version != 2 {
			t.Errorf("version %d, events %+v", loaded.Version, events)
		}
	})
	t.Run("does nothing when nothing changed", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		car := b.create(t, "AB 1")
		if err := b.cars.Save(t.Context(), car); err != nil || car.Version != 1 || len(b.events(t, car.UUID)) != 1 {
			t.Errorf("version %d, error %v", car.Version, err)
		}
	})
	t.Run("creates an entity that is new", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		car := &Car{Plate: "NEW"}
		if err := b.cars.Save(t.Context(), car); err != nil || car.Version != 1 {
			t.Errorf("version %d, error %v", car.Version, err)
		}
	})
	t.Run("refuses an entity that no repository has loaded", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		id := unit.NewID()
		for _, root := range []aggregate.Root{{UUID: id, Version: 3}, {UUID: id}, {Version: 3}} {
			err := b.cars.Save(t.Context(), &Car{Root: root})
			if err == nil || !strings.Contains(err.Error(), "not loaded") {
				t.Errorf("%+v: got %v", root, err)
			}
		}
	})
	t.Run("refuses a stale entity, stores nothing of it and keeps what was decided", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		first := b.create(t, "AB 1")
		second, err := b.cars.Get(t.Context(), first.UUID)
		if err != nil {
			t.Fatal(err)
		}
		first.Doors, second.Plate = 3, "XY 2"
		if err := b.cars.Save(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		err = b.cars.Save(t.Context(), second)
		conflict, ok := errors.AsType[*aggregate.ConflictError](err)
		if !ok || conflict.ID != first.UUID || conflict.Version != 2 {
			t.Fatalf("got %v", err)
		}
		if second.Version != 1 || second.Plate != "XY 2" {
			t.Errorf("the stale entity is %+v", second)
		}
		if stored, _ := b.cars.Get(t.Context(), first.UUID); stored.Plate != "AB 1" || stored.Doors != 3 {
			t.Errorf("stored is %+v", stored)
		}
	})
}

func TestRepository_Delete(t *testing.T) {
	t.Parallel()
	b := setup(t)
	car := b.create(t, "AB 1")
	if err := b.cars.Delete(t.Context(), car); err != nil {
		t.Fatal(err)
	}
	_, err := b.cars.Get(t.Context(), car.UUID)
	gone, ok := errors.AsType[*aggregate.NotFoundError](err)
	if !ok || !gone.Deleted || gone.StatusCode() != 410 || !errors.Is(err, aggregate.ErrNotFound) {
		t.Errorf("a deleted car: %v", err)
	}
	events := b.events(t, car.UUID)
	if len(events) != 2 || events[1].Action != unit.Delete || string(events[1].Data) != "[]" {
		t.Errorf("the events are %+v", events)
	}
	if err := b.cars.Save(t.Context(), car); err == nil {
		t.Error("a deleted car was saved")
	}
}

func TestRepository_Get(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.cars.Get(t.Context(), unit.NewID())
	missing, ok := errors.AsType[*aggregate.NotFoundError](err)
	if !ok || missing.Deleted || missing.StatusCode() != 404 {
		t.Errorf("got %v", err)
	}
	owner := unit.NewID()
	car := &Car{Plate: "AB 1", Owner: aggregate.RefTo[Man](owner)}
	if err := b.cars.Create(t.Context(), car); err != nil {
		t.Fatal(err)
	}
	loaded, err := b.cars.Get(t.Context(), car.UUID)
	if err != nil || loaded.Owner.UUID != owner || loaded.Plate != "AB 1" || !loaded.CreatedAt.Equal(car.CreatedAt) {
		t.Errorf("loaded %+v, %v", loaded, err)
	}
}

func TestRepository_Refresh(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mine := b.create(t, "AB 1")
	yours, err := b.cars.Get(t.Context(), mine.UUID)
	if err != nil {
		t.Fatal(err)
	}
	yours.Doors = 5
	if err := b.cars.Save(t.Context(), yours); err != nil {
		t.Fatal(err)
	}
	mine.Plate = "not saved"
	if err := b.cars.Refresh(t.Context(), mine); err != nil {
		t.Fatal(err)
	}
	if mine.Doors != 5 || mine.Plate != "AB 1" || mine.Version != 2 {
		t.Errorf("refreshed to %+v", mine)
	}
	mine.Doors = 3
	if err := b.cars.Save(t.Context(), mine); err != nil {
		t.Errorf("save what was refreshed: %v", err)
	}
}

func TestRepository_Find(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.create(t, "AB 1")
	red := b.create(t, "AB 2")
	find := func(ctx context.Context, where ...query.Clause) (plates []string) {
		for car, err := range b.cars.Find(ctx, where...) {
			if err != nil {
				return append(plates, err.Error())
			}
			plates = append(plates, car.Plate)
		}
		return plates
	}
	if got := fmt.Sprint(find(t.Context())); got != "[AB 1 AB 2]" {
		t.Errorf("all: %s", got)
	}
	if got := fmt.Sprint(find(t.Context(), query.Equal("plate", "AB 2"), query.Equal("doors", 4.0))); got != "[AB 2]" {
		t.Errorf("by plate: %s", got)
	}
	if got := fmt.Sprint(find(t.Context(), query.Equal("wheels", 4))); got != `[find Car: Car has no field "wheels"]` {
		t.Errorf("by a field that is not there: %s", got)
	}
	w := unit.New(nil)
	ctx := unit.With(t.Context(), w)
	red.Plate = "AB 3"
	if err := b.cars.Save(ctx, red); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(find(ctx)); got != "[AB 1 AB 3]" {
		t.Errorf("inside a unit that has staged a change: %s", got)
	}
}

func TestRepository_unit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := unit.New(nil)
	ctx := unit.With(t.Context(), w)
	car := &Car{Plate: "AB 1"}
	if err := b.cars.Create(ctx, car); err != nil {
		t.Fatal(err)
	}
	staged, err := b.cars.Get(ctx, car.UUID)
	if err != nil || staged.Plate != "AB 1" {
		t.Fatalf("a read inside the unit sees %+v, %v", staged, err)
	}
	if _, err := b.cars.Get(t.Context(), car.UUID); !errors.Is(err, aggregate.ErrNotFound) {
		t.Errorf("a read outside the unit sees it before the commit: %v", err)
	}
	if entries, _, err := b.store.Pending(t.Context(), 0, 10); len(entries) > 0 || err != nil {
		t.Errorf("before the commit there is something to publish: %v, %v", entries, err)
	}
	staged.Plate = "AB 2"
	if err := b.cars.Save(ctx, staged); err != nil {
		t.Fatal(err)
	}
	if err := b.store.Commit(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if stored, err := b.cars.Get(t.Context(), car.UUID); err != nil || stored.Plate != "AB 2" || stored.Version != 2 {
		t.Errorf("stored is %+v, %v", stored, err)
	}
	if entries, _, err := b.store.Pending(t.Context(), 0, 10); len(entries) != 2 || err != nil {
		t.Errorf("after the commit there are %v to publish, %v", entries, err)
	}
}

type sameName struct {
	aggregate.Root
	Number string `json:"uuid"`
}

type noTopic struct {
	aggregate.Root
	Size string `json:"größe"`
}

func TestNewRepository(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, unsendable := aggregate.NewRepository[noTopic](b.registry)
	_, twice := aggregate.NewRepository[Car](b.registry)
	_, embeds := aggregate.NewRepository[sameName](b.registry)
	for want, err := range map[string]error{
		"root entity Car has a repository already":                   twice,
		`"noTopicUpdated.größe", which is not the name of a topic`:   unsendable,
		`sameName.Number: the name "uuid" is taken by another field`: embeds,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	if got := strings.Join(b.registry.Topics(), " "); got != "CarCreated CarDeleted CarUpdated CarUpdated.doors CarUpdated.owner CarUpdated.plate" {
		t.Errorf("topics: %s", got)
	}
}
