package kafka

import (
	"log/slog"
	"sync"
	"sync/atomic"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// faults logs what a client of librdkafka complains of: each kind once until
// the client works again, since the library repeats itself every second.
type faults struct {
	logger *slog.Logger
	any    atomic.Bool

	mu   sync.Mutex
	seen map[ck.ErrorCode]bool
}

func newFaults(logger *slog.Logger, client string) *faults {
	return &faults{logger: logger.With("client", client), seen: map[ck.ErrorCode]bool{}}
}

func (f *faults) report(err ck.Error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen[err.Code()] {
		return
	}
	f.seen[err.Code()] = true
	f.any.Store(true)
	f.logger.Warn("kafka: fault", "error", err, "fatal", err.IsFatal())
}

// clear says that the client works. It costs nothing while there is no fault.
func (f *faults) clear() {
	if !f.any.Load() {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.seen)
	f.any.Store(false)
	f.logger.Info("kafka: works again")
}
