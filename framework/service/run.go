package service

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/minos-framework/minos-go/framework/broker"
)

// drainDeadline bounds how long requests that run may go on after a stop. With
// what the broker's parts take after it, a stop ends within half a minute.
const drainDeadline = 5 * time.Second

// brokerState says whether the service has reached the broker.
type brokerState struct {
	mu    sync.Mutex
	ready bool
	err   error
}

func (b *brokerState) set(ready bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ready, b.err = ready, err
}

func (s *Service) brokerHealth(ctx context.Context) error {
	s.state.mu.Lock()
	ready, err := s.state.ready, s.state.err
	s.state.mu.Unlock()
	if !ready {
		if err == nil {
			err = errors.New("not reached yet")
		}
		return err
	}
	return s.broker.Ping(ctx)
}

// Run serves until ctx ends, then takes no more requests, lets those that run
// finish, and stops the parts in reverse order of their start. It returns nil
// after a stop, and the error of a part that ended by itself.
//
// A broker that does not answer is no error: requests are served, what they
// decided waits in the store, and the service says that it is not ready. Before
// it serves it creates the indexes that its roots declare.
func (s *Service) Run(ctx context.Context) error {
	if err := s.registry.CreateIndexes(ctx); err != nil {
		return err
	}
	if err := s.rest.Listen(ctx); err != nil {
		return err
	}
	s.logger.InfoContext(ctx, "listening", "address", s.rest.Addr().String())
	failed := make(chan error, 8)
	messaging := s.start(ctx, failed)
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := s.rest.Serve(); err != nil {
			failed <- err
		}
	})

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	s.logger.InfoContext(ctx, "stopping")
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainDeadline)
	defer cancel()
	if stop := s.rest.Shutdown(drain); stop != nil {
		s.logger.WarnContext(ctx, "requests that ran longer were ended", "after", drainDeadline)
	}
	serving.Wait()
	messaging()
	s.logger.InfoContext(ctx, "stopped")
	return err
}

// start brings up what uses the broker, once its topics are there, and returns
// a function that stops it: consumers first, so that the relay can still send
// what they decided. What it cannot send in time waits in the store.
func (s *Service) start(ctx context.Context, failed chan<- error) (stop func()) {
	ctx = context.WithoutCancel(ctx)
	consuming, stopConsuming := context.WithCancel(ctx)
	sending, stopSending := context.WithCancel(ctx)
	var consumers, senders sync.WaitGroup
	part := func(group *sync.WaitGroup, ctx context.Context, name string, run func(context.Context) error) {
		group.Go(func() {
			if err := run(ctx); err != nil && ctx.Err() == nil {
				failed <- fmt.Errorf("%s ended: %w", name, err)
			}
		})
	}
	// What needs the store alone does not wait for a broker.
	part(&consumers, consuming, "tasks", func(ctx context.Context) error { return s.tasks.Run(s.base(ctx)) })
	part(&consumers, consuming, "saga timers", func(ctx context.Context) error { return s.sagas.Watch(s.base(ctx)) })
	part(&consumers, consuming, "start of the broker", func(ctx context.Context) error {
		if !s.prepareTopics(ctx) {
			return nil
		}
		part(&senders, sending, "relay", s.relay.Run)
		part(&consumers, ctx, "client", s.client.Run)
		part(&consumers, ctx, "references", func(ctx context.Context) error { return s.references.run(ctx, s.broker) })
		part(&consumers, ctx, "consumer", func(ctx context.Context) error {
			return s.broker.Subscribe(ctx, broker.Subscription{
				Group: s.config.Name, Topics: s.subscribed(), Handle: s.deliver,
			})
		})
		return nil
	})
	return func() {
		stopConsuming()
		consumers.Wait()
		stopSending()
		senders.Wait()
	}
}

// prepareTopics creates the topics, trying until the broker answers. It returns
// false when ctx ended first.
func (s *Service) prepareTopics(ctx context.Context) bool {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := s.broker.CreateTopics(ctx, s.topics()...)
		s.state.set(err == nil, err)
		if err == nil {
			return true
		}
		s.logger.WarnContext(ctx, "the broker does not answer yet", "error", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return false
		}
	}
}
