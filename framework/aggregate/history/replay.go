package history

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/domain"
	"github.com/minos-framework/minos-go/framework/privacy"
	"github.com/minos-framework/minos-go/framework/unit"
)

// PoisonError says that an event cannot be replayed: it was written by another
// program, or by one whose schema has no upcaster here. It is the trouble of its
// own aggregate; others are read and rebuilt as ever.
type PoisonError struct {
	Name    string // of the aggregate
	ID      uuid.UUID
	Version int // of the event
	Err     error
}

// Error names the event and what is wrong with it.
func (e *PoisonError) Error() string {
	return fmt.Sprintf("event %d of %s %s cannot be replayed: %s", e.Version, e.Name, e.ID, e.Err)
}

// Unwrap returns what is wrong with the event.
func (e *PoisonError) Unwrap() error { return e.Err }

// Replayer leads from the events of a root entity to its state. It is safe for
// concurrent use.
type Replayer struct {
	Shape   *domain.Shape
	Schema  Schema
	Records Records
	// Sealer knows the plain values of sensitive fields.
	Sealer Sealer
	// New returns a pointer to an entity of the root with what a state says beside
	// its fields. Forgotten are the sensitive fields that hold nothing any more.
	New func(s *State, forgotten []string) any
}

// Sealer turns the values of a root into those that are stored, and back.
type Sealer interface {
	Seal(ctx context.Context, id uuid.UUID, values []json.RawMessage, strict bool) ([]json.RawMessage, error)
	Open(
		ctx context.Context, id uuid.UUID, stored []json.RawMessage,
	) (values []json.RawMessage, forgotten []string, err error)
}

// ErrUnsealable is matched by an error of a Sealer that is about what it was
// given, as privacy.ErrNotSealed is, and not about the keys.
var ErrUnsealable = errors.New("the value cannot be sealed")

// ownTrouble reports whether the error of a Sealer is the trouble of the
// aggregate alone.
func ownTrouble(err error) bool {
	return errors.Is(err, ErrUnsealable) || errors.Is(err, privacy.ErrNotSealed)
}

// Replay applies the events of the aggregate id, in order, while they are within
// what is wanted. One that cannot be replayed is a *PoisonError.
func (r *Replayer) Replay(
	ctx context.Context, id uuid.UUID, events iter.Seq2[unit.Event, error], within func(unit.Event) bool,
) (*State, error) {
	var fault error // of the sealer, which is not the event's
	state := NewState(r.Shape, nil)
	state.record = func(stored []json.RawMessage, event FieldDiff) (values []json.RawMessage, err error) {
		if values, _, fault = r.Sealer.Open(ctx, id, stored); fault != nil {
			return nil, fault
		}
		if values, err = r.After(state, values, event); err != nil {
			return nil, err
		}
		values, fault = r.Sealer.Seal(ctx, id, values, false)
		return values, fault
	}
	for e, err := range events {
		if err == nil && !within(e) {
			break
		}
		var wrong error
		if err == nil {
			if e, wrong = r.Schema.Upcast(e); wrong == nil {
				wrong = state.Apply(e)
			}
			if err = fault; ownTrouble(fault) {
				err = nil // wrong tells of it
			}
		}
		if err != nil {
			return nil, fmt.Errorf("replay %s %s: %w", r.Shape.Name, id, err)
		}
		if wrong != nil {
			return nil, &PoisonError{Name: r.Shape.Name, ID: id, Version: e.Version, Err: wrong}
		}
	}
	return state, nil
}

// After returns the plain values that a recorded event leads to from others of
// the state s.
func (r *Replayer) After(s *State, values []json.RawMessage, event FieldDiff) ([]json.RawMessage, error) {
	entity, err := r.Decode(s, values, nil)
	if err != nil {
		return nil, err
	}
	if err := r.Records.apply(entity, event); err != nil {
		return nil, err
	}
	return r.Shape.Encode(entity)
}

// Decode returns a pointer to an entity with plain values, of which a nil is a
// field that no event has told of.
func (r *Replayer) Decode(s *State, values []json.RawMessage, forgotten []string) (any, error) {
	entity := r.New(s, forgotten)
	err := r.Shape.Decode(Object(r.Shape, values), entity)
	return entity, err
}

// Entity returns a pointer to the entity that a state is of. A state that does
// not fit the fields' types is the fault of an event, which is looked for among
// those that led to it.
func (r *Replayer) Entity(ctx context.Context, s *State, events iter.Seq2[unit.Event, error]) (any, error) {
	values, forgotten, err := r.Sealer.Open(ctx, s.Aggregate, s.Values())
	if ownTrouble(err) {
		return nil, &PoisonError{Name: r.Shape.Name, ID: s.Aggregate, Version: s.Version, Err: err}
	}
	if err != nil {
		return nil, fmt.Errorf("replay %s %s: %w", r.Shape.Name, s.Aggregate, err)
	}
	entity, err := r.Decode(s, values, forgotten)
	if err != nil {
		return nil, &PoisonError{Name: r.Shape.Name, ID: s.Aggregate, Version: r.culprit(s, events), Err: err}
	}
	return entity, nil
}

// culprit returns the version of the first event that does not fit the fields'
// types, or else the last.
func (r *Replayer) culprit(s *State, events iter.Seq2[unit.Event, error]) int {
	for e, err := range events {
		if err == nil {
			e, err = r.Schema.Upcast(e)
		}
		if err == nil {
			err = r.check(e)
		}
		if err != nil {
			return e.Version
		}
	}
	return s.Version
}

// check tells whether what an event says of fields that are not sensitive fits
// their types.
func (r *Replayer) check(e unit.Event) error {
	diffs, err := Parse(e)
	if err != nil || e.Action == unit.Record {
		return err
	}
	for _, d := range diffs {
		for _, f := range r.Shape.Fields {
			if f.Name != d.Name || f.Sensitive {
				continue
			}
			value := d.Value
			if d.Incremental() {
				value = append(append([]byte{'['}, value...), ']')
			}
			if _, err := canonical(f, value); err != nil {
				return err
			}
		}
	}
	return nil
}
