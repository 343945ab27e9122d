package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/minos-framework/minos-go/e2e/bench/internal/load"
	"github.com/minos-framework/minos-go/e2e/bench/internal/report"
)

const (
	rowHandled     = "POST /foos sent to FooCreated handled, 10/s, p50"
	rowHandledTail = "POST /foos sent to FooCreated handled, 10/s, p99"
	rowSaga        = "saga AddFooBar over two services, 1 client, p50"
	rowSagaTail    = "saga AddFooBar over two services, 1 client, p99"
	rowSagas       = "saga AddFooBar over two services, 16 clients"
)

// measureHandled measures how long it takes from a command to the handled event
// while the system is all but idle.
func measureHandled(ctx context.Context, b *bench) error {
	s, err := b.running(ctx)
	if err != nil {
		return err
	}
	conn, err := load.Dial(ctx, s.foo.address)
	if err != nil {
		return err
	}
	before := s.foo.created.Load()
	s.foo.listen(true)
	sent := map[string]time.Time{}
	pace := time.NewTicker(100 * time.Millisecond)
	defer pace.Stop()
	for end := time.Now().Add(b.duration()); time.Now().Before(end); {
		select {
		case <-pace.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		now := time.Now()
		uuid, err := create(conn)
		if err != nil {
			return err
		}
		sent[uuid] = now
	}
	if err := s.foo.handled(ctx, &s.foo.created, before+int64(len(sent))); err != nil {
		return err
	}
	heard := s.foo.listen(false)
	var took []time.Duration
	for uuid, at := range sent {
		then, ok := heard[uuid]
		if !ok {
			return fmt.Errorf("find foo %s in the log: it is not there", uuid)
		}
		took = append(took, then.Sub(at))
	}
	result := load.Of(b.duration(), took)
	b.add(latency(rowHandled, result.Percentile(0.5)).Against(anchorMinos, 27.7))
	b.add(latency(rowHandledTail, result.Percentile(0.99)).Against(anchorMinos, 63.9))
	return nil
}

// measureSagas has foos refer to new foobars, each foo once.
func measureSagas(ctx context.Context, b *bench) error {
	s, err := b.running(ctx)
	if err != nil {
		return err
	}
	if b.wanted(rowSaga, rowSagaTail) {
		result, err := b.sagas(ctx, s, 1, 500)
		if err != nil {
			return err
		}
		b.add(latency(rowSaga, result.Percentile(0.5)).Against(anchorMinos, 127).AtMost(30))
		b.add(latency(rowSagaTail, result.Percentile(0.99)).Against(anchorMinos, 200))
	}
	if b.wanted(rowSagas) {
		result, err := b.sagas(ctx, s, 16, 2000)
		if err != nil {
			return err
		}
		b.add(report.Row{Row: rowSagas, Value: result.Rate(), Unit: "/s"}.Against(anchorMinos, 8.6))
	}
	return nil
}

// sagas runs sagas from a number of clients, on foos that it creates first, and
// on no more than rate in each second.
func (b *bench) sagas(ctx context.Context, s *system, clients, rate int) (load.Result, error) {
	foos := make(chan string, rate*int((b.warmup()+b.duration()).Seconds()))
	before := s.foo.created.Load()
	made, err := load.Run(ctx, 16, patience, func(ctx context.Context) (load.Round, error) {
		conn, err := load.Dial(ctx, s.foo.address)
		return func(context.Context) error { return fill(foos, conn) }, err
	})
	if err != nil {
		return made, err
	}
	if err := s.foo.handled(ctx, &s.foo.created, before+int64(len(foos))); err != nil {
		return made, err
	}
	add := func(ctx context.Context) (load.Round, error) {
		conn, err := load.Dial(ctx, s.foo.address)
		return func(context.Context) error { return addFooBar(foos, conn) }, err
	}
	if _, err := load.Run(ctx, clients, b.warmup(), add); err != nil {
		return load.Result{}, err
	}
	profile := b.profiling(ctx, fmt.Sprintf("saga-%d", clients))
	result, err := load.Run(ctx, clients, b.duration(), add)
	return result, errors.Join(err, profile())
}

// fill creates a foo, unless there are enough.
func fill(foos chan<- string, conn *load.Conn) error {
	if len(foos) == cap(foos) {
		return io.EOF
	}
	uuid, err := create(conn)
	if err != nil {
		return err
	}
	select {
	case foos <- uuid:
		return nil
	default: // another caller's was the last one
		return io.EOF
	}
}

// addFooBar runs the saga on a foo that has no foobar yet.
func addFooBar(foos <-chan string, conn *load.Conn) error {
	select {
	case uuid := <-foos:
		content := fmt.Appendf(nil, `{"uuid":%q,"something":"something"}`, uuid)
		_, err := conn.Post("/foos/add-foobar", content, http.StatusCreated)
		return err
	default:
		return io.EOF
	}
}
