package broker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/unit"
)

func TestClient_Request(t *testing.T) {
	t.Parallel()
	t.Run("returns the reply with the request's identifier, many at once", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			client := newClient(t, func(m broker.Message) []broker.Message {
				foreign := broker.Message{ID: unit.NewID(), Content: json.RawMessage(`"for another client"`)}
				answer := reply(m, 200, m.Content)
				return []broker.Message{foreign, answer, answer} // as after a redelivery
			})
			var asking sync.WaitGroup
			for n := range 100 {
				asking.Go(func() {
					got, err := client.Request(t.Context(), "Echo", n)
					if err != nil || string(got.Content) != fmt.Sprint(n) || got.Status != 200 {
						t.Errorf("request %d: %+v, %v", n, got, err)
					}
				})
			}
			asking.Wait()
			if strays := client.Strays(); strays != 200 {
				t.Errorf("%d strays", strays)
			}
		})
	})
	t.Run("sends the headers of the unit of work, and asks for a reply", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var asked broker.Message
			client := newClient(t, func(m broker.Message) []broker.Message {
				asked = m
				return []broker.Message{reply(m, 200, nil)}
			})
			ctx := unit.With(t.Context(), unit.New(map[string]string{"User": "jo"}))
			if _, err := client.Request(ctx, "Echo", nil); err != nil {
				t.Fatal(err)
			}
			if asked.Topic != "Echo" || asked.ReplyTo != client.ReplyTopic() ||
				asked.Headers["User"] != "jo" || asked.Content != nil {
				t.Errorf("asked %+v", asked)
			}
		})
	})
	for content, detail := range map[string]string{
		`{"title": "Not Found", "status": 404, "detail": "no foo 7"}`: "no foo 7",
		`{"title": "Not Found"}`: "Not Found",
		`"it is gone"`:           `"it is gone"`,
		`gone`:                   "gone",
		``:                       "",
	} {
		t.Run("returns a refusal as an error: "+content, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := newClient(t, func(m broker.Message) []broker.Message {
					return []broker.Message{reply(m, 404, json.RawMessage(content))}
				})
				_, err := client.Request(t.Context(), "GetFoo", nil)
				refused, ok := errors.AsType[*broker.ReplyError](err)
				if !ok || refused.StatusCode() != 404 || refused.Topic != "GetFoo" || refused.Detail != detail {
					t.Errorf("%#v", err)
				}
			})
		})
	}
}

func TestClient_Request_faults(t *testing.T) {
	t.Parallel()
	t.Run("gives up at the context's deadline, else after the timeout; a late reply is ignored", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var late []broker.Message
			client, wire := newClientAndWire(t, func(m broker.Message) []broker.Message {
				late = append(late, reply(m, 200, nil))
				return nil
			})
			ask := func(ctx context.Context, limit time.Duration) {
				t.Helper()
				started := time.Now()
				_, err := client.Request(ctx, "Silent", nil)
				if took := time.Since(started); !errors.Is(err, context.DeadlineExceeded) || took != limit {
					t.Errorf("after %s: %v", took, err)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			ask(ctx, time.Second)
			ask(t.Context(), time.Minute)
			for _, m := range late {
				if err := wire.handle(t.Context(), m); err != nil {
					t.Errorf("late reply: %v", err)
				}
			}
			if strays := client.Strays(); strays != 2 {
				t.Errorf("%d strays", strays)
			}
		})
	})
	t.Run("returns the publisher's error", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			client, wire := newClientAndWire(t, nil)
			wire.err = errNotNow
			if _, err := client.Request(t.Context(), "Echo", nil); !errors.Is(err, errNotNow) {
				t.Errorf("%v", err)
			}
		})
	})
	t.Run("refuses content that is not JSON", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			if _, err := newClient(t, nil).Request(t.Context(), "Echo", func() {}); err == nil {
				t.Error("sent a function")
			}
		})
	})
	t.Run("waits until replies can be received, and ends when they cannot any more", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			wire := &wire{}
			client, err := broker.NewClient(wire, wire, broker.ClientConfig{ReplyTopic: "Reply"})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := client.Request(ctx, "Echo", nil); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("without Run: %v", err)
			}
			running, stop := context.WithCancel(t.Context())
			go func() {
				<-time.After(time.Second)
				stop()
			}()
			asked := make(chan error, 1)
			go func() {
				_, err := client.Request(t.Context(), "Silent", nil)
				asked <- err
			}()
			if err := client.Run(running); err != nil {
				t.Errorf("run: %v", err)
			}
			if err := <-asked; !errors.Is(err, broker.ErrClosed) {
				t.Errorf("asked when Run ended: %v", err)
			}
			if _, err := client.Request(t.Context(), "Echo", nil); !errors.Is(err, broker.ErrClosed) {
				t.Errorf("asked after Run ended: %v", err)
			}
		})
	})
}

func TestNewClient_invalid(t *testing.T) {
	t.Parallel()
	if _, err := broker.NewClient(nil, nil, broker.ClientConfig{}); err == nil {
		t.Error("made a client without a reply topic")
	}
}

// wire is a publisher whose messages are answered at once, and the subscriber
// that gets the answers.
type wire struct {
	answer func(broker.Message) []broker.Message
	handle broker.Handler
	err    error
}

func (w *wire) Publish(ctx context.Context, messages ...broker.Message) error {
	if w.err != nil || w.answer == nil {
		return w.err
	}
	for _, m := range messages {
		for _, r := range w.answer(m) {
			if err := w.handle(ctx, r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *wire) Subscribe(ctx context.Context, s broker.Subscription) error {
	w.handle = s.Handle
	s.Ready()
	<-ctx.Done()
	return nil
}

func newClient(t *testing.T, answer func(broker.Message) []broker.Message) *broker.Client {
	t.Helper()
	client, _ := newClientAndWire(t, answer)
	return client
}

func newClientAndWire(t *testing.T, answer func(broker.Message) []broker.Message) (*broker.Client, *wire) {
	t.Helper()
	w := &wire{answer: answer}
	client, err := broker.NewClient(w, w, broker.ClientConfig{ReplyTopic: "Reply"})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		if err := client.Run(t.Context()); err != nil {
			t.Errorf("run: %v", err)
		}
	}()
	return client, w
}

func reply(to broker.Message, status int, content json.RawMessage) broker.Message {
	return broker.Message{ID: to.ID, Topic: to.ReplyTo, Status: status, Content: content}
}
