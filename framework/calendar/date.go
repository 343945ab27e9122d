// Package calendar has dates without a time and times without a date, which the
// fields of entities and requests may be.
package calendar

import (
	"encoding"
	"fmt"
	"time"
)

// Date is a day of the calendar, without a time zone. It is stored as the text
// "2026-05-17", whose order is that of days. Its zero value is the 1st of
// January of year 1; dates are compared with ==.
type Date struct {
	days int32 // since the zero value
}

var (
	_ encoding.TextMarshaler   = Date{}
	_ encoding.TextUnmarshaler = (*Date)(nil)
)

// NewDate returns a date; months and days beyond their ends are normalised, as
// time.Date does. It is within the years 0 to 9999, or its encoding is an
// error.
func NewDate(year int, month time.Month, day int) Date {
	return dateOf(time.Date(year, month, day, 0, 0, 0, 0, time.UTC))
}

// DateOf returns the date of an instant in its own location.
func DateOf(t time.Time) Date {
	year, month, day := t.Date()
	return NewDate(year, month, day)
}

func dateOf(t time.Time) Date {
	return Date{days: int32((t.Unix() - time.Time{}.Unix()) / secondsPerDay)}
}

const secondsPerDay = 24 * 60 * 60

// Time returns the instant at which the date begins in a location.
func (d Date) Time(in *time.Location) time.Time {
	year, month, day := d.utc().Date()
	return time.Date(year, month, day, 0, 0, 0, 0, in)
}

func (d Date) utc() time.Time {
	return time.Unix(time.Time{}.Unix()+int64(d.days)*secondsPerDay, 0).UTC()
}

// AddDays returns the date some days later, or earlier.
func (d Date) AddDays(n int) Date { return Date{days: d.days + int32(n)} }

// DaysSince returns how many days d is after other.
func (d Date) DaysSince(other Date) int { return int(d.days) - int(other.days) }

// Before reports whether d is an earlier day than other.
func (d Date) Before(other Date) bool { return d.days < other.days }

// String returns the date as in 2026-05-17.
func (d Date) String() string { return d.utc().Format(time.DateOnly) }

// MarshalText returns the date as in 2026-05-17.
func (d Date) MarshalText() ([]byte, error) {
	if year := d.utc().Year(); year < 0 || year > 9999 {
		return nil, fmt.Errorf("year %d of a date is not within 0 to 9999", year)
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads a date as in 2026-05-17, which must exist.
func (d *Date) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.DateOnly, string(text))
	if err != nil {
		return fmt.Errorf("%.40q is not a date such as 2026-05-17", text)
	}
	*d = dateOf(t)
	return nil
}
