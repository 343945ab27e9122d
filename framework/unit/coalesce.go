package unit

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Coalescer is a store that commits what waits together: while as many commits
// run as it has writers, those that come are kept, and go in one commit when a
// writer is free (group commit). Nobody is made to wait for company: a commit
// that finds a writer free goes at once, alone.
//
// A batch that another writer got in the way of is committed again without the
// work that is to blame, whose caller alone gets the error. Works with SQL of
// their own, which may be wrong, go alone, and so do those of many events.
type Coalescer struct {
	store  Store
	config CoalesceConfig

	mu      sync.Mutex
	running int
	waiting []*commitCall
}

// CoalesceConfig tunes a Coalescer.
type CoalesceConfig struct {
	// Writers is how many commits run at once. Zero means one for each two
	// processors: on two, one writer gave 1.2 times the requests of four.
	Writers int
	// Works bounds a batch. Zero means 256.
	Works int
	// Timeout bounds one commit of the store, whose callers' own contexts do not
	// end it: others are in it. Zero means 30 seconds.
	Timeout time.Duration
}

// commitCall is one call of Commit.
type commitCall struct {
	works []*Work
	err   error
	done  chan struct{} // closed when err is set

	// lead is closed, with batch set, to have the caller commit a batch that it
	// is part of. So no goroutine is started.
	lead  chan struct{}
	batch []*commitCall
}

// Coalesce returns a store that commits to store in groups.
func Coalesce(store Store, config CoalesceConfig) *Coalescer {
	config.Writers = cmp.Or(config.Writers, max(1, runtime.GOMAXPROCS(0)/2))
	config.Works = cmp.Or(config.Works, 256)
	config.Timeout = cmp.Or(config.Timeout, 30*time.Second)
	return &Coalescer{store: store, config: config}
}

var _ Store = (*Coalescer)(nil)

// Commit commits works with whatever else waits. When ctx ends before the
// commit has begun nothing is stored; after that Commit waits for the outcome,
// so that it is known.
func (c *Coalescer) Commit(ctx context.Context, works ...*Work) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if slices.ContainsFunc(works, goesAlone) {
		return c.store.Commit(ctx, works...)
	}
	call := &commitCall{works: works, done: make(chan struct{}), lead: make(chan struct{})}
	c.mu.Lock()
	if c.running < c.config.Writers {
		c.running++
		c.mu.Unlock()
		c.commit(ctx, []*commitCall{call})
		return call.err
	}
	c.waiting = append(c.waiting, call)
	c.mu.Unlock()
	select {
	case <-call.done:
	case <-call.lead:
		c.commit(ctx, call.batch)
	case <-ctx.Done():
		if c.withdraw(call) {
			return ctx.Err()
		}
		select {
		case <-call.done:
		case <-call.lead:
			c.commit(ctx, call.batch)
		}
	}
	return call.err
}

// long is how many events make a commit as fast alone as in company, and make
// the company wait: of 100 each, twice as many are committed when they go alone.
const long = 32

// goesAlone reports whether a work gains nothing in a batch.
func goesAlone(w *Work) bool { return len(w.Statements) > 0 || len(w.Events) > long }

// withdraw reports whether call was still waiting, and no longer is.
func (c *Coalescer) withdraw(call *commitCall) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.waiting, call)
	if i < 0 {
		return false
	}
	c.waiting = slices.Delete(c.waiting, i, i+1)
	return true
}

// commit commits a batch, sets the outcome of each call in it, and hands the
// writer on.
func (c *Coalescer) commit(ctx context.Context, batch []*commitCall) {
	defer c.next()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.config.Timeout)
	defer cancel()
	var verdicts []verdict
	for len(batch) > 0 {
		err := c.store.Commit(ctx, join(batch)...)
		guilty, own := blame(batch, err)
		if guilty < 0 {
			if shared(err) || len(batch) == 1 {
				finish(batch, err)
			} else {
				c.alone(ctx, batch)
			}
			break
		}
		verdicts = append(verdicts, verdict{call: batch[guilty], before: slices.Clone(batch[:guilty]), err: own})
		batch = slices.Delete(batch, guilty, guilty+1)
	}
	for _, v := range slices.Backward(verdicts) {
		if slices.ContainsFunc(v.before, func(call *commitCall) bool { return call.err != nil && call.touches(v.err) }) {
			c.alone(ctx, []*commitCall{v.call})
			continue
		}
		finish([]*commitCall{v.call}, v.err)
	}
}

// verdict is the error of a call that is at odds with what is stored, or with
// calls that came before it in the batch. It holds once those are stored: else
// the caller, who reads again, would not find what he is at odds with, and a
// duplicate would be taken for handled.
type verdict struct {
	call   *commitCall
	before []*commitCall
	err    error
}

// shared reports whether a batch's outcome is that of each call in it: it was
// stored, nobody knows, or there was no time. Anything else may be the fault of
// one of them.
func shared(err error) bool {
	_, unknown := errors.AsType[*UnknownError](err)
	return err == nil || unknown || errors.Is(err, context.DeadlineExceeded)
}

// touches reports whether a call is about what a verdict is about.
func (c *commitCall) touches(verdict error) bool {
	if conflict, ok := errors.AsType[*ConflictError](verdict); ok {
		return slices.ContainsFunc(c.works, func(w *Work) bool {
			return slices.ContainsFunc(w.Events, func(e Event) bool { return e.Aggregate == conflict.ID }) ||
				slices.ContainsFunc(w.Sagas, func(s Saga) bool { return s.ID == conflict.ID })
		})
	}
	duplicate, ok := errors.AsType[*DuplicateError](verdict)
	return ok && slices.ContainsFunc(c.works, func(w *Work) bool { return slices.Contains(w.Receipts, duplicate.Receipt) })
}

// alone commits the calls of a batch that failed for one of them, one by one:
// each gets its own outcome.
func (c *Coalescer) alone(ctx context.Context, batch []*commitCall) {
	for _, call := range batch {
		finish([]*commitCall{call}, c.store.Commit(ctx, call.works...))
	}
}

// next hands the writer to a call that waits, with all that go with it.
func (c *Coalescer) next() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		c.running--
		return
	}
	works, n := 0, 0
	for n < len(c.waiting) && (n == 0 || works+len(c.waiting[n].works) <= c.config.Works) {
		works += len(c.waiting[n].works)
		n++
	}
	leader := c.waiting[0]
	leader.batch = slices.Clone(c.waiting[:n])
	c.waiting = slices.Delete(c.waiting, 0, n)
	close(leader.lead)
}

func join(batch []*commitCall) []*Work {
	var works []*Work
	for _, call := range batch {
		works = append(works, call.works...)
	}
	return works
}

// finish sets the outcome of calls, and tells them.
func finish(calls []*commitCall, err error) {
	for _, call := range calls {
		call.err = err
		close(call.done)
	}
}

// blame returns which call of a batch is the one that it failed for, and that
// call's error; -1 when it did not fail, or all are in it together: after a lost
// connection nobody knows what was stored.
func blame(batch []*commitCall, err error) (guilty int, own error) {
	if conflict, ok := errors.AsType[*ConflictError](err); ok {
		guilty, first := owner(batch, conflict.Work)
		own := *conflict
		own.Work -= first
		return guilty, &own
	}
	if duplicate, ok := errors.AsType[*DuplicateError](err); ok {
		guilty, first := owner(batch, duplicate.Work)
		own := *duplicate
		own.Work -= first
		return guilty, &own
	}
	return -1, nil
}

// owner returns the place of the call that a work belongs to, and the index of
// its first work.
func owner(batch []*commitCall, work int) (place, first int) {
	for i, call := range batch {
		if work < first+len(call.works) {
			return i, first
		}
		first += len(call.works)
	}
	return len(batch) - 1, first
}
