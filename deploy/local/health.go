package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	healthPath     = "/system/health"
	healthPause    = 10 * time.Millisecond
	healthDeadline = 3 * time.Second
	// healthBody bounds what is shown of an answer.
	healthBody = 2048
)

// await returns nil when the service is healthy, and a *NotReadyError when it
// ended or timeout is over before that.
func (p *process) await(ctx context.Context, timeout time.Duration) error {
	within, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	tick := time.NewTicker(healthPause)
	defer tick.Stop()
	var unhealthy error
	for {
		err := p.healthy(within, client)
		if err == nil {
			return nil
		}
		if within.Err() == nil || unhealthy == nil { // what our own deadline cut off is no cause
			unhealthy = err
		}
		select {
		case <-p.exited:
			return &NotReadyError{Service: p.service.Name, Err: p.cause(), Log: p.tail.last()}
		case <-within.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return &NotReadyError{
				Service: p.service.Name,
				Err:     fmt.Errorf("not healthy after %s: %w", timeout, unhealthy),
				Log:     p.tail.last(),
			}
		case <-tick.C:
		}
	}
}

// healthy asks the service once.
func (p *process) healthy(ctx context.Context, client *http.Client) error {
	ctx, cancel := context.WithTimeout(ctx, healthDeadline)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+healthPath, nil)
	if err != nil {
		return fmt.Errorf("ask for the health: %w", err)
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, healthBody))
	if err != nil {
		return fmt.Errorf("read the health: %w", err)
	}
	if response.StatusCode == http.StatusOK {
		return nil
	}
	return errors.New("GET " + healthPath + " answered " + response.Status + " " + strings.TrimSpace(string(body)))
}
