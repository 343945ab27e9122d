package aggregate

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/unit"
)

// ConflictError is returned by writes of an aggregate that another writer
// changed first. Nothing was stored.
type ConflictError = unit.ConflictError

// ErrNotFound is returned by a Reader that has no such aggregate, and matched by
// every *NotFoundError.
var ErrNotFound = errors.New("not found")

// NotFoundError says that there is no such aggregate; it matches ErrNotFound.
type NotFoundError struct {
	Name string
	ID   uuid.UUID // zero when it was not asked for by id
	// Deleted says that the aggregate existed and was deleted.
	Deleted bool
}

// Error names the aggregate.
func (e *NotFoundError) Error() string {
	if e.Deleted {
		return fmt.Sprintf("%s %s was deleted", e.Name, e.ID)
	}
	if e.ID == uuid.Nil {
		return fmt.Sprintf("no %s was found", e.Name)
	}
	return fmt.Sprintf("%s %s was not found", e.Name, e.ID)
}

// Is reports whether target is ErrNotFound.
func (e *NotFoundError) Is(target error) bool { return target == ErrNotFound }

// StatusCode is 410 for an aggregate that was deleted and 404 for another.
func (e *NotFoundError) StatusCode() int {
	if e.Deleted {
		return http.StatusGone
	}
	return http.StatusNotFound
}
