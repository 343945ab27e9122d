package saga

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/unit"
)

// attempts bounds how often a transition is made when another writer was first
// each time. Rivals always let one of them through, so this is a matter of
// luck, and no reason to fail a saga: who asked for the transition asks again.
const attempts = 20

// Deliver goes on with the execution that reply belongs to. It returns nil when
// the message is done with, also when nothing waited for it: it came twice, too
// late, or belongs to no execution. After an error it is to be delivered again.
func (m *Manager) Deliver(ctx context.Context, reply broker.Message) error {
	id, err := uuid.Parse(reply.Headers[HeaderSaga])
	if err != nil {
		m.count.stale.Add(1)
		m.config.Logger.WarnContext(ctx, "a reply belongs to no saga", "topic", reply.Topic, "message", reply.ID)
		return nil //nolint:nilerr // delivering it again would not make it belong to one
	}
	_, err = m.transition(ctx, func(ctx context.Context) (*execution, error) {
		row, err := m.store.Saga(ctx, id)
		if errors.Is(err, ErrNotFound) {
			return nil, m.ignore(ctx, id, reply)
		}
		if err != nil {
			return nil, err
		}
		s, err := parseState(row)
		if err != nil {
			return nil, err
		}
		if reply.ID == uuid.Nil || s.Request != reply.ID {
			return nil, m.ignore(ctx, id, reply)
		}
		x, err := m.resume(row, s)
		if err != nil {
			return nil, err
		}
		x.work.Settle(unit.Receipt{Topic: reply.Topic, Message: reply.ID})
		r := Response{Topic: s.Topic, Status: reply.Status, Content: reply.Content, Headers: reply.Headers}
		if x.status == Waiting {
			return x, x.replied(ctx, r)
		}
		return x, x.undoReplied(ctx, r)
	})
	if _, ok := errors.AsType[*unit.DuplicateError](err); ok {
		return nil
	}
	if err != nil {
		return fmt.Errorf("go on with saga %s: %w", id, err)
	}
	return nil
}

// ignore settles a reply that nothing waits for.
func (m *Manager) ignore(ctx context.Context, id uuid.UUID, reply broker.Message) error {
	w := unit.New(nil)
	w.Settle(unit.Receipt{Topic: reply.Topic, Message: reply.ID})
	err := m.store.Commit(ctx, w)
	if err == nil {
		m.count.stale.Add(1)
		m.config.Logger.InfoContext(ctx, "a saga's reply was ignored: nothing waits for it", "id", id,
			"message", reply.ID, "step", reply.Headers[HeaderStep], "attempt", reply.Headers[HeaderAttempt])
	}
	return err
}

// resume makes an execution ready for its next transition.
func (m *Manager) resume(row unit.Saga, s state) (*execution, error) {
	p, err := m.plan(row.Definition, s.Version, s.Shape)
	if err != nil {
		return nil, err
	}
	return &execution{
		id: row.ID, plan: p, config: &m.config, revision: row.Revision, status: Status(row.Status), state: s,
		work: unit.New(s.Headers),
	}, nil
}

// create makes the first transition in w: it stages the row, or fails.
func (m *Manager) create(
	ctx context.Context, w *unit.Work, p *plan, id uuid.UUID, data json.RawMessage, headers map[string]string,
) (*execution, error) {
	x := newExecution(p, &m.config, id, data, headers)
	x.work = w
	x.note(entry{What: "started"})
	if err := x.forward(ctx); err != nil {
		return nil, fmt.Errorf("start saga %s: %w", p.name, err)
	}
	return x, x.save()
}

// createNow makes the first transition in a work of its own and commits it.
func (m *Manager) createNow(
	ctx context.Context, p *plan, id uuid.UUID, data json.RawMessage, headers map[string]string,
) (*execution, error) {
	x, err := m.transition(ctx, func(ctx context.Context) (*execution, error) {
		x := newExecution(p, &m.config, id, data, headers)
		x.work = unit.New(headers)
		x.note(entry{What: "started"})
		return x, x.forward(ctx)
	})
	if err != nil {
		return nil, fmt.Errorf("start saga %s: %w", p.name, err)
	}
	return x, nil
}

// transition commits the transition that decide makes, and makes it again when
// another writer was first: of the row, or of what a local step saved. A nil
// execution is nothing to commit.
func (m *Manager) transition(
	ctx context.Context, decide func(context.Context) (*execution, error),
) (*execution, error) {
	for n := 1; ; n++ {
		x, err := decide(ctx)
		if err != nil || x == nil {
			return nil, err
		}
		err = m.commit(ctx, x)
		if err == nil {
			return x, nil
		}
		if _, ok := errors.AsType[*unit.ConflictError](err); !ok || n == attempts {
			return nil, err
		}
		m.count.conflicts.Add(1)
		if err := pause(ctx, time.Duration(rand.Int64N(int64(n)*int64(3*time.Millisecond)))); err != nil {
			return nil, err
		}
	}
}

// commit stores a transition and tells who waits for it.
func (m *Manager) commit(ctx context.Context, x *execution) error {
	if err := x.save(); err != nil {
		return err
	}
	if err := m.store.Commit(ctx, x.work); err != nil {
		return err
	}
	if x.revision == 0 {
		m.count.started.Add(1)
	}
	if x.status.Ended() {
		m.ended(ctx, x)
	}
	return nil
}

// ended counts the end of an execution, and tells it.
func (m *Manager) ended(ctx context.Context, x *execution) {
	switch x.status {
	case Finished:
		m.count.finished.Add(1)
	case Errored:
		m.count.errored.Add(1)
	case NeedsAttention:
		m.count.attention.Add(1)
		m.config.Logger.ErrorContext(ctx, "a saga needs attention", "saga", x.plan.name, "id", x.id,
			"step", x.state.Undo.Step, "error", x.state.Undo.Text, "cause", x.state.Cause.Text)
	}
	m.waits.tell(x.view())
}

// pause waits, or returns the error of ctx when that ends first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
