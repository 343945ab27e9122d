package deploy

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Runner carries out single steps. It is called from several goroutines at once,
// never with a step before those that it needs.
type Runner interface {
	// Run does one step and returns when it is done. It hands what the step has to
	// say, such as the output of a build, to output line by line. A step that was
	// done already is no error.
	Run(ctx context.Context, step Step, output func(line string)) error
}

// Observer watches a plan being carried out. Its methods are called one at a time.
type Observer interface {
	Begin(step Step)
	Output(step Step, line string)
	End(step Step, took time.Duration, err error)
}

// Limits bound how much happens at once.
type Limits struct {
	// Builds is the number of images that are built at once. Zero means 2.
	Builds int
	// Steps is the number of steps of all other kinds, waits left out. Zero means 8.
	Steps int
}

// Execute carries out plan: each step as soon as those that it needs are done,
// within limits. The first error stops it: what runs is canceled, what did not
// begin does not, and the error is returned. It returns when no step runs any
// more. What is left is what the next plan begins from.
func Execute(ctx context.Context, plan *Plan, runner Runner, observer Observer, limits Limits) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if limits.Builds == 0 {
		limits.Builds = 2
	}
	if limits.Steps == 0 {
		limits.Steps = 8
	}
	e := &execution{
		runner: runner, observer: observer, cancel: cancel, done: map[string]chan struct{}{},
		builds: make(chan struct{}, limits.Builds), steps: make(chan struct{}, limits.Steps),
	}
	for _, s := range plan.Steps {
		e.done[s.ID()] = make(chan struct{})
	}
	var all sync.WaitGroup
	for _, s := range plan.Steps {
		all.Go(func() { e.step(ctx, s) })
	}
	all.Wait()
	return context.Cause(ctx)
}

// execution is one run of a plan.
type execution struct {
	runner        Runner
	observer      Observer
	cancel        context.CancelCauseFunc
	done          map[string]chan struct{} // by step, closed when it is done
	builds, steps chan struct{}            // what may run at once

	mu sync.Mutex // one call of observer at a time
}

// step waits for what s needs, and does it.
func (e *execution) step(ctx context.Context, s Step) {
	for _, id := range s.Needs {
		select {
		case <-e.done[id]:
		case <-ctx.Done():
			return
		}
	}
	release := e.acquire(ctx, s)
	defer release()
	if ctx.Err() != nil {
		return
	}
	e.tell(func() { e.observer.Begin(s) })
	began := time.Now()
	err := e.runner.Run(ctx, s, func(line string) {
		e.tell(func() { e.observer.Output(s, line) })
	})
	e.tell(func() { e.observer.End(s, time.Since(began), err) })
	if err != nil {
		e.cancel(fmt.Errorf("%s: %w", s.ID(), err))
		return
	}
	close(e.done[s.ID()])
}

// acquire waits until s may run beside the others. A wait takes no place: it
// would keep from running what it waits for.
func (e *execution) acquire(ctx context.Context, s Step) (release func()) {
	places := e.steps
	switch s.Action {
	case BuildImage:
		places = e.builds
	case Await:
		return func() {}
	}
	select {
	case places <- struct{}{}:
		return func() { <-places }
	case <-ctx.Done():
		return func() {}
	}
}

// tell calls the observer, which is promised one call at a time.
func (e *execution) tell(event func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	event()
}
