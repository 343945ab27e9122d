package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
)

// profileOf is where a service hands out profiles.
type profileOf struct{ service, address string }

// profiling begins to take the services' CPU profiles, if they are wanted, and
// returns what waits for them.
func (b *bench) profiling(ctx context.Context, load string) func() error {
	if b.options.profile == "" {
		return func() error { return nil }
	}
	var group sync.WaitGroup
	faults := make([]error, len(b.profiles))
	for i, p := range b.profiles {
		group.Go(func() {
			url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", p.address, int(b.duration().Seconds())-1)
			faults[i] = download(ctx, url, filepath.Join(b.options.profile, load+"-"+p.service+".pprof"))
		})
	}
	return func() error {
		group.Wait()
		return errors.Join(faults...)
	}
}

func download(ctx context.Context, url, path string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return fmt.Errorf("take a profile: %w", err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("take a profile: %w", err)
	}
	defer func() { _ = response.Body.Close() }() // it was read, or the error is known
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("take a profile: %w", err)
	}
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("take a profile: %w", err)
	}
	_, err = io.Copy(file, response.Body)
	return errors.Join(err, file.Close())
}
