package sensitive

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/minos-framework/minos-go/framework/aggregate/history"
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

// Is reports whether target is history.ErrUnsealable: the trouble is the
// entity's own.
func (e *SubjectError) Is(target error) bool { return target == history.ErrUnsealable }

// StatusCode is 410 when the subject was forgotten, and 422 for what is wrong
// with the request.
func (e *SubjectError) StatusCode() int {
	if errors.Is(e.Err, privacy.ErrForgotten) {
		return http.StatusGone
	}
	return http.StatusUnprocessableEntity
}

// Excuse leaves out what the rules say of fields of an entity that were forgotten
// and are empty still. The rule of the whole entity holds: it is asked here, since
// it is not asked of one that has faults.
func (s *Fields) Excuse(entity any, forgotten []string, err error) error {
	faults, ok := errors.AsType[domain.FieldErrors](err)
	if !ok || s == nil || len(forgotten) == 0 {
		return err
	}
	values, unwritable := s.shape.Encode(entity)
	if unwritable != nil {
		return err
	}
	left := slices.DeleteFunc(slices.Clone(faults), func(f *domain.FieldError) bool {
		return slices.ContainsFunc(forgotten, func(name string) bool {
			rest, ok := strings.CutPrefix(f.Path, name)
			i := s.Index(name)
			return ok && (rest == "" || rest[0] == '.' || rest[0] == '[') && i >= 0 && bytes.Equal(values[i], s.fields[i].empty)
		})
	})
	if len(left) > 0 {
		return left
	}
	if whole, ok := entity.(interface{ Validate() error }); ok {
		if err := whole.Validate(); err != nil {
			return domain.FieldErrors{{Reason: domain.Invalid, Err: err}}
		}
	}
	return nil
}
