package aggregate_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/unit"
)

func TestMessages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	car := b.create(t, "AB 1")
	car.Plate, car.Doors = "AB 2", 5
	if err := b.cars.Save(t.Context(), car); err != nil {
		t.Fatal(err)
	}
	if err := b.cars.Delete(t.Context(), car); err != nil {
		t.Fatal(err)
	}
	want := []string{"CarCreated", "CarUpdated CarUpdated.plate CarUpdated.doors", "CarDeleted"}
	for i, e := range b.events(t, car.UUID) {
		messages, err := aggregate.Messages(e)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := aggregate.Messages(e)
		var topics []string
		for j, m := range messages {
			topics = append(topics, m.Topic)
			if m.Key != car.UUID.String() || m.ID != again[j].ID {
				t.Errorf("%s: key %s, IDs %s and %s", m.Topic, m.Key, m.ID, again[j].ID)
			}
		}
		if got := strings.Join(topics, " "); got != want[i] {
			t.Errorf("event %d is published on %s", i+1, got)
		}
	}
}

func TestMessages_faults(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]unit.Event{
		"an unknown action":       {Action: "merge", Data: json.RawMessage("[]")},
		"data that is not a list": {Action: unit.Create, Data: json.RawMessage("{}")},
		"a field without a name":  {Action: unit.Update, Data: json.RawMessage("[7]")},
	} {
		if _, err := aggregate.Messages(e); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestField(t *testing.T) {
	t.Parallel()
	b := setup(t)
	car := b.create(t, "AB 1")
	car.Doors = 2
	if err := b.cars.Save(t.Context(), car); err != nil {
		t.Fatal(err)
	}
	messages, err := aggregate.Messages(b.events(t, car.UUID)[1])
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		var e aggregate.Event[Car]
		if err := json.Unmarshal(m.Content, &e); err != nil {
			t.Fatal(err)
		}
		doors, ok := aggregate.Field[int](e, "doors")
		if !ok || doors != 2 || e.UUID != car.UUID || e.Name != "Car" ||
			e.Version != 2 || e.Action != unit.Update || !e.CreatedAt.Equal(car.UpdatedAt) {
			t.Errorf("%s holds %+v", m.Topic, e)
		}
		if _, ok := aggregate.Field[string](e, "doors"); ok {
			t.Error("a number was read as a text")
		}
		if _, ok := aggregate.Field[string](e, "plate"); ok {
			t.Error("a field that did not change is in the event")
		}
	}
}

type resolver map[uuid.UUID]json.RawMessage

func (r resolver) Resolve(context.Context, string, []uuid.UUID) (map[uuid.UUID]json.RawMessage, error) {
	return r, nil
}

func TestRef_Get(t *testing.T) {
	t.Parallel()
	id := unit.NewID()
	ctx := aggregate.WithResolver(t.Context(), resolver{id: json.RawMessage(`{"uuid":"` + id.String() + `","version":3,"name":"Ann","age":7}`)})
	t.Run("asks the context's resolver", func(t *testing.T) {
		t.Parallel()
		man, err := aggregate.RefTo[Man](id).Get(ctx)
		if err != nil || man.Name != "Ann" || man.UUID != id || man.Version != 3 {
			t.Errorf("got %+v, %v", man, err)
		}
	})
	t.Run("is nothing for a reference to nothing", func(t *testing.T) {
		t.Parallel()
		var none *aggregate.Ref[Man]
		if man, err := none.Get(ctx); man != nil || err != nil {
			t.Errorf("got %+v, %v", man, err)
		}
	})
	t.Run("says what was not found", func(t *testing.T) {
		t.Parallel()
		if _, err := aggregate.RefTo[Man](unit.NewID()).Get(ctx); !errors.Is(err, aggregate.ErrNotFound) {
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

func TestRegistry_Objects(t *testing.T) {
	t.Parallel()
	b := setup(t)
	car := b.create(t, "AB 1")
	objects, err := b.registry.Objects(t.Context(), "Car", []uuid.UUID{car.UUID})
	if err != nil {
		t.Fatal(err)
	}
	var got Car
	if err := json.Unmarshal(objects[0], &got); err != nil || got.UUID != car.UUID || got.Version != 1 || got.Plate != "AB 1" {
		t.Errorf("got %s, %v", objects[0], err)
	}
	if _, err := b.registry.Objects(t.Context(), "Car", []uuid.UUID{unit.NewID()}); !errors.Is(err, aggregate.ErrNotFound) {
		t.Errorf("a missing one: %v", err)
	}
}
