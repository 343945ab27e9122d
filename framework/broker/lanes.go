package broker

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

// Lanes hands messages to a handler: those of one topic and key one at a time
// and in order, those of different keys at once. A message whose handler
// returned an error is handled again after a growing pause, and the later ones
// of its key wait behind it; other keys flow.
//
// It is the part that drivers share: a driver opens a Source for each partition
// that it reads, adds messages to it, and acknowledges up to Source.Next.
type Lanes struct {
	handle Handler
	config LanesConfig

	mu      sync.Mutex
	lanes   map[laneKey]*lane
	ready   []*lane // that have a message to be handled now
	workers int
}

// LanesConfig adjusts Lanes. Its zero value is good.
type LanesConfig struct {
	// Concurrency bounds how many handlers run at once. Zero means four for each
	// core and at least 64: what many decide is committed together, and of small
	// handlers on two cores and PostgreSQL 16 came to 20,000 a second, 64 to
	// 67,000, and 256 to 110,000.
	Concurrency int
	// RetryMin and RetryMax bound the pause before a message is handled again:
	// it doubles from the one to the other. Zero means 20 milliseconds and 30
	// seconds.
	RetryMin, RetryMax time.Duration
	// Grace is how long Drain lets handlers run before it ends their context.
	// Zero means 10 seconds.
	Grace time.Duration
	// Logger hears of every failed attempt. Nil means slog.Default.
	Logger *slog.Logger
}

func (c LanesConfig) withDefaults() LanesConfig {
	c.Concurrency = cmp.Or(c.Concurrency, max(64, 4*runtime.GOMAXPROCS(0)))
	c.RetryMin = cmp.Or(c.RetryMin, 20*time.Millisecond)
	c.RetryMax = cmp.Or(c.RetryMax, 30*time.Second)
	c.Grace = cmp.Or(c.Grace, 10*time.Second)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// laneKey is what messages are ordered by.
type laneKey struct{ topic, key string }

// lane holds the messages of one key that wait; it exists only while there are
// any.
type lane struct {
	key     laneKey
	items   []*item
	attempt int         // how often the first item failed
	retry   *time.Timer // nil, or what makes the lane ready again
}

// item is one message on its way through a lane.
type item struct {
	source  *Source
	offset  int64
	message *Message // nil when it is finished
}

// NewLanes returns lanes that lead to handle.
func NewLanes(handle Handler, config LanesConfig) *Lanes {
	return &Lanes{handle: handle, config: config.withDefaults(), lanes: map[laneKey]*lane{}}
}

// add puts an item at the end of its lane. The caller holds mu.
func (l *Lanes) add(it *item) {
	key := laneKey{it.message.Topic, cmp.Or(it.message.Key, it.message.ID.String())}
	ln := l.lanes[key]
	if ln == nil {
		ln = &lane{key: key}
		l.lanes[key] = ln
		defer l.start(ln)
	}
	ln.items = append(ln.items, it)
}

// start has a worker look at the lane. The caller holds mu.
func (l *Lanes) start(ln *lane) {
	ln.retry = nil
	l.ready = append(l.ready, ln)
	if l.workers < l.config.Concurrency {
		l.workers++
		go l.work()
	}
}

// work handles messages until none is ready.
func (l *Lanes) work() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for ln := l.next(); ln != nil; ln = l.next() {
		it := ln.items[0]
		it.source.running++
		l.mu.Unlock()
		err := call(it.source.handle, *it.message)
		l.mu.Lock()
		l.settle(ln, it, err)
	}
	l.workers--
}

// next takes the next ready lane; messages of closed sources are dropped, to be
// delivered again by whoever reads their partition then. The caller holds mu.
func (l *Lanes) next() *lane {
	for len(l.ready) > 0 {
		ln := l.ready[0]
		l.ready[0] = nil
		l.ready = l.ready[1:]
		for len(ln.items) > 0 && ln.items[0].source.closed {
			ln.items, ln.attempt = ln.items[1:], 0
		}
		if len(ln.items) > 0 {
			return ln
		}
		delete(l.lanes, ln.key)
	}
	return nil
}

// settle records the outcome of the lane's first message. The caller holds mu.
func (l *Lanes) settle(ln *lane, it *item, err error) {
	it.source.finish(it, err == nil)
	switch {
	case err == nil:
		ln.items, ln.attempt = ln.items[1:], 0
		l.ready = append(l.ready, ln) // at the end, so that no key starves another
	case it.source.closed:
		l.ready = append(l.ready, ln) // next drops the message
	default:
		ln.attempt++
		delay := backoff{first: l.config.RetryMin, limit: l.config.RetryMax}.delay(ln.attempt)
		l.config.Logger.Warn("message not handled, will be tried again", "topic", it.message.Topic,
			"key", ln.key.key, "message", it.message.ID, "attempt", ln.attempt, "pause", delay, "error", err)
		var timer *time.Timer
		timer = time.AfterFunc(delay, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			if ln.retry == timer { // else hurry was first
				l.start(ln)
			}
		})
		ln.retry = timer
	}
}

// hurry ends the pauses of lanes whose first message belongs to a closed
// source. The caller holds mu.
func (l *Lanes) hurry() {
	for _, ln := range l.lanes {
		if ln.retry != nil && ln.items[0].source.closed {
			ln.retry.Stop()
			l.start(ln)
		}
	}
}

// call turns a panic into an error: one message must not end the process again
// and again.
func call(handle func(Message) error, m Message) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("handler panicked: %v\n%s", cause, debug.Stack())
		}
	}()
	return handle(m)
}

// Source is one ordered part of what is read: a partition. Its methods may be
// called from several goroutines.
type Source struct {
	lanes  *Lanes
	handle func(Message) error
	cancel context.CancelFunc

	// The rest is guarded by lanes.mu.
	pending []*item // added, in order; the first one is not finished
	waiting int     // how many of pending are not finished
	next    int64
	running int
	closed  bool
	idle    chan struct{} // closed when closed and nothing runs
}

// Source opens a source. Handlers get a context with ctx's values, which ends
// only when Drain has lost its patience.
func (l *Lanes) Source(ctx context.Context) *Source {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	return &Source{
		lanes:  l,
		handle: func(m Message) error { return l.handle(ctx, m) },
		cancel: cancel,
		next:   -1,
		idle:   make(chan struct{}),
	}
}

// Add queues a message and returns what Waiting and Window do. Offsets grow;
// they may leave gaps. It never blocks: the caller stops reading while many
// wait, or the window is wide. After Drain it does nothing.
func (s *Source) Add(offset int64, m Message) (waiting, window int) {
	s.lanes.mu.Lock()
	defer s.lanes.mu.Unlock()
	if s.closed {
		return 0, 0
	}
	it := &item{source: s, offset: offset, message: &m}
	if s.next < 0 {
		s.next = offset
	}
	s.pending = append(s.pending, it)
	s.waiting++
	s.lanes.add(it)
	return s.waiting, len(s.pending)
}

// Next returns the offset to go on from after a restart: every message before
// it is finished. It is -1 before the first Add.
func (s *Source) Next() int64 {
	s.lanes.mu.Lock()
	defer s.lanes.mu.Unlock()
	return s.next
}

// Waiting returns how many messages are not finished: they are held in memory.
func (s *Source) Waiting() int {
	s.lanes.mu.Lock()
	defer s.lanes.mu.Unlock()
	return s.waiting
}

// Window returns how many messages there are from Next on, finished or not: a
// restart delivers all of them again. It is more than Waiting while messages of
// other keys finish past one that does not; of a finished one some 50 bytes
// are held.
func (s *Source) Window() int {
	s.lanes.mu.Lock()
	defer s.lanes.mu.Unlock()
	return len(s.pending)
}

// Drain drops what waits, and returns when no handler of the source runs any
// more; after the grace period it ends their context. Next is final then. It
// may be called more than once.
func (s *Source) Drain() {
	s.lanes.mu.Lock()
	if !s.closed {
		s.closed = true
		s.lanes.hurry()
		if s.running == 0 {
			close(s.idle)
		}
	}
	s.lanes.mu.Unlock()
	patience := time.AfterFunc(s.lanes.config.Grace, s.cancel)
	<-s.idle
	patience.Stop()
	s.cancel()
}

// finish records that a handler returned. The caller holds lanes.mu.
func (s *Source) finish(it *item, ok bool) {
	s.running--
	if ok {
		it.message = nil
		s.waiting--
	}
	for len(s.pending) > 0 && s.pending[0].message == nil {
		s.next = s.pending[0].offset + 1
		s.pending[0] = nil
		s.pending = s.pending[1:]
	}
	if s.closed && s.running == 0 {
		close(s.idle)
	}
}
