package broker_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/minos-framework/minos-go/framework/broker"
)

func TestRelay_Run_stop(t *testing.T) {
	t.Parallel()
	t.Run("a stop sends what is in the outbox, and what was committed just before it", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := newRelayBench(t, broker.RelayConfig{Batch: 2, PollMin: time.Hour, PollMax: time.Hour})
			stop := r.run(t)
			synctest.Wait() // it has found nothing, and will not look for an hour
			r.outbox.commit(9, 0)
			stop()
			r.expectFirsts(t, 9)
			if saved := r.outbox.saved(); saved != 9 {
				t.Errorf("the cursor is at %d", saved)
			}
		})
	})
	t.Run("a stop ends within the grace period however much there is, and saves what it sent", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := newRelayBench(t, broker.RelayConfig{Batch: 1, Grace: 4 * time.Second})
			r.publisher.takes = 300 * time.Millisecond
			r.outbox.commit(100, 0)
			stop := r.run(t)
			synctest.Wait()
			started := time.Now()
			stop()
			if took := time.Since(started); took < 2*time.Second || took > 4*time.Second {
				t.Errorf("the stop took %s", took)
			}
			if sent := r.publisher.sent.len(); int64(sent) != r.outbox.saved() || sent < 6 {
				t.Errorf("%d were sent, the cursor is at %d", sent, r.outbox.saved())
			}
		})
	})
}

func TestRelay_Err(t *testing.T) {
	t.Parallel()
	t.Run("tells the fault and since when, until something is sent", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := newRelayBench(t, broker.RelayConfig{})
			r.stuck.Store(true)
			r.outbox.commit(2, 0)
			r.run(t)
			<-time.After(time.Second)
			if err := r.relay.Err(); err != nil {
				t.Errorf("it works, and says %v", err)
			}
			r.outbox.commitEvent()
			since := time.Now().UTC().Format(time.RFC3339)
			<-time.After(time.Minute)
			err := r.relay.Err()
			if !errors.Is(err, errNotNow) || !strings.Contains(err.Error(), "stuck since "+since) {
				t.Errorf("%v, not since %s", err, since)
			}
			r.stuck.Store(false)
			<-time.After(6 * time.Second)
			if err := r.relay.Err(); err != nil {
				t.Errorf("it works again, and says %v", err)
			}
		})
	})
	t.Run("forgets a fault when there is nothing to send", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := newRelayBench(t, broker.RelayConfig{})
			r.outbox.fail = map[string]error{"lead": errNotNow}
			r.run(t)
			synctest.Wait()
			if err := r.relay.Err(); !errors.Is(err, errNotNow) {
				t.Errorf("%v", err)
			}
			<-time.After(time.Second)
			if err := r.relay.Err(); err != nil {
				t.Errorf("it works again, and says %v", err)
			}
		})
	})
	t.Run("says once what was to be done", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := newRelayBench(t, broker.RelayConfig{})
			r.publisher.failAfter = 1
			r.outbox.commit(2, 0)
			r.run(t)
			<-time.After(12 * time.Millisecond) // the second attempt is later
			if err := r.relay.Err(); err == nil || !strings.HasSuffix(err.Error(), ": send the outbox up to 2: not now") {
				t.Errorf("%v", err)
			}
		})
	})
	t.Run("is nil while another process leads", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := newRelayBench(t, broker.RelayConfig{})
			r.outbox.fail = map[string]error{"lead": broker.ErrDeposed}
			r.run(t)
			synctest.Wait()
			if err := r.relay.Err(); err != nil {
				t.Errorf("%v", err)
			}
		})
	})
}
