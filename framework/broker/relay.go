package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/minos-framework/minos-go/framework/unit"
)

// Relay sends what a store has committed: the events, each as the messages
// that it expands to, and the messages of the outbox, in the store's order.
//
// One process at a time sends for a cursor's name. The cursor moves only over
// what the broker has acknowledged, and an error of any kind leads back to the
// saved cursor, so a fault repeats messages and never loses or reorders them.
type Relay struct {
	outbox    Outbox
	publisher Publisher
	expand    func(unit.Event) ([]Message, error)
	config    RelayConfig
	wake      chan struct{}

	mu    sync.Mutex
	fault error // since it sent last, or nil
	since time.Time
}

// RelayConfig adjusts a Relay. Its zero value is good.
type RelayConfig struct {
	// Name is the cursor's name in the outbox. Empty means "relay".
	Name string
	// Batch bounds how many entries are read, and sent, at once. Zero means 500.
	Batch int
	// PollMin and PollMax bound the pause before an outbox in which nothing was
	// found is read again when nobody calls Wake: it doubles from the one to the
	// other. Zero means 5 and 250 milliseconds.
	PollMin, PollMax time.Duration
	// Gather bounds how long messages are gathered for the next batch while there
	// is a flow of them: half a millisecond for each of the last batch. So up to
	// some 1,000 messages a second go as they come, and from 2,000 on ever more go
	// together, at the cost of this delay: each batch costs the database and the
	// broker work of its own. Zero means 20 milliseconds, which took a service
	// from 2,000 to 5,800 commands a second on two processors.
	Gather time.Duration
	// SaveEvery bounds how long the cursor stays behind what was acknowledged,
	// and so how much a crash repeats. Zero means 50 milliseconds.
	SaveEvery time.Duration
	// TrimEvery is how often sent messages and old receipts are removed. Zero
	// means once a minute.
	TrimEvery time.Duration
	// Receipts is how long it is remembered that a message was handled: one that
	// comes again later takes effect again. It must be longer than the broker
	// keeps messages. Zero means 8 days; Kafka keeps them for 7, by default.
	Receipts time.Duration
	// Grace bounds how long Run goes on after its context ended: it reads for
	// half of that, the rest is for what was read. Zero means 2 seconds.
	Grace time.Duration
	// Logger hears of every fault. Nil means slog.Default.
	Logger *slog.Logger
}

func (c RelayConfig) withDefaults() RelayConfig {
	c.Name = cmp.Or(c.Name, "relay")
	c.Batch = cmp.Or(c.Batch, 500)
	c.PollMin = cmp.Or(c.PollMin, 5*time.Millisecond)
	c.PollMax = cmp.Or(c.PollMax, 250*time.Millisecond)
	c.Gather = cmp.Or(c.Gather, 20*time.Millisecond)
	c.SaveEvery = cmp.Or(c.SaveEvery, 50*time.Millisecond)
	c.TrimEvery = cmp.Or(c.TrimEvery, time.Minute)
	c.Receipts = cmp.Or(c.Receipts, 8*24*time.Hour)
	c.Grace = cmp.Or(c.Grace, 2*time.Second)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

func (c RelayConfig) validate() error {
	var faults error
	if c.Batch < 1 {
		faults = errors.Join(faults, fmt.Errorf("Batch: %d is less than 1", c.Batch))
	}
	if c.PollMin < 0 || c.PollMin > c.PollMax {
		faults = errors.Join(faults, fmt.Errorf("PollMin: %s is not between 0 and PollMax (%s)", c.PollMin, c.PollMax))
	}
	return faults
}

// NewRelay returns a relay from outbox to publisher. Expand gives the messages
// of an event; it is called again for the same event after a fault, and must
// give the same messages with the same IDs then.
func NewRelay(
	outbox Outbox, publisher Publisher, expand func(unit.Event) ([]Message, error), config RelayConfig,
) (*Relay, error) {
	config = config.withDefaults()
	if err := config.validate(); err != nil {
		return nil, fmt.Errorf("configure relay: %w", err)
	}
	return &Relay{
		outbox: outbox, publisher: publisher, expand: expand, config: config,
		wake: make(chan struct{}, 1),
	}, nil
}

// Wake says that something was committed. It never blocks, and may be called
// from any goroutine, whether or not the relay runs: see unit.Watch.
func (r *Relay) Wake() {
	select {
	case r.wake <- struct{}{}:
	default: // the relay will look once more anyway
	}
}

// Run sends until ctx ends, then sends what the outbox still holds, as far as
// it can without a fault and within RelayConfig.Grace, saves the cursor and
// returns nil; what is left is sent when Run is called again, here or in another
// process. Before the end, faults are logged and tried again with a growing
// pause; none of them ends Run, and Err tells of them.
func (r *Relay) Run(ctx context.Context) error {
	pauses := backoff{first: 50 * time.Millisecond, limit: 5 * time.Second}
	for attempt := 1; ctx.Err() == nil; attempt++ {
		progress, err := r.lead(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // that it was told to end is no fault, and what was not saved is sent again
		}
		if progress {
			attempt = 1
		}
		r.failed(err)
		delay := pauses.delay(attempt)
		level := slog.LevelError
		if errors.Is(err, ErrDeposed) {
			level = slog.LevelWarn
		}
		r.config.Logger.Log(ctx, level, "relay stopped, will read again from its cursor",
			"relay", r.config.Name, "error", err, "attempt", attempt, "pause", delay)
		pause(ctx.Done(), delay)
	}
	return nil
}

// Err says whether the relay is stuck: it returns nil while it works, or waits
// for another process that does, else the last fault and since when nothing
// could be sent. One fault that the next attempt mends shows for that long. A
// fault that is not known yet, as while a driver still waits for its broker,
// does not show. It is safe for concurrent use.
func (r *Relay) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fault == nil {
		return nil
	}
	return fmt.Errorf("relay %s stuck since %s: %w", r.config.Name, r.since.UTC().Format(time.RFC3339), r.fault)
}

// failed records a fault. That another process leads is none.
func (r *Relay) failed(err error) {
	if errors.Is(err, ErrDeposed) {
		r.worked()
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fault == nil {
		r.since = time.Now()
	}
	r.fault = err
}

// worked records that the cursor moved, or that nothing is left to send.
func (r *Relay) worked() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = nil
}

// lead waits for the lease and sends until something goes wrong. It reports
// whether anything was sent.
func (r *Relay) lead(ctx context.Context) (bool, error) {
	lease, err := r.outbox.Lead(ctx, r.config.Name)
	if err != nil {
		return false, fmt.Errorf("lead: %w", err)
	}
	longer, stop := outlast(ctx, r.config.Grace)
	defer stop()
	reading, cancel := outlast(ctx, r.config.Grace/2)
	defer cancel()

	batches := make(chan batch) // so that one is read while another is sent
	read := make(chan error, 1)
	go func() {
		defer close(batches)
		read <- r.read(reading, ctx.Done(), lease.Position(), batches)
	}()
	progress, err := r.send(longer, lease, batches)
	cancel()
	readErr := <-read
	if err == nil {
		err = readErr
	}
	if releaseErr := lease.Release(longer); releaseErr != nil {
		err = errors.Join(err, fmt.Errorf("release the lease: %w", releaseErr))
	}
	return progress, err
}

// batch is what was read at once: messages, and the position behind them.
type batch struct {
	messages []Message
	next     int64
}

// read hands out batches until ctx ends, something goes wrong, or there are no
// more and it was told to stop.
func (r *Relay) read(ctx context.Context, stop <-chan struct{}, position int64, out chan<- batch) error {
	first := position
	for wait := r.config.PollMin; ; {
		began := time.Now()
		entries, next, err := r.outbox.Pending(ctx, position, r.config.Batch)
		if err != nil {
			return fmt.Errorf("read the outbox after %d: %w", position, err)
		}
		if len(entries) == 0 && next == position {
			if position == first { // else it is seen when the cursor is saved
				r.worked()
			}
			select {
			case <-stop:
				return nil
			default:
			}
			if wait, err = r.idle(ctx, stop, wait); err != nil {
				return err
			}
			continue
		}
		sent, err := r.handOut(ctx, entries, next, out)
		if err != nil {
			return err
		}
		position, wait = next, r.config.PollMin
		if len(entries) < r.config.Batch { // all there was; ctx can wait so long
			pause(stop, r.gather(sent)-time.Since(began))
		}
	}
}

// handOut hands out what was read, and returns how many messages it is. An
// event that cannot be expanded is an error, after what is before it was handed
// out.
func (r *Relay) handOut(ctx context.Context, entries []Entry, next int64, out chan<- batch) (int, error) {
	b, failed := r.expandAll(entries, next)
	if failed == nil || b.next > 0 {
		select {
		case out <- b:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return len(b.messages), failed
}

// gather is how long the batch after one of n messages is gathered for.
func (r *Relay) gather(n int) time.Duration {
	return min(r.config.Gather, time.Duration(n)*500*time.Microsecond)
}

// idle waits for a signal or the time of the next look, and returns how long
// to wait after that one.
func (r *Relay) idle(ctx context.Context, stop <-chan struct{}, wait time.Duration) (time.Duration, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-stop: // a last look
		return r.config.PollMin, nil
	case <-r.wake:
		return r.config.PollMin, nil
	case <-timer.C:
		return min(2*wait, r.config.PollMax), nil
	}
}

// expandAll returns the messages of entries. When an event cannot be expanded
// it returns what is before that event, so that it stops only its successors.
func (r *Relay) expandAll(entries []Entry, next int64) (batch, error) {
	b := batch{messages: make([]Message, 0, len(entries))}
	for _, e := range entries {
		if e.Message != nil {
			b.messages = append(b.messages, *e.Message)
		}
		if e.Event != nil {
			messages, err := r.expand(*e.Event)
			if err != nil {
				return b, fmt.Errorf("expand event %d, version %d of %s %s: %w",
					e.Seq, e.Event.Version, e.Event.Name, e.Event.Aggregate, err)
			}
			b.messages = append(b.messages, messages...)
		}
		b.next = e.Seq
	}
	b.next = next
	return b, nil
}

// send publishes batches one after the other, and moves the cursor behind
// them, until there are no more. It reports whether anything was sent.
func (r *Relay) send(ctx context.Context, lease Lease, batches <-chan batch) (bool, error) {
	c := &cursor{lease: lease, saved: lease.Position(), position: lease.Position(), moved: r.worked}
	c.behind.Store(c.saved)
	trimming, stop := context.WithCancel(ctx)
	var trim sync.WaitGroup
	trim.Go(func() { r.trim(trimming, &c.behind) })
	defer func() {
		stop()
		trim.Wait()
	}()
	var due <-chan time.Time
	for progress := false; ; {
		select {
		case b, ok := <-batches:
			if !ok {
				return progress, c.save(ctx)
			}
			if err := r.publish(ctx, b); err != nil {
				return progress, errors.Join(err, c.save(ctx))
			}
			progress = progress || len(b.messages) > 0
			c.position = b.next
			if due == nil {
				due = time.After(r.config.SaveEvery)
			}
		case <-due:
			due = nil
			if err := c.save(ctx); err != nil {
				return progress, err
			}
		}
	}
}

// publish sends what a batch holds, which may be nothing.
func (r *Relay) publish(ctx context.Context, b batch) error {
	if len(b.messages) == 0 {
		return nil
	}
	if err := r.publisher.Publish(ctx, b.messages...); err != nil {
		return fmt.Errorf("send the outbox up to %d: %w", b.next, err)
	}
	return nil
}

// trim removes what is of no more use, again and again until ctx ends: messages
// up to a position that was saved, and old receipts. Nothing waits for it, and
// what it could not remove goes the next time.
func (r *Relay) trim(ctx context.Context, saved *atomic.Int64) {
	every := time.NewTicker(r.config.TrimEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		err := r.outbox.Trim(ctx, saved.Load(), time.Now().Add(-r.config.Receipts))
		if err != nil && ctx.Err() == nil {
			r.config.Logger.WarnContext(ctx, "the outbox was not trimmed", "relay", r.config.Name, "error", err)
		}
	}
}
