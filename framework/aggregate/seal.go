package aggregate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/minos-framework/minos-go/framework/model"
)

// What follows is the one place that sensitive fields pass on their way to the
// store and back: everything else of the package knows their plain values.

// seal returns the value of a sensitive field as it is stored.
func (r *Repository[T]) seal(
	_ context.Context, _ *Root, _ model.Field, value json.RawMessage,
) (json.RawMessage, error) {
	return value, nil
}

// open undoes seal.
func (r *Repository[T]) open(
	_ context.Context, _ *Root, _ model.Field, stored json.RawMessage,
) (json.RawMessage, error) {
	return stored, nil
}

// sealAll returns all values of a state as they are stored.
func (r *Repository[T]) sealAll(ctx context.Context, root *Root, values []json.RawMessage) ([]json.RawMessage, error) {
	return r.through(ctx, root, values, r.seal)
}

// openAll undoes sealAll. A nil, which is a field that no event has told of,
// stays one.
func (r *Repository[T]) openAll(ctx context.Context, root *Root, stored []json.RawMessage) ([]json.RawMessage, error) {
	return r.through(ctx, root, stored, r.open)
}

func (r *Repository[T]) through(
	ctx context.Context, root *Root, values []json.RawMessage,
	turn func(context.Context, *Root, model.Field, json.RawMessage) (json.RawMessage, error),
) ([]json.RawMessage, error) {
	turned := values
	for i, f := range r.shape.Fields {
		if !f.Sensitive || values[i] == nil {
			continue
		}
		value, err := turn(ctx, root, f, values[i])
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
		if &turned[0] == &values[0] {
			turned = slices.Clone(values)
		}
		turned[i] = value
	}
	return turned, nil
}

// sealDiffs seals what an event says of sensitive fields.
func (r *Repository[T]) sealDiffs(ctx context.Context, root *Root, diffs []FieldDiff) error {
	for i, d := range diffs {
		at := slices.IndexFunc(r.shape.Fields, func(f model.Field) bool { return f.Sensitive && f.Name == d.Name })
		if at < 0 {
			continue
		}
		value, err := r.seal(ctx, root, r.shape.Fields[at], d.Value)
		if err != nil {
			return fmt.Errorf("field %s: %w", d.Name, err)
		}
		diffs[i].Value = value
	}
	return nil
}
