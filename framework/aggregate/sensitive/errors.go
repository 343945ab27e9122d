package sensitive

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/minos-framework/minos-go/framework/domain"
	"github.com/minos-framework/minos-go/framework/privacy"
)

// SubjectError says that what a sensitive field is to hold cannot be sealed.
type SubjectError struct {
	Field string // its JSON name
	Err   error  // privacy.ErrForgotten, or what is wrong with the field that names the subject
}

// Error names the field.
func (e *SubjectError) Error() string { return fmt.Sprintf("%s is sensitive: %s", e.Field, e.Err) }

// Unwrap returns the cause.
func (e *SubjectError) Unwrap() error { return e.Err }

// StatusCode is 410 when the subject was forgotten, and 422 for what is wrong
// with the request.
func (e *SubjectError) StatusCode() int {
	if errors.Is(e.Err, privacy.ErrForgotten) {
		return http.StatusGone
	}
	return http.StatusUnprocessableEntity
}

// Excuse leaves out what the rules say of fields that were forgotten.
func Excuse(forgotten []string, err error) error {
	faults, ok := errors.AsType[domain.FieldErrors](err)
	if !ok || len(forgotten) == 0 {
		return err
	}
	faults = slices.DeleteFunc(slices.Clone(faults), func(f *domain.FieldError) bool {
		return slices.ContainsFunc(forgotten, func(name string) bool {
			rest, ok := strings.CutPrefix(f.Path, name)
			return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
		})
	})
	if len(faults) == 0 {
		return nil
	}
	return faults
}
