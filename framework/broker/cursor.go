package broker

import (
	"context"
	"fmt"
	"sync/atomic"
)

// cursor is how far a relay has come, and how far its lease knows of it.
type cursor struct {
	lease           Lease
	saved, position int64
	behind          atomic.Int64 // saved, for who trims
	moved           func()       // called when it is saved elsewhere than before
}

// save makes the lease know the position.
func (c *cursor) save(ctx context.Context) error {
	if c.position == c.saved {
		return nil
	}
	if err := c.lease.Save(ctx, c.position); err != nil {
		return fmt.Errorf("save the cursor at %d: %w", c.position, err)
	}
	c.saved = c.position
	c.behind.Store(c.saved)
	c.moved()
	return nil
}
