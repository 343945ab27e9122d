package kafka

import (
	"log/slog"
	"sync"
	"sync/atomic"

	ck "github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// faults logs what a client of librdkafka complains of: each kind once until
// the client works again, since the library repeats itself every second, and
// each missing topic once.
type faults struct {
	logger *slog.Logger
	any    atomic.Bool // whether seen holds any

	mu      sync.Mutex
	seen    map[ck.ErrorCode]bool
	missing map[string]bool // by the text, which names the topic
}

func newFaults(logger *slog.Logger, client string) *faults {
	return &faults{
		logger: logger.With("client", client), seen: map[ck.ErrorCode]bool{}, missing: map[string]bool{},
	}
}

func (f *faults) report(err ck.Error) {
	if f.isNew(err) {
		f.logger.Warn("kafka: fault", "error", err, "fatal", err.IsFatal())
	}
}

func (f *faults) isNew(err ck.Error) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err.Code() == ck.ErrUnknownTopicOrPart { // the other topics flow
		known := f.missing[err.String()]
		f.missing[err.String()] = true
		return !known
	}
	known := f.seen[err.Code()]
	f.seen[err.Code()] = true
	f.any.Store(true)
	return !known
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
