package aggregate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/minos-framework/minos-go/framework/unit"
)

// How often Update tries, and how long it waits at most before the second time;
// the pause doubles up to its limit.
const (
	updateTries = 10
	updatePause = 2 * time.Millisecond
	updateLimit = 100 * time.Millisecond
)

// Update loads an entity, lets change decide, and saves it, and returns it as
// it was saved. Outside a handler it does all of that again when another writer
// was first, up to 10 times with growing pauses, and then returns the
// *ConflictError; so change may run several times, each on a fresh entity.
// Inside a handler the conflict is found at the commit, and the handler is run
// again. An error of change is returned as it is, and nothing is stored.
func (r *Repository[T]) Update(ctx context.Context, id UUID, change func(entity *T) error) (*T, error) {
	pause := updatePause
	for try := 1; ; try++ {
		entity, err := r.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		if err := change(entity); err != nil {
			return nil, err
		}
		if err = r.Save(ctx, entity); err == nil {
			return entity, nil
		}
		if _, conflict := errors.AsType[*ConflictError](err); !conflict || unit.From(ctx) != nil || try == updateTries {
			return nil, err
		}
		// Writers that met once do not meet again: each waits for a time of its own.
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-ctx.Done():
			return nil, fmt.Errorf("update %s %s: %w", r.shape.Name, id, ctx.Err())
		}
		pause = min(2*pause, updateLimit)
	}
}
