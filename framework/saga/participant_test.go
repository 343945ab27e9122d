package saga_test

import (
	"context"
	"net/http"
	"sync"

	"github.com/minos-framework/minos-go/framework/saga"
)

// participant answers the requests that a system sends, as other services do,
// and tells its manager of the replies.
type participant struct {
	*system
	answers map[string]int // status by topic; 200 where there is none

	mu     sync.Mutex
	topics []string // of the requests that were answered
}

// serve makes p answer what is committed from now on. The manager that s has
// from then on commits through it.
func serve(s *system, config saga.Config, answers map[string]int) *participant {
	s.t.Helper()
	p := &participant{system: s, answers: answers}
	changed := make(chan struct{}, 1)
	s.changed = func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	s.restart(config)
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ctx.Done():
				return
			case <-changed:
				p.answerAll()
			}
		}
	}()
	s.t.Cleanup(func() {
		cancel()
		<-done
	})
	return p
}

func (p *participant) answerAll() {
	for messages := p.sent(); len(messages) > 0; messages = p.sent() {
		for _, m := range messages {
			p.mu.Lock()
			p.topics = append(p.topics, m.Topic)
			status, ok := p.answers[m.Topic]
			p.mu.Unlock()
			if !ok {
				status = http.StatusOK
			}
			if m.ReplyTo != "" {
				p.answer(m, status, m.Topic+" answered")
			}
		}
	}
}

// asked returns the topics of all messages so far.
func (p *participant) asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.topics...)
}
