package aggregate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/calendar"
	"github.com/minos-framework/minos-go/framework/domain"
	"github.com/minos-framework/minos-go/framework/memory"
)

// Wagon is a root with rules.
type Wagon struct {
	aggregate.Root
	Plate   string                 `json:"plate"`
	Class   Class                  `json:"class" default:"second"`
	Price   decimal.Decimal        `json:"price" default:"9.90"`
	Mileage int64                  `json:"mileage" default:"0"`
	Slope   float64                `json:"slope,omitempty"`
	Built   calendar.Date          `json:"built,omitzero"`
	Seats   domain.EntitySet[Seat] `json:"seats"`
	Owner   *aggregate.Ref[Man]    `json:"owner"`
}

// Class is an enum.
type Class string

// Values lists the classes.
func (Class) Values() []Class { return []Class{"first", "second"} }

// Seat is an entity of a wagon.
type Seat struct {
	domain.Entity
	Number int `json:"number"`
}

// ParsePlate makes one form of what people write.
func (*Wagon) ParsePlate(raw json.RawMessage) (string, error) {
	var text string
	err := json.Unmarshal(raw, &text)
	return strings.ToUpper(text), err
}

// ValidatePlate says what a plate is.
func (*Wagon) ValidatePlate(plate string) error {
	if plate == "" {
		return errors.New("a wagon has a plate")
	}
	return nil
}

func wagons(t testing.TB) (*memory.Store, *aggregate.Repository[Wagon]) {
	t.Helper()
	store, err := memory.Open(t.Context(), memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	repository, err := aggregate.NewRepository[Wagon](aggregate.NewRegistry(store))
	if err != nil {
		t.Fatal(err)
	}
	return store, repository
}

func TestRepository_Assign(t *testing.T) {
	t.Parallel()
	t.Run("makes an entity of a request, and everything of it is stored", func(t *testing.T) {
		t.Parallel()
		_, repository := wagons(t)
		owner := uuid.New()
		wagon := &Wagon{}
		err := repository.Assign(wagon, fmt.Appendf(nil, `{"plate":"ab 1","price":0.1,"mileage":9007199254740993,
			"seats":[{"number":4}],"owner":"%s","version":7,"uuid":"%s"}`, owner, owner))
		if err == nil {
			err = repository.Create(t.Context(), wagon)
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := repository.Get(t.Context(), wagon.UUID)
		if err != nil {
			t.Fatal(err)
		}
		if got.UUID == owner || got.Version != 1 || got.Plate != "AB 1" || got.Class != "second" ||
			!got.Price.Equal(decimal.RequireFromString("0.1")) || got.Mileage != 1<<53+1 || got.Owner.UUID != owner {
			t.Errorf("it is %+v", got)
		}
		for seat := range got.Seats.All() {
			if seat.Number != 4 || seat.UUID == uuid.Nil {
				t.Errorf("the seat is %+v", seat)
			}
		}
	})
	t.Run("tells all that is wrong, as a bad request, and leaves the old values", func(t *testing.T) {
		t.Parallel()
		_, repository := wagons(t)
		wagon := &Wagon{Plate: "AB 1"}
		err := repository.Assign(wagon, json.RawMessage(
			`{"plate":"","class":"third","owner":"me","seats":[{"number":"a"}]}`))
		faults, ok := errors.AsType[domain.FieldErrors](err)
		if !ok || len(faults) != 4 || faults[3].Path != "owner" && faults[2].Path != "owner" || wagon.Plate != "AB 1" {
			t.Errorf("the error is %v, and it is %+v", err, wagon)
		}
		var coder interface{ StatusCode() int }
		if !errors.As(err, &coder) || coder.StatusCode() != http.StatusBadRequest {
			t.Errorf("the status of %v", err)
		}
	})
}

func TestRepository_Merge(t *testing.T) {
	t.Parallel()
	_, repository := wagons(t)
	wagon := &Wagon{Plate: "AB 1", Class: "first", Mileage: 4}
	if err := repository.Create(t.Context(), wagon); err != nil {
		t.Fatal(err)
	}
	if err := repository.Merge(wagon, json.RawMessage(`{"mileage":5}`)); err != nil || wagon.Class != "first" {
		t.Errorf("it is %+v, %v", wagon, err)
	}
	if err := repository.Merge(wagon, json.RawMessage(`{"plate":""}`)); err == nil || wagon.Plate != "AB 1" {
		t.Errorf("it is %+v, %v", wagon, err)
	}
	if err := repository.Save(t.Context(), wagon); err != nil || wagon.Version != 2 {
		t.Errorf("it is %+v, %v", wagon, err)
	}
}

// TestRepository_rules holds every write to the rules of the fields, whoever
// set them.
func TestRepository_rules(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*Wagon){
		"a hook":               func(w *Wagon) { w.Plate = "" },
		"an enum":              func(w *Wagon) { w.Class = "third" },
		"a NaN":                func(w *Wagon) { w.Slope = math.NaN() },
		"a NUL":                func(w *Wagon) { w.Plate = "a\x00" },
		"text that is no text": func(w *Wagon) { w.Plate = "\xff" },
		"a year beyond 9999":   func(w *Wagon) { w.Built = calendar.NewDate(10000, time.January, 1) },
	} {
		t.Run("refuse "+name+" before anything is staged", func(t *testing.T) {
			t.Parallel()
			_, repository := wagons(t)
			wagon := &Wagon{Plate: "AB 1", Class: "first"}
			if err := repository.Create(t.Context(), wagon); err != nil {
				t.Fatal(err)
			}
			spoil(wagon)
			err := repository.Save(t.Context(), wagon)
			if _, ok := errors.AsType[domain.FieldErrors](err); !ok || wagon.Version != 1 {
				t.Errorf("it has version %d, %v", wagon.Version, err)
			}
			fresh := &Wagon{Plate: "AB 2", Class: "first"}
			spoil(fresh)
			err = repository.Create(t.Context(), fresh)
			if _, ok := errors.AsType[domain.FieldErrors](err); !ok || fresh.UUID != uuid.Nil {
				t.Errorf("it was created as %s, %v", fresh.UUID, err)
			}
			if got, err := repository.Get(t.Context(), wagon.UUID); err != nil || got.Plate != "AB 1" || got.Version != 1 {
				t.Errorf("stored is %+v, %v", got, err)
			}
		})
	}
	t.Run("give the entities of a set their uuids", func(t *testing.T) {
		t.Parallel()
		_, repository := wagons(t)
		wagon := &Wagon{Plate: "AB 1", Class: "first"}
		wagon.Seats.Add(&Seat{Number: 1}, &Seat{Number: 2})
		if err := repository.Create(t.Context(), wagon); err != nil {
			t.Fatal(err)
		}
		got, err := repository.Get(t.Context(), wagon.UUID)
		if err != nil || got.Seats.Len() != 2 || !got.Seats.Equal(&wagon.Seats) {
			t.Errorf("it is %+v, %v", got, err)
		}
	})
}

type hooked struct {
	aggregate.Root
	Name string `json:"name"`
}

func (hooked) ValidateNmae(string) error { return nil }

func TestNewRepository_hooks(t *testing.T) {
	t.Parallel()
	store, err := memory.Open(t.Context(), memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = aggregate.NewRepository[hooked](aggregate.NewRegistry(store))
	want := "hooked.ValidateNmae: aggregate_test.hooked has no stored field Nmae"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the error is %v", err)
	}
}

func ExampleRepository_Assign() {
	store, err := memory.Open(context.Background(), memory.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	repository, err := aggregate.NewRepository[Wagon](aggregate.NewRegistry(store))
	if err != nil {
		fmt.Println(err)
		return
	}
	wagon := &Wagon{}
	fmt.Println(repository.Assign(wagon, json.RawMessage(`{"plate":"ab 1"}`)), wagon.Plate, wagon.Class, wagon.Price)
	fmt.Println(repository.Merge(wagon, json.RawMessage(`{"mileage":"far"}`)))
	// Output:
	// <nil> AB 1 second 9.9
	// merge into Wagon: mileage is mistyped: "far" does not fit int64
}
