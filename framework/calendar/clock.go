package calendar

import (
	"encoding"
	"fmt"
	"time"
)

// TimeOfDay is a time on the clock, to the nanosecond, without a day or a time
// zone. It is stored as the text "15:04:05" or "15:04:05.25", whose order is
// that of the clock. Its zero value is midnight; times are compared with ==.
type TimeOfDay struct {
	nanoseconds int64 // since midnight
}

var (
	_ encoding.TextMarshaler   = TimeOfDay{}
	_ encoding.TextUnmarshaler = (*TimeOfDay)(nil)
)

const day = secondsPerDay * int64(time.Second)

// NewTimeOfDay returns the time that is d after midnight; beyond a day it begins
// again.
func NewTimeOfDay(d time.Duration) TimeOfDay {
	return TimeOfDay{nanoseconds: (int64(d)%day + day) % day}
}

// TimeOfDayOf returns what the clock shows at an instant in its own location.
func TimeOfDayOf(t time.Time) TimeOfDay {
	hour, minute, second := t.Clock()
	return TimeOfDay{nanoseconds: int64(hour)*int64(time.Hour) + int64(minute)*int64(time.Minute) +
		int64(second)*int64(time.Second) + int64(t.Nanosecond())}
}

// SinceMidnight returns the time as a distance from midnight.
func (t TimeOfDay) SinceMidnight() time.Duration { return time.Duration(t.nanoseconds) }

// Before reports whether t is earlier on the clock than other.
func (t TimeOfDay) Before(other TimeOfDay) bool { return t.nanoseconds < other.nanoseconds }

// String returns the time as in 15:04:05.25.
func (t TimeOfDay) String() string {
	return time.Time{}.Add(time.Duration(t.nanoseconds)).Format("15:04:05.999999999")
}

// MarshalText returns the time as in 15:04:05.25.
func (t TimeOfDay) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads a time as in 15:04:05, with or without a fraction.
func (t *TimeOfDay) UnmarshalText(text []byte) error {
	parsed, err := time.Parse(time.TimeOnly, string(text))
	if err != nil || len(text) > len("15:04:05.999999999") || len(text) < len(time.TimeOnly) || text[2] != ':' {
		return fmt.Errorf("%.40q is not a time such as 15:04:05", text)
	}
	*t = TimeOfDayOf(parsed)
	return nil
}
