package aggregate

import (
	"encoding/json"
	"fmt"
)

// Assign makes an entity's fields what a JSON object says: what a request to
// create or replace it carries. Its uuid, version and times are not among
// them. See domain.Shape.Assign for what is parsed, checked and filled in; all
// that is wrong is returned at once, as domain.FieldErrors, and the entity is as
// it was then. Nothing is stored before Create or Save.
func (r *Repository[T]) Assign(entity *T, object json.RawMessage) error {
	if err := r.shape.Assign(entity, object); err != nil {
		return fmt.Errorf("assign %s: %w", r.shape.Name, err)
	}
	return nil
}

// Merge is Assign of those fields alone that the object has: what a request to
// change an entity carries.
func (r *Repository[T]) Merge(entity *T, object json.RawMessage) error {
	if err := r.shape.Merge(entity, object); err != nil {
		return fmt.Errorf("merge into %s: %w", r.shape.Name, err)
	}
	return nil
}
