package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// Health answers whether a service is up and all that it needs answers: 200,
// or 503 with what does not. Its checks run side by side, two seconds at most.
type Health struct {
	Service string
	// Checks are what the service needs, by name. Each returns nil when it
	// answers.
	Checks map[string]func(ctx context.Context) error
}

type healthReport struct {
	Status  string                 `json:"status"`
	Service string                 `json:"service"`
	Checks  map[string]healthCheck `json:"checks"`
}

type healthCheck struct {
	Status string `json:"status"`
	Error  string `json:"error,omitempty"`
}

const healthDeadline = 2 * time.Second

// ServeHTTP answers GET /system/health.
func (h *Health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), healthDeadline)
	defer cancel()
	report := healthReport{Status: "up", Service: h.Service, Checks: map[string]healthCheck{}}
	var mu sync.Mutex
	var wait sync.WaitGroup
	for name, check := range h.Checks {
		wait.Go(func() {
			result := healthCheck{Status: "up"}
			if err := check(ctx); err != nil {
				result = healthCheck{Status: "down", Error: err.Error()}
			}
			mu.Lock()
			defer mu.Unlock()
			report.Checks[name] = result
			if result.Status == "down" {
				report.Status = "down"
			}
		})
	}
	wait.Wait()
	w.Header().Set("Content-Type", "application/json")
	if report.Status != "up" {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(report) // the client is gone: nothing is to be done
}
