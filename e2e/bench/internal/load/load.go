// Package load drives closed loops and says how long their rounds took.
package load

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"
)

// Round is one turn of one caller. io.EOF says that there is nothing left for
// this caller to do, and is no fault.
type Round func(ctx context.Context) error

// Result says how long the rounds of one run took.
type Result struct {
	// Took is the time from the first round's start to the last one's end.
	Took time.Duration

	rounds []time.Duration // sorted
}

// Of returns the result of rounds that were measured one by one.
func Of(took time.Duration, rounds []time.Duration) Result {
	return Result{Took: took, rounds: slices.Sorted(slices.Values(rounds))}
}

// Count is how many rounds there were.
func (r Result) Count() int { return len(r.rounds) }

// Rate is how many rounds there were in a second; 0 when there were none.
func (r Result) Rate() float64 {
	if r.Took <= 0 {
		return 0
	}
	return float64(len(r.rounds)) / r.Took.Seconds()
}

// Percentile is the time that a share of the rounds, from 0 to 1, did not
// exceed; 0 when there were none.
func (r Result) Percentile(share float64) time.Duration {
	if len(r.rounds) == 0 {
		return 0
	}
	last := len(r.rounds) - 1
	return r.rounds[min(last, max(0, int(share*float64(len(r.rounds)))))]
}

// Run has callers go round for a time, each of them again as soon as its last
// round has ended. Open makes the round of one caller, and is called before the
// time begins. The first fault ends the run and is returned.
func Run(ctx context.Context, callers int, d time.Duration, open func(ctx context.Context) (Round, error)) (Result, error) {
	rounds := make([]Round, callers)
	for i := range rounds {
		var err error
		if rounds[i], err = open(ctx); err != nil {
			return Result{}, err
		}
	}
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	times := make([][]time.Duration, callers)
	started := time.Now()
	var group sync.WaitGroup
	for i, round := range rounds {
		group.Go(func() {
			var err error
			if times[i], err = repeat(running, started.Add(d), round); err != nil {
				stop(err)
			}
		})
	}
	group.Wait()
	return Of(time.Since(started), slices.Concat(times...)), context.Cause(running)
}

// repeat goes round until a time.
func repeat(ctx context.Context, until time.Time, round Round) ([]time.Duration, error) {
	var times []time.Duration
	for now := time.Now(); now.Before(until) && ctx.Err() == nil; {
		err := round(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return times, err
		}
		last := now
		now = time.Now()
		times = append(times, now.Sub(last))
	}
	return times, nil
}
