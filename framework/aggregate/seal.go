package aggregate

import (
	"context"
	"fmt"
	"reflect"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate/reference"
	"github.com/minos-framework/minos-go/framework/aggregate/sensitive"
	"github.com/minos-framework/minos-go/framework/privacy"
	"github.com/minos-framework/minos-go/framework/unit"
)

// What follows is the one place that sensitive fields pass on their way to the
// store and back: everything else of the package knows their plain values.

// Protect has the sensitive fields of the roots that are registered after it
// sealed by vault. Without it such a root is refused.
func (r *Registry) Protect(vault *privacy.Vault) { r.vault = vault }

// Forget makes everything unreadable, for ever and wherever it is, that
// sensitive fields say about a subject. That is
//
//   - a uuid: of a root entity, or what a field of uuids or references holds that
//     the tag names;
//   - else the root's name, a dot and what the field holds that the tag names:
//     "Customer.42" is not "Employee.42".
//
// It is done when Forget returns, whatever becomes of the caller's unit of work;
// other processes of the service may read it for another minute. Nothing new is
// taken about the subject; entities stay, and Root.Forgotten says which of their
// fields hold nothing any more, which their Validate sees too. A subject about
// which nothing was ever sealed is privacy.ErrNoSubject.
//
// What was written before a field was sensitive is in plain. It is no longer
// given by entities and to handlers once its subject is forgotten, but stays in
// the events and in the messages that were sent. A subject that only such values
// are about has no key to forget: Rebuild seals the states of a root first.
func (r *Registry) Forget(ctx context.Context, subject string) error {
	if r.vault == nil {
		return fmt.Errorf("forget a subject: %w", sensitive.ErrNoVault)
	}
	if id, err := uuid.Parse(subject); err == nil {
		subject = id.String() // as it is sealed
	}
	return r.vault.Forget(ctx, subject)
}

// SubjectError says that what a sensitive field is to hold cannot be sealed: its
// subject was forgotten (privacy.ErrForgotten), or is not known.
type SubjectError = sensitive.SubjectError

// protect reads the tags of a root's sensitive fields.
func (d *definition) protect(vault *privacy.Vault) (err error) {
	for _, record := range d.records {
		if name := nestedTag(record.Event); name != "" {
			return fmt.Errorf("%s.%s: sensitive is for the fields of root entities, not of the events that they record",
				record.Event, name)
		}
	}
	for _, f := range d.shape.Fields {
		if name := nestedTag(f.Type); name != "" {
			return fmt.Errorf("%s.%s: sensitive is for the fields of root entities: tag %s, which holds it", f.Type, name, f.Name)
		}
	}
	d.sensitive, err = sensitive.New(d.root, d.shape, vault)
	return err
}

// nestedTag returns the name of a field with the tag sensitive somewhere within
// a type.
func nestedTag(t reflect.Type) string {
	for _, part := range reference.Types(t) {
		if _, ref := reference.Target(part); ref || part.Kind() != reflect.Struct {
			continue
		}
		for i := range part.NumField() {
			if part.Field(i).Tag.Get("sensitive") != "" {
				return part.Field(i).Name
			}
		}
	}
	return ""
}

// Open returns an event with what it says of sensitive fields in plain. What was
// forgotten is left out. It is for the handlers of the service whose root it is;
// no other has the keys.
func (r *Repository[T]) Open(ctx context.Context, e Event[T]) (Event[T], error) {
	s := r.definition.sensitive
	if s == nil {
		return e, nil
	}
	if e.Action == unit.Record {
		return e, nil
	}
	opened, err := s.OpenDiffs(ctx, e.UUID, e.Fields)
	if err != nil {
		return e, fmt.Errorf("open event %d of %s %s: %w", e.Version, e.Name, e.UUID, err)
	}
	e.Fields = opened
	return e, nil
}
