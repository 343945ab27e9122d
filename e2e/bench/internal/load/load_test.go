package load_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/minos-framework/minos-go/e2e/bench/internal/load"
)

func TestRun(t *testing.T) {
	t.Parallel()
	t.Run("goes round for the time, all callers at once", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			result, err := load.Run(t.Context(), 4, time.Second, func(context.Context) (load.Round, error) {
				return func(context.Context) error { <-time.After(10 * time.Millisecond); return nil }, nil
			})
			if err != nil || result.Count() != 400 || result.Took != time.Second || result.Rate() != 400 {
				t.Errorf("%d rounds in %s: %v", result.Count(), result.Took, err)
			}
			if result.Percentile(0.5) != 10*time.Millisecond {
				t.Errorf("p50 %s", result.Percentile(0.5))
			}
		})
	})
	t.Run("ends when nobody has anything left to do", func(t *testing.T) {
		t.Parallel()
		var left atomic.Int64
		left.Store(10)
		result, err := load.Run(t.Context(), 3, time.Hour, func(context.Context) (load.Round, error) {
			return func(context.Context) error {
				if left.Add(-1) < 0 {
					return io.EOF
				}
				return nil
			}, nil
		})
		if err != nil || result.Count() != 10 {
			t.Errorf("%d rounds: %v", result.Count(), err)
		}
	})
	t.Run("ends with the first fault", func(t *testing.T) {
		t.Parallel()
		fault := errors.New("out of order")
		var callers atomic.Int64
		_, err := load.Run(t.Context(), 2, time.Hour, func(context.Context) (load.Round, error) {
			if callers.Add(1) == 1 {
				return func(context.Context) error { return fault }, nil
			}
			return func(ctx context.Context) error { <-ctx.Done(); return nil }, nil
		})
		if !errors.Is(err, fault) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("does not begin when a caller cannot be made", func(t *testing.T) {
		t.Parallel()
		fault := errors.New("no way")
		_, err := load.Run(t.Context(), 2, time.Hour, func(context.Context) (load.Round, error) { return nil, fault })
		if !errors.Is(err, fault) {
			t.Errorf("got %v", err)
		}
	})
}

func TestResult(t *testing.T) {
	t.Parallel()
	var rounds []time.Duration
	for i := 100; i > 0; i-- {
		rounds = append(rounds, time.Duration(i))
	}
	result := load.Of(time.Second, rounds)
	for share, want := range map[float64]time.Duration{0: 1, 0.5: 51, 0.99: 100, 1: 100} {
		if got := result.Percentile(share); got != want {
			t.Errorf("percentile %v is %d, not %d", share, got, want)
		}
	}
	if nothing := load.Of(0, nil); nothing.Rate() != 0 || nothing.Percentile(0.5) != 0 {
		t.Errorf("of no rounds: %v, %v", nothing.Rate(), nothing.Percentile(0.5))
	}
}

func TestConn_Post(t *testing.T) {
	t.Parallel()
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/refused" {
			http.Error(w, "not like this", http.StatusConflict)
			return
		}
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, "%s %s %s", r.Method, r.Header.Get("Content-Type"), content)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	conn, err := load.Dial(t.Context(), server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		answer, err := conn.Post("/foos", []byte(`{"bar":"test"}`), http.StatusCreated)
		if err != nil || string(answer) != `POST application/json {"bar":"test"}` {
			t.Fatalf("got %q, %v", answer, err)
		}
	}
	if _, err := conn.Post("/refused", nil, http.StatusCreated); err == nil || !strings.Contains(err.Error(), "409") ||
		!strings.Contains(err.Error(), "not like this") {
		t.Errorf("got %v", err)
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("there were %d connections", n)
	}
}
