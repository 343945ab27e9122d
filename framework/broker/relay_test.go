package broker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/unit"
)

func TestRelay_Run(t *testing.T) {
	t.Parallel()
	t.Run("sends events and messages in the store's order", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := newRelayBench(t, broker.RelayConfig{Batch: 3})
			r.outbox.commit(5, 5)
			r.outbox.commitEvent()
			r.outbox.commit(2, 7)
			r.run(t)
			<-time.After(time.Second)
			r.expectOrder(t, "5", "6", "7", "8", "9", "event-6-a", "event-6-b", "7", "8")
			if saved := r.outbox.saved(); saved != 8 {
				t.Errorf("the cursor is at %d", saved)
			}
		})
	})
	t.Run("sends at once when woken, and within PollMax when not", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := newRelayBench(t, broker.RelayConfig{})
			r.run(t)
			<-time.After(time.Minute + time.Millisecond)
			r.outbox.commit(1, 0)
			r.relay.Wake()
			r.relay.Wake()
			synctest.Wait()
			r.expectOrder(t, "0")
			<-time.After(time.Minute)
			r.outbox.commit(1, 1)
			<-time.After(250 * time.Millisecond)
			synctest.Wait()
			r.expectOrder(t, "0", "1")
		})
	})
	t.Run("finds what another transaction held back, soon after it was woken", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := newRelayBench(t, broker.RelayConfig{})
			r.run(t)
			<-time.After(time.Minute)
			r.relay.Wake() // nothing is visible yet
			synctest.Wait()
			r.outbox.commit(1, 0)
			<-time.After(6 * time.Millisecond)
			synctest.Wait()
			r.expectOrder(t, "0")
		})
	})
	t.Run("goes on where the cursor was saved", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := newRelayBench(t, broker.RelayConfig{})
			r.outbox.commit(3, 0)
			stop := r.run(t)
			<-time.After(time.Second)
			stop()
			r.outbox.commit(2, 3)
			r.again(t)
			r.run(t)
			<-time.After(time.Second)
			r.expectOrder(t, "0", "1", "2", "3", "4")
		})
	})
	t.Run("trims what was sent, and old receipts also when nothing is sent", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := newRelayBench(t, broker.RelayConfig{TrimEvery: time.Second, Receipts: time.Hour})
			r.run(t)
			<-time.After(1500 * time.Millisecond)
			if trimmed, before := r.outbox.trimmedTo(); trimmed != 0 || !before.Equal(time.Now().Add(-500*time.Millisecond-time.Hour)) {
				t.Errorf("trimmed up to %d, and receipts before %v at %v", trimmed, before, time.Now())
			}
			r.outbox.commit(4, 0)
			<-time.After(time.Second)
			if trimmed, _ := r.outbox.trimmedTo(); trimmed != 4 {
				t.Errorf("trimmed up to %d", trimmed)
			}
		})
	})
}

func TestRelay_Run_faults(t *testing.T) {
	t.Parallel()
	t.Run("a batch that fails in the middle is sent again, nothing lost and in order", func(t *testing.T) {
		t.Parallel()
		for failAt := range 8 {
			synctest.Test(t, func(t *testing.T) {
				r := newRelayBench(t, broker.RelayConfig{Batch: 3})
				r.publisher.failAfter = failAt
				r.outbox.commit(8, 0)
				r.run(t)
				<-time.After(10 * time.Second)
				r.expectFirsts(t, 8)
			})
		}
	})
	t.Run("an outbox, a lease or a cursor that fails is tried again", func(t *testing.T) {
		t.Parallel()
		for _, call := range []string{"lead", "pending", "save", "trim", "release"} {
			synctest.Test(t, func(t *testing.T) {
				r := newRelayBench(t, broker.RelayConfig{Batch: 2, TrimEvery: time.Millisecond})
				r.outbox.fail = map[string]error{call: errNotNow}
				r.outbox.commit(5, 0)
				stop := r.run(t)
				<-time.After(10 * time.Second)
				r.expectFirsts(t, 5)
				stop()
				if saved := r.outbox.saved(); saved != 5 {
					t.Errorf("%s: the cursor is at %d", call, saved)
				}
			})
		}
	})
	t.Run("a crash between sending and saving repeats, and loses nothing", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := newRelayBench(t, broker.RelayConfig{Batch: 2, SaveEvery: time.Hour})
			r.outbox.commit(5, 0)
			r.outbox.fail = map[string]error{"save": errors.New("killed")} // as the last save of a stop
			stop := r.run(t)
			<-time.After(time.Second)
			stop()
			if saved := r.outbox.saved(); saved != 0 {
				t.Errorf("the cursor is at %d", saved)
			}
			r.again(t)
			r.run(t)
			<-time.After(time.Second)
			r.expectFirsts(t, 5)
			if sent := r.publisher.sent.len(); sent != 10 {
				t.Errorf("%d messages were sent", sent)
			}
		})
	})
	t.Run("a relay that is deposed leads again from the new cursor", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := newRelayBench(t, broker.RelayConfig{})
			r.outbox.commit(3, 0)
			r.run(t)
			<-time.After(time.Second)
			r.outbox.depose(6) // the other one sent 3, 4 and 5
			r.outbox.commit(6, 3)
			<-time.After(10 * time.Second)
			if saved := r.outbox.saved(); saved != 9 {
				t.Errorf("the cursor is at %d", saved)
			}
			r.expectFirsts(t, 9)
		})
	})
	t.Run("an event that cannot be expanded stops what comes after it, loudly, until it can", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := newRelayBench(t, broker.RelayConfig{})
			r.stuck.Store(true)
			r.outbox.commit(2, 0)
			r.outbox.commitEvent()
			r.outbox.commit(1, 2)
			r.run(t)
			<-time.After(20 * time.Second)
			r.expectOrder(t, "0", "1")
			if r.outbox.saved() != 2 || r.errors.count() < 3 {
				t.Errorf("the cursor is at %d, %d errors were logged", r.outbox.saved(), r.errors.count())
			}
			r.stuck.Store(false)
			<-time.After(10 * time.Second)
			r.expectOrder(t, "0", "1", "event-3-a", "event-3-b", "2")
		})
	})
	t.Run("a stop lets the batch being sent finish, for a grace period", func(t *testing.T) {
		t.Parallel()
		for takes, want := range map[time.Duration]int64{time.Second: 3, time.Minute: 0} {
			synctest.Test(t, func(t *testing.T) {
				r := newRelayBench(t, broker.RelayConfig{})
				r.publisher.takes = takes
				r.outbox.commit(3, 0)
				stop := r.run(t)
				synctest.Wait()
				started := time.Now()
				stop()
				if took := time.Since(started); took > 2*time.Second {
					t.Errorf("the stop took %s", took)
				}
				if saved := r.outbox.saved(); saved != want {
					t.Errorf("the cursor is at %d, want %d", saved, want)
				}
			})
		}
	})
}

func TestNewRelay_invalid(t *testing.T) {
	t.Parallel()
	_, err := broker.NewRelay(nil, nil, nil, broker.RelayConfig{Batch: -1, PollMin: time.Hour})
	if err == nil {
		t.Fatal("made a relay of nonsense")
	}
}

// relayBench is a relay between fakes.
type relayBench struct {
	relay     *broker.Relay
	outbox    *fakeOutbox
	publisher *fakePublisher
	errors    *errorCounter
	stuck     atomic.Bool // events cannot be expanded
	config    broker.RelayConfig
}

func newRelayBench(t *testing.T, config broker.RelayConfig) *relayBench {
	t.Helper()
	r := &relayBench{
		outbox: &fakeOutbox{}, publisher: &fakePublisher{failAfter: -1}, errors: &errorCounter{}, config: config,
	}
	r.config.Logger = slog.New(r.errors)
	r.again(t)
	return r
}

// again makes the relay anew, as a restart of the process does.
func (r *relayBench) again(t *testing.T) {
	t.Helper()
	var err error
	r.relay, err = broker.NewRelay(r.outbox, r.publisher, r.expand, r.config)
	if err != nil {
		t.Fatal(err)
	}
}

func (r *relayBench) expand(e unit.Event) ([]broker.Message, error) {
	if r.stuck.Load() {
		return nil, errNotNow
	}
	var messages []broker.Message
	for _, part := range []string{"a", "b"} {
		messages = append(messages, broker.Message{
			ID: unit.NewID(), Topic: "topic", Content: fmt.Appendf(nil, "event-%d-%s", e.Seq, part),
		})
	}
	return messages, nil
}

// run runs the relay until the test ends or the function that it returns is
// called.
func (r *relayBench) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.relay.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func (r *relayBench) expectOrder(t *testing.T, want ...string) {
	t.Helper()
	if got := r.publisher.contents(); !slices.Equal(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
}

// expectFirsts checks that the messages 0..n-1 were sent, the first time each
// in order.
func (r *relayBench) expectFirsts(t *testing.T, n int) {
	t.Helper()
	var got, want []string
	for _, content := range r.publisher.contents() {
		if !slices.Contains(got, content) {
			got = append(got, content)
		}
	}
	for i := range n {
		want = append(want, fmt.Sprint(i))
	}
	if !slices.Equal(got, want) {
		t.Errorf("first sent in the order %v", got)
	}
}
