package demo

import (
	"context"
	"strings"
	"sync"

	"github.com/minos-framework/minos-go/cmd/minos/internal/servicelog"
)

// Log keeps what services log, and lets a story wait for it. Its zero value is
// empty and ready to use, by any number of goroutines.
type Log struct {
	mu      sync.Mutex
	lines   []logged
	changed chan struct{} // closed at the next line; nil while nobody waits
}

type logged struct {
	service, text string
}

// Add adds a line of a service.
func (l *Log) Add(service, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, logged{service, text})
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// Tail returns the last n lines, each behind its service's name.
func (l *Log) Tail(n int) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var tail []string
	for _, line := range l.lines[max(0, len(l.lines)-n):] {
		tail = append(tail, line.service+": "+line.text)
	}
	return tail
}

// anyUUID awaits an event of whichever aggregate.
const anyUUID = ""

// await returns the first record in which service says that it has handled an
// event, once it is there; false when ctx ended before.
func (l *Log) await(ctx context.Context, service, topic, uuid string) (servicelog.Record, bool) {
	seen := 0
	for {
		l.mu.Lock()
		fresh := l.lines[seen:]
		seen = len(l.lines)
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		changed := l.changed
		l.mu.Unlock()
		for _, line := range fresh {
			if line.service != service || !strings.Contains(line.text, topic) {
				continue
			}
			r, ok := servicelog.Parse(line.text)
			if ok && r.Attribute("topic") == topic && (uuid == anyUUID || r.Attribute("uuid") == uuid) {
				return r, true
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return servicelog.Record{}, false
		}
	}
}
