package aggregate_test

import (
	"encoding/json"
	"strings"
	"testing"

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
