package memory

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/minos-framework/minos-go/framework/broker"
)

// busGrace is how long handlers that run may go on after their subscription's
// context ended.
const busGrace = 10 * time.Second

// Bus is a broker inside the process: several services that share one make a
// system for a test. It keeps the promises of package broker for as long as the
// process lives, and keeps every message that was published.
type Bus struct {
	mu     sync.Mutex
	logs   map[string][]broker.Message // by topic
	shares map[shareKey]*share
	nobody int // numbers the members without a group
	closed bool
}

var _ broker.Broker = (*Bus)(nil)

// NewBus returns a bus without topics; they appear when they are named.
func NewBus() *Bus {
	return &Bus{logs: map[string][]broker.Message{}, shares: map[shareKey]*share{}}
}

// shareKey names what a group reads of a topic. A member without a group has a
// number in place of the name.
type shareKey struct {
	topic, group string
	nobody       int
}

// share is what a group reads of one topic, together.
type share struct {
	bus      *Bus
	lanes    *broker.Lanes
	changing sync.Mutex // held while a member comes or goes

	// The rest is guarded by bus.mu.
	source  *broker.Source // nil when there is no member
	offset  int64          // where the next source starts
	members []*member
	turn    int
}

// member is one call of Subscribe.
type member struct {
	handle  func(broker.Message) error
	running sync.WaitGroup
}

// Publish adds messages to their topics.
func (b *Bus) Publish(ctx context.Context, messages ...broker.Message) error {
	if err := broker.Validate(messages...); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return broker.ErrClosed
	}
	for _, m := range messages {
		if m.Key == "" {
			m.Key = m.ID.String()
		}
		m.Headers = maps.Clone(m.Headers)
		m.Content = slices.Clone(m.Content)
		offset := int64(len(b.logs[m.Topic]))
		b.logs[m.Topic] = append(b.logs[m.Topic], m)
		for key, s := range b.shares {
			if key.topic == m.Topic && s.source != nil {
				s.source.Add(offset, m)
			}
		}
	}
	return nil
}

// Subscribe delivers messages until ctx ends.
func (b *Bus) Subscribe(ctx context.Context, s broker.Subscription) error {
	handling, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	m := &member{handle: func(msg broker.Message) error { return s.Handle(handling, msg) }}
	shares := b.join(ctx, s, m)
	if s.Ready != nil {
		s.Ready()
	}
	<-ctx.Done()
	patience := time.AfterFunc(busGrace, cancel)
	defer patience.Stop()
	b.leave(shares, m)
	return nil
}

// join makes m a member of each topic's share.
func (b *Bus) join(ctx context.Context, s broker.Subscription, m *member) []shareKey {
	b.mu.Lock()
	b.nobody++
	keys := make([]shareKey, len(s.Topics))
	shares := make([]*share, len(s.Topics))
	for i, topic := range s.Topics {
		keys[i] = shareKey{topic: topic, group: s.Group}
		if s.Group == "" {
			keys[i].nobody = b.nobody
		}
		shares[i] = b.shares[keys[i]]
		if shares[i] == nil {
			shares[i] = b.newShare()
			if s.Group == "" {
				shares[i].offset = int64(len(b.logs[topic]))
			}
			b.shares[keys[i]] = shares[i]
		}
	}
	b.mu.Unlock()
	for i, share := range shares {
		share.join(ctx, m, keys[i].topic)
	}
	return keys
}

func (b *Bus) newShare() *share {
	s := &share{bus: b}
	s.lanes = broker.NewLanes(s.deliver, broker.LanesConfig{Grace: busGrace})
	return s
}

// leave ends m's membership, and returns when none of its handlers runs.
func (b *Bus) leave(keys []shareKey, m *member) {
	var leaving sync.WaitGroup
	for _, key := range keys {
		b.mu.Lock()
		s := b.shares[key]
		if key.group == "" {
			delete(b.shares, key)
		}
		b.mu.Unlock()
		leaving.Go(func() { s.leave(m) })
	}
	leaving.Wait()
	m.running.Wait()
}

func (s *share) join(ctx context.Context, m *member, topic string) {
	s.changing.Lock()
	defer s.changing.Unlock()
	s.bus.mu.Lock()
	defer s.bus.mu.Unlock()
	s.members = append(s.members, m)
	if s.source != nil {
		return
	}
	s.source = s.lanes.Source(ctx)
	for i, msg := range s.bus.logs[topic][s.offset:] {
		s.source.Add(s.offset+int64(i), msg)
	}
}

func (s *share) leave(m *member) {
	s.changing.Lock()
	defer s.changing.Unlock()
	s.bus.mu.Lock()
	defer s.bus.mu.Unlock()
	if len(s.members) == 1 { // the last one stays until nothing runs
		source := s.source
		s.bus.mu.Unlock()
		source.Drain()
		s.bus.mu.Lock()
		s.offset = max(s.offset, source.Next())
		s.source = nil
	}
	s.members = slices.DeleteFunc(s.members, func(other *member) bool { return other == m })
}

// deliver has one of the members, each in its turn, handle m. Their own
// contexts take the place of the one given: that one is the first member's.
func (s *share) deliver(_ context.Context, m broker.Message) error {
	s.bus.mu.Lock()
	s.turn++
	to := s.members[s.turn%len(s.members)]
	to.running.Add(1)
	s.bus.mu.Unlock()
	defer to.running.Done()
	m.Headers = maps.Clone(m.Headers)
	m.Content = slices.Clone(m.Content)
	return to.handle(m)
}

// CreateTopics does nothing: topics exist as soon as they are named.
func (b *Bus) CreateTopics(ctx context.Context, _ ...broker.Topic) error { return b.Ping(ctx) }

// Ping returns broker.ErrClosed after Close, else nil.
func (b *Bus) Ping(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return broker.ErrClosed
	}
	return ctx.Err()
}

// Close ends publishing. Subscriptions go on until their contexts end.
func (b *Bus) Close(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return nil
}
