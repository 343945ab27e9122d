package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/config"
	"github.com/minos-framework/minos-go/framework/cqrs"
	"github.com/minos-framework/minos-go/framework/rest"
	"github.com/minos-framework/minos-go/framework/saga"
	"github.com/minos-framework/minos-go/framework/schedule"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Service is one running microservice.
type Service struct {
	config config.Config
	logger *slog.Logger

	store      Store
	broker     broker.Broker
	registry   *aggregate.Registry
	dispatcher *cqrs.Dispatcher
	sagas      *saga.Manager
	relay      *broker.Relay
	client     *broker.Client
	references *referenceCache
	tasks      *schedule.Runner
	rest       *rest.Server

	state brokerState
}

// watchedStore is a store whose commits go in groups and wake the relay.
type watchedStore struct {
	Store
	watched *unit.Watched
}

func (s watchedStore) Commit(ctx context.Context, works ...*unit.Work) error {
	return s.watched.Commit(ctx, works...)
}

// New assembles a service: it opens the store and the broker's client, runs
// build, and checks everything that can be wrong with the user's code. Nothing
// runs yet. Close undoes it; Run does both.
func New(
	ctx context.Context, c config.Config, drivers Drivers, logger *slog.Logger, build func(*App) error,
) (*Service, error) {
	logger = cmp.Or(logger, slog.Default())
	database := c.Databases["default"]
	openStore, err := open("database", database.Client, drivers.Databases)
	if err != nil {
		return nil, err
	}
	openBroker, err := open("broker", c.Interfaces.Broker.Client, drivers.Brokers)
	if err != nil {
		return nil, err
	}
	s := &Service{config: c, logger: logger}
	s.store, err = retryOpen(ctx, logger, func(ctx context.Context) (Store, error) { return openStore(ctx, database) })
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if s.broker, err = openBroker(ctx, c.Name, c.Interfaces.Broker); err != nil {
		return nil, errors.Join(fmt.Errorf("open the broker: %w", err), s.store.Close())
	}
	//nolint:contextcheck // requests outlive the context that their service is made with
	if err := s.assemble(build); err != nil {
		return nil, errors.Join(err, s.Close(ctx))
	}
	return s, nil
}

// assemble joins the parts. The relay is made first, since every commit wakes
// it.
func (s *Service) assemble(build func(*App) error) error {
	var err error
	s.relay, err = broker.NewRelay(s.store, s.broker, aggregate.Messages, broker.RelayConfig{
		Batch: s.config.Interfaces.Broker.Common.Queue.Records, Logger: s.logger,
	})
	if err != nil {
		return err
	}
	commits := unit.Coalesce(s.store, unit.CoalesceConfig{})
	store := watchedStore{Store: s.store, watched: unit.Watch(commits, s.relay.Wake)}
	s.client, err = broker.NewClient(s.broker, s.broker, broker.ClientConfig{
		ReplyTopic: s.queryReplyTopic(), Logger: s.logger,
	})
	if err != nil {
		return err
	}
	s.sagas, err = saga.NewManager(store, saga.Config{
		Service: s.config.Name, ReplyTopic: s.replyTopic(),
		Timeout: time.Duration(s.config.Saga.Timeout) * time.Second, Logger: s.logger,
	})
	if err != nil {
		return err
	}
	s.registry = aggregate.NewRegistry(store)
	if err := protect(s.registry, s.store, s.config.Privacy); err != nil {
		return err
	}
	app := &App{Config: s.config, Logger: s.logger, Aggregates: s.registry, Sagas: s.sagas}
	if err := build(app); err != nil {
		return fmt.Errorf("build service %s: %w", s.config.Name, err)
	}
	s.references = newReferenceCache(s.registry.External())
	router, err := cqrs.NewRouter(append(slices.Clone(app.services), snapshots{s.registry})...)
	if err != nil {
		return fmt.Errorf("build service %s: %w", s.config.Name, err)
	}
	s.dispatcher = cqrs.NewDispatcher(router, store, s.broker, cqrs.Config{
		Middleware: app.middleware, Logger: s.logger,
	})
	tasks, err := schedule.Of(s.dispatcher)
	if err == nil {
		s.tasks, err = schedule.New(s.store, tasks, schedule.Config{Logger: s.logger})
	}
	if err != nil {
		return fmt.Errorf("build service %s: %w", s.config.Name, err)
	}
	s.rest, err = rest.New(s.dispatcher, rest.Config{
		Address: s.config.Interfaces.HTTP.Connector.Address(), Logger: s.logger, Base: s.base,
		Health: &rest.Health{Service: s.config.Name, Checks: map[string]func(context.Context) error{
			"database": s.store.Ping, "broker": s.brokerHealth,
			"relay": func(context.Context) error { return s.relay.Err() },
		}},
	})
	return err
}

// replyTopic is where the replies to this service's sagas go.
func (s *Service) replyTopic() string { return s.config.Name + "Reply" }

// queryReplyTopic is where the replies to this service's questions go; all
// replicas share it.
func (s *Service) queryReplyTopic() string { return s.config.Name + "QueryReply" }

// base is what every handler finds in its context.
func (s *Service) base(ctx context.Context) context.Context {
	return aggregate.WithResolver(ctx, resolver{registry: s.registry, client: s.client, cache: s.references})
}

// topics lists every topic that the service sends events on or listens to.
func (s *Service) topics() []broker.Topic {
	names := slices.Concat(s.registry.Topics(), s.subscribed(), s.references.topics(), []string{s.queryReplyTopic()})
	slices.Sort(names)
	var topics []broker.Topic
	for _, name := range slices.Compact(names) {
		topics = append(topics, broker.Topic{Name: name})
	}
	return topics
}

func (s *Service) subscribed() []string {
	return append(s.dispatcher.Router().Topics(), s.replyTopic())
}

// deliver handles a message of the broker.
func (s *Service) deliver(ctx context.Context, m broker.Message) error {
	s.references.hear(m)
	if m.Topic == s.replyTopic() {
		return s.sagas.Deliver(s.base(ctx), m)
	}
	return s.dispatcher.Deliver(s.base(ctx), m)
}

// Handler returns the service's HTTP handler, as tests need it without a port.
func (s *Service) Handler() *rest.Server { return s.rest }

// Close gives back what New opened. It is called once, after Run has returned
// or when it was never called.
func (s *Service) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeDeadline)
	defer cancel()
	return errors.Join(s.broker.Close(ctx), s.store.Close())
}

const closeDeadline = 5 * time.Second

// openDeadline is how long a service waits for a database that does not answer
// yet before it gives up and lets its supervisor start it again.
const openDeadline = 30 * time.Second

// retryOpen opens a store, again after a pause as long as it does not open. Each
// try is bounded by the deadline.
func retryOpen(
	ctx context.Context, logger *slog.Logger, open func(ctx context.Context) (Store, error),
) (Store, error) {
	ctx, cancel := context.WithTimeout(ctx, openDeadline)
	defer cancel()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		store, err := open(ctx)
		if err == nil {
			return store, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
		logger.WarnContext(ctx, "the database could not be opened and will be tried again", "error", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, err
		}
	}
}
