package sensitive

import (
	"context"
	"iter"

	"github.com/minos-framework/minos-go/framework/privacy"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Warm reads the keys of a number of states at once, before they are opened.
func (s *Fields) Warm(ctx context.Context, states iter.Seq2[unit.Snapshot, error]) iter.Seq2[unit.Snapshot, error] {
	if s == nil {
		return states
	}
	return func(yield func(unit.Snapshot, error) bool) {
		var some []unit.Snapshot
		for state, err := range states {
			if err != nil {
				if s.hand(ctx, some, yield) {
					yield(state, err)
				}
				return
			}
			if some = append(some, state); len(some) < warmed {
				continue
			}
			if !s.hand(ctx, some, yield) {
				return
			}
			some = some[:0]
		}
		s.hand(ctx, some, yield)
	}
}

// hand yields states once their keys are there, and reports whether more are
// wanted.
func (s *Fields) hand(ctx context.Context, some []unit.Snapshot, yield func(unit.Snapshot, error) bool) bool {
	if err := s.load(ctx, some); err != nil {
		yield(unit.Snapshot{}, err)
		return false
	}
	for _, state := range some {
		if !yield(state, nil) {
			return false
		}
	}
	return true
}

// warmed is how many states have their keys read at once.
const warmed = 100

func (s *Fields) load(ctx context.Context, states []unit.Snapshot) error {
	var subjects []string
	for _, state := range states {
		values, err := s.split(state.Data)
		if err != nil {
			return err
		}
		for i, f := range s.fields {
			if subject, ok := privacy.Sealed(values[i]); ok && f.sensitive {
				subjects = append(subjects, subject)
			}
		}
	}
	return s.vault.Load(ctx, subjects...)
}
