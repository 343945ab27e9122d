package saga

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/unit"
)

// Store is where executions are kept. They are written through unit.Work.
type Store interface {
	unit.Store
	// Saga returns the row of an execution, with Timeout and Log left out, or
	// ErrNotFound.
	Saga(ctx context.Context, id uuid.UUID) (unit.Saga, error)
	// DueSagas returns at most limit executions whose deadline has passed by
	// the store's clock, the earliest first.
	DueSagas(ctx context.Context, limit int) ([]uuid.UUID, error)
	// SagaLog returns the history of an execution, oldest first.
	SagaLog(ctx context.Context, id uuid.UUID) ([]LogEntry, error)
}

// LogEntry is one entry of an execution's history.
type LogEntry struct {
	At   time.Time // by the store's clock
	Data []byte    // the JSON value that was logged
}

// ErrNotFound is returned by a Store that has no such execution.
var ErrNotFound = errors.New("saga not found")
