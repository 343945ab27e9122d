// Package servicelog reads the lines that services log, which are objects of
// JSON as log/slog writes them, and shows them to people.
package servicelog

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Record is one line of a service's log.
type Record struct {
	Time    string // as it was written; empty without one
	Level   string // DEBUG, INFO, WARN or ERROR; empty without one
	Message string
	// Attributes are all else, in the order of the line.
	Attributes []Attribute
}

// Attribute is a key of a Record and its value.
type Attribute struct {
	Key   string
	Value json.RawMessage
}

// Parse reads a line. It returns false for one that is no object of JSON with a
// message, as what a panic prints.
func Parse(line string) (Record, bool) {
	if !json.Valid([]byte(line)) {
		return Record{}, false
	}
	decoder := json.NewDecoder(strings.NewReader(line))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return Record{}, false
	}
	var r Record
	found := false
	for decoder.More() {
		var value json.RawMessage
		key, err := decoder.Token()
		if err != nil || decoder.Decode(&value) != nil {
			return Record{}, false
		}
		switch key := key.(string); key { // an object's keys are strings
		case "time":
			r.Time = text(value)
		case "level":
			r.Level = text(value)
		case "msg":
			r.Message, found = text(value), true
		default:
			r.Attributes = append(r.Attributes, Attribute{Key: key, Value: value})
		}
	}
	return r, found
}

// Attribute returns a value as text, a string without its quotes. It is empty
// when the record has no such key.
func (r Record) Attribute(key string) string {
	for _, a := range r.Attributes {
		if a.Key == key {
			return text(a.Value)
		}
	}
	return ""
}

// Text shows the record in one line: its message and what belongs to it.
// The attributes named by without are left out.
func (r Record) Text(without ...string) string {
	var out strings.Builder
	out.WriteString(r.Message)
	for _, a := range r.Attributes {
		if !slices.Contains(without, a.Key) {
			out.WriteString(" " + a.Key + "=" + shown(a.Value))
		}
	}
	return out.String()
}

// Clock returns the time of day, as 15:04:05.000; empty without a time.
func (r Record) Clock() string {
	_, clock, found := strings.Cut(r.Time, "T")
	if !found || len(clock) < len("15:04:05") {
		return ""
	}
	return clock[:min(len(clock), len("15:04:05.000"))]
}

// text is a value without the quotes of a string.
func text(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	return string(value)
}

// shown is a value as it stands after its key: quoted where it has spaces.
func shown(value json.RawMessage) string {
	s := text(value)
	if s == "" || strings.ContainsAny(s, " \t\n\"") && value[0] == '"' {
		return string(bytes.TrimSpace(value))
	}
	return s
}
