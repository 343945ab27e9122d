package broker_test

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/unit"
)

// fakePublisher keeps what is published.
type fakePublisher struct {
	sent      recorder
	takes     time.Duration
	failAfter int // how many messages go out before one call fails; -1 for none
}

func (p *fakePublisher) Publish(ctx context.Context, messages ...broker.Message) error {
	if p.takes > 0 {
		select {
		case <-time.After(p.takes):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if p.failAfter >= 0 && p.failAfter < len(messages) {
		p.sent.add(messages[:p.failAfter]...)
		p.failAfter = -1
		return errNotNow
	}
	if p.failAfter >= 0 {
		p.failAfter -= len(messages)
	}
	p.sent.add(messages...)
	return nil
}

func (p *fakePublisher) contents() []string {
	p.sent.mu.Lock()
	defer p.sent.mu.Unlock()
	var contents []string
	for _, m := range p.sent.messages {
		contents = append(contents, string(m.Content))
	}
	return contents
}

// fakeOutbox is an outbox whose calls fail once each when told to.
type fakeOutbox struct {
	mu            sync.Mutex
	entries       []broker.Entry
	cursor        int64
	epoch         int
	trimmed       int64
	settledBefore time.Time
	fail          map[string]error
}

func (o *fakeOutbox) commit(n, from int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range n {
		m := numbered("key", from+i)
		o.entries = append(o.entries, broker.Entry{Seq: int64(len(o.entries) + 1), Message: &m})
	}
}

func (o *fakeOutbox) commitEvent() {
	o.mu.Lock()
	defer o.mu.Unlock()
	seq := int64(len(o.entries) + 1)
	o.entries = append(o.entries, broker.Entry{Seq: seq, Event: &unit.Event{Seq: seq, Aggregate: uuid.New()}})
}

// depose has another process lead up to a position.
func (o *fakeOutbox) depose(position int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.epoch++
	o.cursor = min(position, int64(len(o.entries)))
}

func (o *fakeOutbox) saved() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.cursor
}

func (o *fakeOutbox) trimmedTo() (int64, time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.trimmed, o.settledBefore
}

func (o *fakeOutbox) fault(call string) error {
	err := o.fail[call]
	delete(o.fail, call)
	return err
}

func (o *fakeOutbox) Pending(_ context.Context, after int64, limit int) ([]broker.Entry, int64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.fault("pending"); err != nil {
		return nil, 0, err
	}
	entries := o.entries[after:min(int(after)+limit, len(o.entries))]
	return entries, after + int64(len(entries)), nil
}

func (o *fakeOutbox) Lead(context.Context, string) (broker.Lease, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.fault("lead"); err != nil {
		return nil, err
	}
	o.epoch++
	return &fakeLease{outbox: o, epoch: o.epoch, position: o.cursor}, nil
}

func (o *fakeOutbox) Trim(_ context.Context, upTo int64, settledBefore time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.trimmed, o.settledBefore = upTo, settledBefore
	return o.fault("trim")
}

type fakeLease struct {
	outbox   *fakeOutbox
	epoch    int
	position int64
}

func (l *fakeLease) Position() int64 { return l.position }

func (l *fakeLease) Save(_ context.Context, position int64) error {
	l.outbox.mu.Lock()
	defer l.outbox.mu.Unlock()
	if l.epoch != l.outbox.epoch {
		return broker.ErrDeposed
	}
	if err := l.outbox.fault("save"); err != nil {
		return err
	}
	l.outbox.cursor = position
	return nil
}

func (l *fakeLease) Release(context.Context) error {
	l.outbox.mu.Lock()
	defer l.outbox.mu.Unlock()
	return l.outbox.fault("release")
}

// errorCounter counts what is logged as an error.
type errorCounter struct {
	mu sync.Mutex
	n  int
}

func (c *errorCounter) Enabled(context.Context, slog.Level) bool { return true }
func (c *errorCounter) WithAttrs([]slog.Attr) slog.Handler       { return c }
func (c *errorCounter) WithGroup(string) slog.Handler            { return c }
func (c *errorCounter) Handle(_ context.Context, r slog.Record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.Level >= slog.LevelError {
		c.n++
	}
	return nil
}

func (c *errorCounter) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}
