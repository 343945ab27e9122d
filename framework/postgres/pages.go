package postgres

import (
	"context"
	"iter"
)

// page is how many rows a sequence reads at a time.
const page = 1024

// inPages yields what read returns page by page: the items after last, which
// is nil at first, when n were yielded before. No connection is held while they
// are yielded, so that the loop's body may call the store. Who has read a page
// to its end is likely to read on: from then on the next page is read meanwhile.
// A loop that is left cancels that.
func inPages[T any](
	ctx context.Context, read func(ctx context.Context, last *T, n int) ([]T, error),
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		reading := func(last *T, n int) ([]T, error) { return read(ctx, last, n) }
		items, err := reading(nil, 0)
		for n := 0; err == nil; n += page {
			next := following(reading, items, n)
			for _, item := range items {
				if !yield(item, nil) {
					if cancel(); n > 0 {
						_, _ = next() // which must not outlive the loop
					}
					return
				}
			}
			if len(items) < page {
				return
			}
			items, err = next()
		}
		var none T
		yield(none, err)
	}
}

// following returns what reads the page after items, before which there are n.
func following[T any](read func(last *T, n int) ([]T, error), items []T, n int) func() ([]T, error) {
	if len(items) < page {
		return func() ([]T, error) { return nil, nil }
	}
	next := func() ([]T, error) { return read(&items[page-1], n+page) }
	if n > 0 {
		return ahead(next)
	}
	return next
}

// ahead calls read at once, on a goroutine of its own, and returns what waits
// for its results.
func ahead[T any](read func() ([]T, error)) func() ([]T, error) {
	var items []T
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		items, err = read()
	}()
	return func() ([]T, error) {
		<-done
		return items, err
	}
}
