package broker

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff says how long to pause between attempts: first doubles up to limit,
// and the pause is a random part, at least half, of that.
type backoff struct{ first, limit time.Duration }

// delay returns the pause after the attempt of that number, from 1.
func (b backoff) delay(attempt int) time.Duration {
	d := b.limit
	if shift := attempt - 1; shift < 32 && b.first<<shift < b.limit {
		d = b.first << shift
	}
	return d/2 + rand.N(d/2+1)
}

// pause waits, and no longer than until it is told to stop.
func pause(stop <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-stop:
	case <-timer.C:
	}
}

// outlast returns a context that ends a grace period after ctx does. The
// function that it returns ends it at once.
func outlast(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		pause(longer.Done(), grace)
		cancel()
	})
	return longer, func() {
		stop()
		cancel()
	}
}
