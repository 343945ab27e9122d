package privacy

import (
	"crypto/cipher"
	"errors"
	"sync"
	"time"
)

// held is what is known of a subject.
type held struct {
	aead      cipher.AEAD // nil: there is no key
	forgotten bool
	read      time.Time // from the store
}

var errNoKey = errors.New("its subject has no key")

func (h held) use() (cipher.AEAD, error) {
	switch {
	case h.forgotten:
		return nil, ErrForgotten
	case h.aead == nil:
		return nil, errNoKey
	}
	return h.aead, nil
}

// cache holds what was read of at most Config.Cached subjects. It has two
// generations: what is used moves to the young one, and when that is half of all
// the old one is dropped.
type cache struct {
	config Config

	mu         sync.Mutex
	young, old map[string]held
}

func newCache(config Config) *cache {
	return &cache{config: config, young: map[string]held{}, old: map[string]held{}}
}

func (c *cache) now() time.Time { return c.config.Now() }

// get returns what is held and may be used still. That a subject was forgotten
// is true for ever.
func (c *cache) get(subject string) (held, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h, ok := c.young[subject]
	if !ok {
		if h, ok = c.old[subject]; ok {
			c.keep(subject, h)
		}
	}
	if !ok || !h.forgotten && c.config.Now().Sub(h.read) >= c.config.Keep {
		return held{}, false
	}
	return h, true
}

// put holds what was read, and returns what is held then: a subject that was
// forgotten since stays forgotten.
func (c *cache) put(subject string, h held) held {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, generation := range []map[string]held{c.young, c.old} {
		if there, ok := generation[subject]; ok && there.forgotten {
			return there
		}
	}
	if h.aead != nil || h.forgotten { // that there is no key may change at once
		c.keep(subject, h)
	}
	return h
}

func (c *cache) forget(subject string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keep(subject, held{forgotten: true})
}

func (c *cache) keep(subject string, h held) {
	if len(c.young) >= max(1, c.config.Cached/2) {
		c.old, c.young = c.young, map[string]held{}
	}
	delete(c.old, subject)
	c.young[subject] = h
}
