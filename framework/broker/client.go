package broker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/unit"
)

// Client asks other services and waits for their replies: for questions that a
// handler needs answered now. What must happen is published with the unit of
// work instead, and what must happen elsewhere in step is a saga.
type Client struct {
	publisher  Publisher
	subscriber Subscriber
	config     ClientConfig

	ready, ended chan struct{} // closed when replies flow, and when Run returned
	strays       atomic.Int64

	mu      sync.Mutex
	waiting map[uuid.UUID]chan<- Message
}

// ClientConfig adjusts a Client.
type ClientConfig struct {
	// ReplyTopic is where replies are awaited; it exists already. Clients may
	// share one: each ignores the replies that others wait for. Required.
	ReplyTopic string
	// Timeout bounds a request whose context has no deadline. Zero means 60
	// seconds.
	Timeout time.Duration
	// Logger hears, at debug level, of replies that nobody waits for. Nil means
	// slog.Default.
	Logger *slog.Logger
}

// NewClient returns a client, which serves requests while Run runs.
func NewClient(publisher Publisher, subscriber Subscriber, config ClientConfig) (*Client, error) {
	if config.ReplyTopic == "" {
		return nil, errors.New("configure client: ReplyTopic: empty")
	}
	config.Timeout = cmp.Or(config.Timeout, time.Minute)
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	return &Client{
		publisher: publisher, subscriber: subscriber, config: config,
		ready: make(chan struct{}), ended: make(chan struct{}),
		waiting: map[uuid.UUID]chan<- Message{},
	}, nil
}

// Run receives replies until ctx ends. Requests that wait then get ErrClosed.
// It is called once.
func (c *Client) Run(ctx context.Context) error {
	defer close(c.ended)
	err := c.subscriber.Subscribe(ctx, Subscription{
		Topics: []string{c.config.ReplyTopic},
		Handle: c.receive,
		Ready:  func() { close(c.ready) },
	})
	if err != nil {
		return fmt.Errorf("receive replies on %s: %w", c.config.ReplyTopic, err)
	}
	return nil
}

// ErrClosed is returned for what is asked of a client or a broker that has
// ended.
var ErrClosed = errors.New("closed")

// ReplyTopic returns the topic that replies are awaited on.
func (c *Client) ReplyTopic() string { return c.config.ReplyTopic }

// Strays returns how many replies came that nobody here waited for: they were
// late, or meant for another client of the same topic.
func (c *Client) Strays() int64 { return c.strays.Load() }

// Request sends content, encoded as JSON, to topic and returns the reply. A
// reply whose status is 400 or more comes back as a *ReplyError. Without a
// reply before ctx's deadline, or Config.Timeout, the error wraps
// context.DeadlineExceeded; whether the request was handled is unknown then.
// The headers of the unit of work that ctx carries travel with the request. It
// waits for Run to be ready, and may be called from any goroutine.
func (c *Client) Request(ctx context.Context, topic string, content any) (Message, error) {
	m, err := c.message(ctx, topic, content)
	if err != nil {
		return Message{}, err
	}
	if _, ok := ctx.Deadline(); !ok {
		timed, cancel := context.WithTimeout(ctx, c.config.Timeout)
		defer cancel()
		ctx = timed
	}
	reply, err := c.exchange(ctx, m)
	if err != nil {
		return Message{}, fmt.Errorf("request %s: %w", topic, err)
	}
	if reply.Status >= 400 {
		return Message{}, newReplyError(topic, reply)
	}
	return reply, nil
}

func (c *Client) message(ctx context.Context, topic string, content any) (Message, error) {
	m := Message{ID: unit.NewID(), Topic: topic, ReplyTo: c.config.ReplyTopic}
	if content != nil {
		data, err := json.Marshal(content)
		if err != nil {
			return Message{}, fmt.Errorf("encode the request to %s: %w", topic, err)
		}
		m.Content = data
	}
	if w := unit.From(ctx); w != nil {
		m.Headers = w.Headers()
	}
	return m, nil
}

// exchange sends m and waits for the message with the same ID.
func (c *Client) exchange(ctx context.Context, m Message) (Message, error) {
	select {
	case <-c.ready:
	case <-c.ended:
		return Message{}, ErrClosed
	case <-ctx.Done():
		return Message{}, fmt.Errorf("wait for the reply topic %s: %w", c.config.ReplyTopic, ctx.Err())
	}
	replies := make(chan Message, 1)
	c.mu.Lock()
	c.waiting[m.ID] = replies
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.waiting, m.ID)
	}()
	if err := c.publisher.Publish(ctx, m); err != nil {
		return Message{}, err
	}
	select {
	case reply := <-replies:
		return reply, nil
	case <-c.ended:
		return Message{}, ErrClosed
	case <-ctx.Done():
		return Message{}, fmt.Errorf("wait for the reply: %w", ctx.Err())
	}
}

// receive hands a reply to the request that waits for it. A reply that is
// delivered twice is a stray the second time.
func (c *Client) receive(ctx context.Context, m Message) error {
	c.mu.Lock()
	replies, ok := c.waiting[m.ID]
	delete(c.waiting, m.ID)
	c.mu.Unlock()
	if !ok {
		c.strays.Add(1)
		c.config.Logger.DebugContext(ctx, "reply that nobody waits for", "topic", m.Topic, "message", m.ID)
		return nil
	}
	replies <- m
	return nil
}

// ReplyError is a reply that says that the request was not fulfilled.
type ReplyError struct {
	Topic  string // that was asked
	Status int    // as in HTTP, 400 or more
	Detail string // in the words of the service that replied
}

// Error gives the topic, the status and the detail.
func (e *ReplyError) Error() string {
	return fmt.Sprintf("%s replied %d: %s", e.Topic, e.Status, e.Detail)
}

// StatusCode returns the status, so that it can be passed on.
func (e *ReplyError) StatusCode() int { return e.Status }

func newReplyError(topic string, reply Message) *ReplyError {
	var problem struct{ Title, Detail string }
	detail := ""
	if json.Unmarshal(reply.Content, &problem) == nil {
		detail = cmp.Or(problem.Detail, problem.Title)
	}
	detail = cmp.Or(detail, strings.TrimSpace(string(reply.Content)))
	return &ReplyError{Topic: topic, Status: reply.Status, Detail: detail}
}
