package calendar_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/minos-framework/minos-go/framework/calendar"
)

func TestDate(t *testing.T) {
	t.Parallel()
	t.Run("is a day in whatever zone its instant was", func(t *testing.T) {
		t.Parallel()
		late := time.Date(2026, 5, 17, 23, 30, 0, 0, time.FixedZone("", -5*3600))
		d := calendar.DateOf(late)
		if d != calendar.NewDate(2026, time.May, 17) || calendar.DateOf(late.UTC()) != d.AddDays(1) {
			t.Errorf("it is %s", d)
		}
	})
	t.Run("begins with the first day there is", func(t *testing.T) {
		t.Parallel()
		var zero calendar.Date
		if zero.String() != "0001-01-01" || zero != calendar.NewDate(1, 1, 1) {
			t.Errorf("it is %s", zero)
		}
	})
	t.Run("counts days, whatever months and leap years lie between", func(t *testing.T) {
		t.Parallel()
		d := calendar.NewDate(2024, time.February, 28)
		if d.AddDays(2).String() != "2024-03-01" || calendar.NewDate(2024, 2, 31).String() != "2024-03-02" ||
			calendar.NewDate(2025, 2, 28).DaysSince(d) != 366 || !d.Before(d.AddDays(1)) || d.Before(d) {
			t.Error("the days are counted wrongly")
		}
	})
	t.Run("refuses days that do not exist and texts that are none", func(t *testing.T) {
		t.Parallel()
		for _, text := range []string{"", "2026-02-30", "2026-5-17", "17/05/2026", "2026-05-17T00:00:00Z", "10000-01-01"} {
			var d calendar.Date
			if err := d.UnmarshalText([]byte(text)); err == nil {
				t.Errorf("%q was read as %s", text, d)
			}
		}
		if data, err := json.Marshal(calendar.NewDate(10000, 1, 1)); err == nil {
			t.Errorf("a year beyond 9999 is written as %s", data)
		}
	})
	t.Run("is read as it was written, and in the order of days", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			days := rapid.IntRange(-366, 3_652_000)
			a, b := (calendar.Date{}).AddDays(days.Draw(t, "a")), (calendar.Date{}).AddDays(days.Draw(t, "b"))
			var again calendar.Date
			if err := again.UnmarshalText([]byte(a.String())); err != nil || again != a {
				t.Fatalf("%s was read as %s, %v", a, again, err)
			}
			if (a.String() < b.String()) != a.Before(b) || a.AddDays(b.DaysSince(a)) != b {
				t.Fatalf("%s and %s", a, b)
			}
			if calendar.DateOf(a.Time(time.UTC)) != a {
				t.Fatalf("%s begins at %s", a, a.Time(time.UTC))
			}
		})
	})
}

func TestTimeOfDay(t *testing.T) {
	t.Parallel()
	t.Run("is what the clock shows", func(t *testing.T) {
		t.Parallel()
		c := calendar.TimeOfDayOf(time.Date(2026, 5, 17, 15, 4, 5, 250_000_000, time.FixedZone("", 3600)))
		if c.String() != "15:04:05.25" || c.SinceMidnight() != 15*time.Hour+4*time.Minute+5250*time.Millisecond {
			t.Errorf("it is %s", c)
		}
		if calendar.NewTimeOfDay(-time.Hour).String() != "23:00:00" || (calendar.TimeOfDay{}).String() != "00:00:00" {
			t.Error("it does not begin again at midnight")
		}
	})
	t.Run("refuses times that no clock shows and texts that are none", func(t *testing.T) {
		t.Parallel()
		for _, text := range []string{"", "24:00:00", "12:60:00", "5:04:05.5", "12:00", "12:00:00.0000000001", "noon"} {
			var c calendar.TimeOfDay
			if err := c.UnmarshalText([]byte(text)); err == nil {
				t.Errorf("%q was read as %s", text, c)
			}
		}
	})
	t.Run("is read as it was written, and in the order of the clock", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			times := rapid.Int64Range(0, int64(24*time.Hour)-1)
			a := calendar.NewTimeOfDay(time.Duration(times.Draw(t, "a")))
			b := calendar.NewTimeOfDay(time.Duration(times.Draw(t, "b")))
			var again calendar.TimeOfDay
			if err := again.UnmarshalText([]byte(a.String())); err != nil || again != a {
				t.Fatalf("%s was read as %s, %v", a, again, err)
			}
			if (a.String() < b.String()) != a.Before(b) {
				t.Fatalf("%s and %s", a, b)
			}
		})
	})
}

func Example() {
	var opening struct {
		Day   calendar.Date      `json:"day"`
		Clock calendar.TimeOfDay `json:"clock"`
	}
	err := json.Unmarshal([]byte(`{"day":"2026-05-17","clock":"09:30:00"}`), &opening)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(opening.Day.AddDays(30), opening.Clock.Before(calendar.NewTimeOfDay(12*time.Hour)))
	// Output: 2026-06-16 true
}
