package domain

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Reason says what is wrong with a field.
type Reason string

// What may be wrong with a field. The texts are part of what callers see.
const (
	Missing    Reason = "missing"    // there is none, or null where there must be a value
	Mistyped   Reason = "mistyped"   // another type of JSON, or a number that does not fit
	Unparsable Reason = "unparsable" // the right type of JSON, but not a text of the field's type
	Invalid    Reason = "invalid"    // a value of the field's type that a rule refuses
)

// FieldError says what is wrong with one field.
type FieldError struct {
	// Path leads to the field from the top: "lines[2].price". Empty is the top.
	Path   string
	Reason Reason
	Err    error // what the rule or the parser says
}

// Error names the field and what is wrong with it.
func (e *FieldError) Error() string {
	path := e.Path
	if path == "" {
		path = "the object"
	}
	if e.Reason == Missing {
		return path + " is missing"
	}
	return fmt.Sprintf("%s is %s: %s", path, e.Reason, e.Err)
}

// Unwrap returns what the rule or the parser says.
func (e *FieldError) Unwrap() error { return e.Err }

// FieldErrors is everything that is wrong with an entity or a request. It is
// never empty.
type FieldErrors []*FieldError

// Error lists the fields.
func (e FieldErrors) Error() string {
	texts := make([]string, len(e))
	for i, one := range e {
		texts[i] = one.Error()
	}
	return strings.Join(texts, "; ")
}

// Unwrap returns the fields' errors.
func (e FieldErrors) Unwrap() []error {
	all := make([]error, len(e))
	for i, one := range e {
		all[i] = one
	}
	return all
}

// StatusCode is 400: who asked can mend it.
func (FieldErrors) StatusCode() int { return http.StatusBadRequest }

var (
	errMissing  = errors.New("a value is wanted")
	errNotText  = errors.New("the text is not UTF-8, or holds a NUL")
	errNotFinal = errors.New("NaN and infinities are not numbers of JSON")
	errTooDeep  = errors.New("it is nested too deep to be read again, or holds itself")
	errNotEnum  = errors.New("it is none of the values that its type lists")
)

// place is where a value is, from the top. It is written out only for errors.
type place struct {
	up    *place
	name  string // of a member, or empty for an element
	index int
}

func (p *place) String() string {
	if p == nil {
		return ""
	}
	up := p.up.String()
	switch {
	case p.name == "":
		return fmt.Sprintf("%s[%d]", up, p.index)
	case up == "":
		return p.name
	}
	return up + "." + p.name
}
