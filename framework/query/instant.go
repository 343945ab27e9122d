package query

import (
	"strings"
	"time"
)

// instant returns the microseconds since 1970 of a time as time.Time writes it:
// the year in four digits, a T, seconds to any fraction, Z or an offset below a
// day. Other forms are no times, so that every store agrees on which are.
func instant(text string) (micro int64, ok bool) {
	const form = "0000-00-00T00:00:00"
	if len(text) <= len(form) {
		return 0, false
	}
	for i := range len(form) {
		digit := text[i] >= '0' && text[i] <= '9'
		if form[i] == '0' && !digit || form[i] != '0' && text[i] != form[i] {
			return 0, false
		}
	}
	zone := text[len(form):]
	if zone[0] == '.' {
		zone = strings.TrimLeft(zone[1:], "0123456789")
		if text[len(text)-len(zone)-1] == '.' {
			return 0, false
		}
	}
	if zone != "Z" && !offset(zone) {
		return 0, false
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, false
	}
	return t.UnixMicro(), true
}

// offset reports whether text is +hh:mm or -hh:mm.
func offset(text string) bool {
	if len(text) != len("+00:00") || text[0] != '+' && text[0] != '-' {
		return false
	}
	_, err := time.Parse("15:04", text[1:])
	return err == nil
}
