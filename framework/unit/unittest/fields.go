package unittest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/calendar"
	"github.com/minos-framework/minos-go/framework/domain"
	"github.com/minos-framework/minos-go/framework/query"
)

// parcel is a root with a field of every kind.
type parcel struct {
	aggregate.Root
	Count    int64                      `json:"count"`
	Small    uint8                      `json:"small"`
	Weight   float64                    `json:"weight"`
	Open     bool                       `json:"open"`
	Code     string                     `json:"code"`
	State    state                      `json:"state"`
	Price    exact                      `json:"price"`
	Day      calendar.Date              `json:"day"`
	Clock    calendar.TimeOfDay         `json:"clock"`
	Sent     time.Time                  `json:"sent"`
	Patience time.Duration              `json:"patience"`
	Seal     []byte                     `json:"seal"`
	Owner    *aggregate.Ref[keeper]     `json:"owner"`
	Nobody   *aggregate.Ref[keeper]     `json:"nobody"`
	Address  address                    `json:"address"`
	Items    domain.EntitySet[item]     `json:"items"`
	Tags     domain.ValueSet[string]    `json:"tags"`
	None     domain.ValueSet[address]   `json:"none"`
	Notes    []string                   `json:"notes"`
	Fees     map[string]exact           `json:"fees"`
	Extra    map[string]json.RawMessage `json:"extra"`
	Any      any                        `json:"any"`
}

type (
	keeper  struct{ aggregate.External }
	state   string
	address struct {
		City string `json:"city"`
	}
	item struct {
		domain.Entity
		Name  string `json:"name"`
		Price exact  `json:"price"`
	}
)

func (state) Values() []state { return []state{"new", "sent"} }

// exact is a decimal: the text of one.
type exact string

func (e exact) Rat() *big.Rat {
	r, _ := new(big.Rat).SetString(string(e))
	return r
}

func (e exact) MarshalText() ([]byte, error) { return []byte(e), nil }

func (e *exact) UnmarshalText(text []byte) error {
	if *e = exact(text); e.Rat() == nil {
		return errors.New("it is no decimal")
	}
	return nil
}

func newParcel() *parcel {
	return &parcel{
		Count: 1<<53 + 1, Small: 255, Weight: 1e-7, Open: true, Code: "ü\u2028\\u0000 <&>", State: "new",
		Price: "12345678901234567890.10", Day: calendar.NewDate(2026, time.May, 17),
		Clock:    calendar.NewTimeOfDay(90 * time.Minute),
		Sent:     time.Date(2026, 5, 17, 10, 0, 0, 123_456_000, time.FixedZone("", 2*3600)),
		Patience: time.Minute, Seal: []byte{0, 1, 255}, Owner: aggregate.RefTo[keeper](uuid.New()),
		Address: address{City: "Turin"}, Items: domain.NewEntitySet(&item{Name: "nut", Price: "0.30"}, &item{Price: "1"}),
		Tags: domain.NewValueSet("b", "a", "b"), Notes: []string{"fragile", ""}, Fees: map[string]exact{"toll": "2.50"},
		Extra: map[string]json.RawMessage{"big": json.RawMessage("9007199254740993")},
		Any:   []any{json.Number("9007199254740993"), nil, map[string]any{"z": "a", "a": true}},
	}
}

// runFields holds every kind of field to be the same in every store.
func runFields(t *testing.T, open Opener) {
	test(t, open, "gives every kind of field back as it was, which is no change", func(t *testing.T, s Store) {
		parcels, made := keepParcel(t, s)
		got, err := parcels.Get(t.Context(), made.UUID)
		if err != nil {
			t.Fatal(err)
		}
		if got.Count != made.Count || got.Code != made.Code || got.Price != made.Price || !got.Sent.Equal(made.Sent) ||
			got.Owner.UUID != made.Owner.UUID || got.Nobody != nil || !got.Items.Equal(&made.Items) ||
			!got.Tags.Equal(&made.Tags) || got.None.Len() != 0 || fmt.Sprint(got.Any) != fmt.Sprint(made.Any) {
			t.Errorf("it was %+v\nand is %+v", made, got)
		}
		if err := parcels.Save(t.Context(), got); err != nil || got.Version != 1 {
			t.Errorf("saved unchanged it has version %d, %v", got.Version, err)
		}
	})
	test(t, open, "finds every kind of field by its value", func(t *testing.T, s Store) {
		parcels, made := keepParcel(t, s)
		for i, where := range []query.Condition{
			query.Equal("count", made.Count), query.Equal("small", 255), query.Equal("weight", made.Weight),
			query.Equal("open", true), query.Equal("code", made.Code), query.Equal("state", made.State),
			query.Equal("price", exact("12345678901234567890.1")), query.Greater("price", exact("12345678901234567890")),
			query.Equal("day", made.Day), query.Lower("day", made.Day.AddDays(1)),
			query.Greater("clock", calendar.NewTimeOfDay(time.Hour)), query.Equal("sent", made.Sent.UTC()),
			query.Equal("patience", time.Minute), query.Equal("owner", made.Owner.UUID), query.Equal("nobody", nil),
			query.Equal("address.city", "Turin"), query.Contains("tags", []string{"a"}),
			query.Lower("fees.toll", exact("2.6")), query.Equal("extra.big", json.Number("9007199254740993")),
		} {
			found := 0
			for _, err := range parcels.Find(t.Context(), where) {
				if err != nil {
					t.Errorf("condition %d: %v", i, err)
				}
				found++
			}
			if found != 1 {
				t.Errorf("condition %d finds %d parcels", i, found)
			}
		}
	})
}

func keepParcel(t *testing.T, s Store) (*aggregate.Repository[parcel], *parcel) {
	t.Helper()
	parcels, err := aggregate.NewRepository[parcel](aggregate.NewRegistry(s), aggregate.Named("Parcel"))
	if err != nil {
		t.Fatal(err)
	}
	made := newParcel()
	if err := parcels.Create(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	return parcels, made
}
