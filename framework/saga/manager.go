package saga

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/unit"
)

// Config tunes a Manager.
type Config struct {
	// Service is the name of this service. It is needed where ReplyTopic is empty.
	Service string
	// ReplyTopic is where replies are sent to; all replicas of the service share
	// it. Empty means Service + "Reply".
	ReplyTopic string
	// Timeout is how long a remote step waits for its reply. Zero means 30
	// seconds.
	Timeout time.Duration
	// Attempts bounds how often a compensation is tried before the execution
	// needs attention. Zero means 10.
	Attempts int
	// Backoff is the pause before a failed compensation is tried again; each
	// further pause, and each further wait for its reply, is twice as long, up
	// to a minute. Zero means 200 milliseconds.
	Backoff time.Duration
	// Tick is how often Watch looks for deadlines. Zero means 250 milliseconds.
	Tick time.Duration
	// Logger gets what needs attention. Nil means slog.Default.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Service != "" {
		c.ReplyTopic = cmp.Or(c.ReplyTopic, c.Service+"Reply")
	}
	c.Timeout = cmp.Or(c.Timeout, 30*time.Second)
	c.Attempts = cmp.Or(c.Attempts, 10)
	c.Backoff = cmp.Or(c.Backoff, 200*time.Millisecond)
	c.Tick = cmp.Or(c.Tick, 250*time.Millisecond)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	return c
}

func (c Config) validate() error {
	var faults []error
	if c.ReplyTopic == "" {
		faults = append(faults, errors.New("Service: empty, and so is ReplyTopic"))
	}
	for name, d := range map[string]time.Duration{"Timeout": c.Timeout, "Backoff": c.Backoff, "Tick": c.Tick} {
		if d < 0 {
			faults = append(faults, fmt.Errorf("%s: negative", name))
		}
	}
	if c.Attempts < 0 {
		faults = append(faults, errors.New("Attempts: negative"))
	}
	return errors.Join(faults...)
}

// Manager starts executions and moves them on. NewManager makes one; it is
// safe for concurrent use, and several replicas of a service may each have one
// over the same store.
type Manager struct {
	store  Store
	config Config

	mu    sync.RWMutex
	plans map[key]*plan

	waits waits
	count counters
}

type key struct {
	name    string
	version int
}

// Stats counts what a manager has done since it was made.
type Stats struct {
	Started, Finished, Errored, NeedsAttention int64
	Stale                                      int64 // replies that nothing waited for
	Conflicts                                  int64 // transitions that were made again
}

type counters struct {
	started, finished, errored, attention, stale, conflicts atomic.Int64
}

// NewManager returns a manager of the executions in store. The service that
// has it subscribes to ReplyTopic and hands each message to Deliver, and runs
// Watch.
func NewManager(store Store, config Config) (*Manager, error) {
	config = config.withDefaults()
	if err := config.validate(); err != nil {
		return nil, fmt.Errorf("configure sagas: %w", err)
	}
	return &Manager{store: store, config: config, plans: map[key]*plan{}}, nil
}

// ReplyTopic is the topic whose messages belong to Deliver.
func (m *Manager) ReplyTopic() string { return m.config.ReplyTopic }

// Stats returns the counters.
func (m *Manager) Stats() Stats {
	return Stats{
		Started: m.count.started.Load(), Finished: m.count.finished.Load(), Errored: m.count.errored.Load(),
		NeedsAttention: m.count.attention.Load(), Stale: m.count.stale.Load(), Conflicts: m.count.conflicts.Load(),
	}
}

// Get returns what is known of an execution, or ErrNotFound.
func (m *Manager) Get(ctx context.Context, id uuid.UUID) (Execution, error) {
	row, err := m.store.Saga(ctx, id)
	if err != nil {
		return Execution{}, fmt.Errorf("read saga %s: %w", id, err)
	}
	s, err := parseState(row)
	if err != nil {
		return Execution{}, err
	}
	return s.execution(row), nil
}

// Register makes a definition known, by its name and version: it can be
// started, and executions that wait in the store can go on. Every fault of the
// definition is in the error, each with its place. It is called at start-up,
// before Deliver and Watch.
func Register[C any](m *Manager, d *Definition[C]) error {
	if d == nil || d.plan == nil {
		return errors.New("register saga: a definition is made by saga.New and Commit")
	}
	if err := d.plan.validate(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	k := key{d.plan.name, d.plan.version}
	if first, ok := m.plans[k]; ok {
		return fmt.Errorf("%s: saga %s: version %d is registered already, from %s", d.plan.place, k.name, k.version,
			first.place)
	}
	m.plans[k] = d.plan.clone()
	return nil
}

// Start starts an execution of d with the context c, and returns its id. In a
// unit of work it is part of the unit, and begins when that is committed;
// outside, it is committed when Start returns. The steps up to the first
// remote one are executed at once: when one of them fails, Start returns the
// id and a *FailedError; the execution is kept as the record of that, unless
// the unit is dropped.
func Start[C any](ctx context.Context, m *Manager, d *Definition[C], c C) (uuid.UUID, error) {
	p, data, err := prepare(m, d, c)
	if err != nil {
		return uuid.Nil, err
	}
	id := unit.NewID()
	var x *execution
	if w := unit.From(ctx); w != nil {
		x, err = m.create(ctx, w, p, id, data, travelling(w.Headers()))
	} else {
		x, err = m.createNow(ctx, p, id, data, nil)
	}
	if err != nil {
		return uuid.Nil, err
	}
	if x.status.Ended() {
		return id, x.view().failure()
	}
	return id, nil
}

// Run starts an execution of d with the context c and waits for its end. It
// returns the context as it was then, or a *FailedError when the saga failed,
// or a *PendingError when ctx ended first; the saga goes on then. A conflict
// that persists before the first remote step is a *unit.ConflictError.
//
// A handler may call it as long as it has staged nothing, and as it does not
// handle a message; anything else is ErrInsideUnit. The saga commits its own
// works, so the handler is pinned: it is not run again after a conflict.
func Run[C any](ctx context.Context, m *Manager, d *Definition[C], c C) (C, error) {
	var none C
	p, data, err := prepare(m, d, c)
	if err != nil {
		return none, err
	}
	var headers map[string]string
	if w := unit.From(ctx); w != nil {
		if !w.Empty() || insideCallback(ctx) {
			return none, fmt.Errorf("run saga %s: %w", p.name, ErrInsideUnit)
		}
		w.Pin()
		headers = travelling(w.Headers())
	}
	id := unit.NewID()
	end := m.waits.add(id)
	defer m.waits.remove(id)
	if _, err := m.createNow(unit.With(ctx, nil), p, id, data, headers); err != nil {
		return none, err
	}
	x, err := m.await(ctx, id, end)
	if err != nil {
		return none, &PendingError{Saga: p.name, ID: id, Err: err}
	}
	if err := x.failure(); err != nil {
		return none, err
	}
	out, err := p.decode(x.Context)
	if err != nil {
		return none, fmt.Errorf("read the context of saga %s %s: %w", p.name, id, err)
	}
	return *out.(*C), nil
}

// prepare finds the registered definition and encodes the context.
func prepare[C any](m *Manager, d *Definition[C], c C) (*plan, json.RawMessage, error) {
	if d == nil || d.plan == nil {
		return nil, nil, errors.New("start saga: a definition is made by saga.New and Commit")
	}
	p, err := m.plan(d.plan.name, d.plan.version, d.plan.digest)
	if err != nil {
		return nil, nil, err
	}
	if p.context != d.plan.context {
		return nil, nil, fmt.Errorf("%w: saga %s version %d has contexts of type %s, not %s", ErrNotRegistered,
			p.name, p.version, p.context, d.plan.context)
	}
	data, err := json.Marshal(c)
	if err != nil {
		return nil, nil, fmt.Errorf("encode the context of saga %s: %w", p.name, err)
	}
	return p, data, nil
}

// plan returns the registered definition that executions of a shape go by.
func (m *Manager) plan(name string, version int, shape string) (*plan, error) {
	m.mu.RLock()
	p := m.plans[key{name, version}]
	m.mu.RUnlock()
	if p == nil {
		return nil, fmt.Errorf("%w: %s version %d", ErrNotRegistered, name, version)
	}
	if p.digest != shape {
		return nil, fmt.Errorf("%w: %s version %d has other steps than the one at %s: changed steps need a new version",
			ErrNotRegistered, name, version, p.place)
	}
	return p, nil
}

// travelling returns the headers that go on with all messages of a saga.
func travelling(headers map[string]string) map[string]string {
	maps.DeleteFunc(headers, func(name, _ string) bool {
		return name == HeaderSaga || name == HeaderStep || name == HeaderAttempt
	})
	return headers
}
