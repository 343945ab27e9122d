package service

import (
	"container/list"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/broker"
)

const (
	cacheEntries = 10_000
	cacheBytes   = 16 << 20
	// cacheAge bounds how long an entry is served, whatever is heard.
	cacheAge = time.Minute
)

// referenceCache holds what other services' roots are like, as far as roots of
// this service refer to them: an entry for each root, of one version.
//
// It listens to <Root>Updated and <Root>Deleted. What it promises: once such an
// event was handled here, by a handler or by the cache, nothing older than its
// version is served; and an entry is served for a minute at most, also when the
// broker is away and no events come. While it does not listen it serves nothing
// and takes nothing. Answers that were under way when an event came are not kept
// when they are older.
type referenceCache struct {
	names []string // of the roots that are referred to
	now   func() time.Time

	mu        sync.Mutex
	listening bool
	entries   map[entryKey]*list.Element // of *entry
	recent    *list.List                 // the one used last in front
	bytes     int
	flights   map[*flight]struct{}
}

type entryKey struct {
	name string
	id   uuid.UUID
}

type entry struct {
	key     entryKey
	version int
	object  json.RawMessage
	read    time.Time
}

// flight is a question that is under way.
type flight struct {
	name  string
	begun time.Time
	// usable says that every event since its departure is heard.
	usable bool
	// floors are the versions that events have told of meanwhile.
	floors map[uuid.UUID]int
}

func newReferenceCache(names []string) *referenceCache {
	return &referenceCache{
		names: names, now: time.Now,
		entries: map[entryKey]*list.Element{}, recent: list.New(), flights: map[*flight]struct{}{},
	}
}

// topics lists what the cache listens to.
func (c *referenceCache) topics() []string {
	var topics []string
	for _, name := range c.names {
		topics = append(topics, name+"Updated", name+"Deleted")
	}
	return topics
}

// run listens until ctx ends. Every replica hears every event.
func (c *referenceCache) run(ctx context.Context, b broker.Subscriber) error {
	if len(c.names) == 0 {
		return nil
	}
	defer c.listen(false)
	return b.Subscribe(ctx, broker.Subscription{
		Topics: c.topics(),
		Handle: func(_ context.Context, m broker.Message) error { c.hear(m); return nil },
		Ready:  func() { c.listen(true) },
	})
}

func (c *referenceCache) listen(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listening = on
	if on {
		return
	}
	clear(c.entries)
	c.recent.Init()
	c.bytes = 0
	for f := range c.flights {
		f.usable = false
	}
}

// get returns what is held of a root.
func (c *referenceCache) get(name string, id uuid.UUID) (json.RawMessage, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	place, ok := c.entries[entryKey{name, id}]
	if !ok || !c.listening {
		return nil, false
	}
	e := place.Value.(*entry) //nolint:forcetypeassert // nothing else is in it
	if c.now().Sub(e.read) >= cacheAge {
		c.drop(place)
		return nil, false
	}
	c.recent.MoveToFront(place)
	return e.object, true
}

// depart notes that roots are asked for.
func (c *referenceCache) depart(name string) *flight {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := &flight{
		name: name, begun: c.now(), floors: map[uuid.UUID]int{},
		usable: c.listening && slices.Contains(c.names, name),
	}
	c.flights[f] = struct{}{}
	return f
}

func (c *referenceCache) land(f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.flights, f)
}

// take keeps an object that came as an answer, unless an event has told of a
// newer version since the question. It returns the object's id, and false for
// what has none.
func (c *referenceCache) take(f *flight, object json.RawMessage) (uuid.UUID, bool) {
	id, version, ok := head(object)
	if !ok {
		return id, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	key := entryKey{f.name, id}
	place, held := c.entries[key]
	switch {
	case !f.usable || version < f.floors[id]:
		return id, true
	case held && place.Value.(*entry).version > version: //nolint:forcetypeassert // nothing else is in it
		return id, true
	case held:
		c.drop(place)
	}
	c.entries[key] = c.recent.PushFront(&entry{key: key, version: version, object: object, read: f.begun})
	c.bytes += len(object)
	for c.bytes > cacheBytes || c.recent.Len() > cacheEntries {
		c.drop(c.recent.Back())
	}
	return id, true
}

// hear drops what a message shows to be old. It is called before any handler
// of the message is.
func (c *referenceCache) hear(m broker.Message) {
	name, ok := c.about(m.Topic)
	if !ok {
		return
	}
	id, version, ok := head(m.Content)
	c.mu.Lock()
	defer c.mu.Unlock()
	for f := range c.flights {
		switch {
		case f.name != name:
		case !ok:
			f.usable = false
		default:
			f.floors[id] = max(f.floors[id], version)
		}
	}
	if place, held := c.entries[entryKey{name, id}]; held && place.Value.(*entry).version < version { //nolint:forcetypeassert // nothing else is in it
		c.drop(place)
	}
	if ok {
		return
	}
	for key, place := range c.entries { // what it is about cannot be known
		if key.name == name {
			c.drop(place)
		}
	}
}

// about returns the root that a topic tells of, <Root>Updated.<field> included.
func (c *referenceCache) about(topic string) (string, bool) {
	topic, _, _ = strings.Cut(topic, ".")
	for _, past := range []string{"Updated", "Deleted"} {
		if name, ok := strings.CutSuffix(topic, past); ok && slices.Contains(c.names, name) {
			return name, true
		}
	}
	return "", false
}

func (c *referenceCache) drop(place *list.Element) {
	e, _ := c.recent.Remove(place).(*entry)
	delete(c.entries, e.key)
	c.bytes -= len(e.object)
}

// head reads what events and objects begin with.
func head(content json.RawMessage) (id uuid.UUID, version int, ok bool) {
	var h struct {
		UUID    uuid.UUID `json:"uuid"`
		Version int       `json:"version"`
	}
	ok = json.Unmarshal(content, &h) == nil && h.UUID != uuid.Nil
	return h.UUID, h.Version, ok
}
