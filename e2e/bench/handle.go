package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/e2e/bench/internal/load"
	"github.com/minos-framework/minos-go/e2e/bench/internal/report"
	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/cqrs"
	"github.com/minos-framework/minos-go/framework/postgres"
	"github.com/minos-framework/minos-go/framework/unit"
)

const (
	rowOnce      = "handle events exactly once on PostgreSQL, as a service does"
	rowOnceAlone = "handle events exactly once on PostgreSQL, one at a time"
)

// hearer handles orders' events and counts them.
type hearer struct{ heard *atomic.Int64 }

func (h hearer) Routes(r *cqrs.Queries) {
	cqrs.Event(r, "OrderCreated", func(context.Context, struct{ UUID uuid.UUID }) error {
		h.heard.Add(1)
		return nil
	})
}

// measureHandling measures messages on their way from a partition through lanes
// and the dispatcher into the store, where each leaves a receipt; without a
// broker, whose rate is another's.
func measureHandling(ctx context.Context, b *bench) error {
	server, err := b.database(ctx, "handle")
	if err != nil {
		return err
	}
	store, err := postgres.Open(ctx, postgres.Config{
		Host: server.Host, Port: int(server.Port), User: server.User, Password: server.Password, Database: server.Database,
	})
	if err != nil {
		return err
	}
	many, err := b.handle(ctx, unit.Coalesce(store, unit.CoalesceConfig{}), 0)
	var alone float64
	if err == nil {
		alone, err = b.handle(ctx, store, 1)
	}
	var raw load.Result
	if err == nil {
		raw, err = load.Run(ctx, 1, b.duration(), func(context.Context) (load.Round, error) {
			return func(ctx context.Context) error {
				w := unit.New(nil)
				w.Settle(unit.Receipt{Topic: "OrderCreated", Message: unit.NewID()})
				return store.Commit(ctx, w)
			}, nil
		})
	}
	if err := errors.Join(err, store.Close()); err != nil {
		return err
	}
	b.add(report.Row{Row: rowOnce, Value: many, Unit: "/s"}.AtLeast(35_000))
	b.add(report.Row{Row: rowOnceAlone, Value: alone, Unit: "/s"}.
		Against("the commit of a receipt", raw.Rate()).RatioAtLeast(0.75))
	return nil
}

// handle returns how many events are handled in a second, by so many handlers at
// once.
func (b *bench) handle(ctx context.Context, store unit.Store, concurrency int) (float64, error) {
	var heard atomic.Int64
	router, err := cqrs.NewRouter(hearer{&heard})
	if err != nil {
		return 0, err
	}
	dispatcher := cqrs.NewDispatcher(router, store, nil, cqrs.Config{})
	source := broker.NewLanes(dispatcher.Deliver, broker.LanesConfig{Concurrency: concurrency}).Source(ctx)
	defer source.Drain()
	const ahead = 1000 // as many as a consumer reads before it pauses
	var began time.Time
	var before int64
	for n, end := int64(0), time.Now().Add(b.warmup()+b.duration()); time.Now().Before(end); n++ {
		if began.IsZero() && time.Until(end) < b.duration() {
			began, before = time.Now(), heard.Load()
		}
		id := unit.NewID()
		waiting, _ := source.Add(n, broker.Message{
			ID: id, Topic: "OrderCreated", Key: id.String(), Content: fmt.Appendf(nil, `{"uuid":"%s"}`, id),
		})
		for waiting > ahead && ctx.Err() == nil {
			<-time.After(100 * time.Microsecond)
			waiting = source.Waiting()
		}
	}
	return float64(heard.Load()-before) / time.Since(began).Seconds(), ctx.Err()
}
