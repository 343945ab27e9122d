// Package sensitive seals the fields of root entities that are tagged so, and
// opens them:
//
//	Email string `json:"email" sensitive:"true"`            // about the root itself
//	Phone string `json:"phone" sensitive:"customer_id"`     // about whom that field names
//	Mail  string `json:"mail" sensitive:"true" sealed:"email"` // a field that was called email
//
// Values are plain to everything above, and sealed in events, in states and in
// messages. Fields of which the subject was forgotten hold nothing.
package sensitive

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate/history"
	"github.com/minos-framework/minos-go/framework/aggregate/reference"
	"github.com/minos-framework/minos-go/framework/domain"
	"github.com/minos-framework/minos-go/framework/privacy"
)

// Fields is what is known of the sensitive fields of a root entity. Nil is that
// there are none: its methods hand back what they are given. It is safe for
// concurrent use.
type Fields struct {
	vault  *privacy.Vault
	shape  *domain.Shape
	fields []field // as the shape's
}

type field struct {
	sensitive bool
	uuid      bool            // the subject is one, and so no other root's by accident
	subject   int             // the field that says whom it is about; -1 is the root's uuid
	place     privacy.Place   // which its values stay bound to
	empty     json.RawMessage // the value of one that is forgotten
}

// New reads the tags of a root's type. It returns nil when no field is
// sensitive, and ErrNoVault when one is and there is no vault.
func New(root reflect.Type, shape *domain.Shape, vault *privacy.Vault) (*Fields, error) {
	if !slices.ContainsFunc(shape.Fields, func(f domain.Field) bool { return f.Sensitive }) {
		return nil, nil
	}
	if vault == nil {
		return nil, fmt.Errorf("%s has sensitive fields: %w", root, ErrNoVault)
	}
	s := &Fields{vault: vault, shape: shape, fields: make([]field, len(shape.Fields))}
	for i, f := range shape.Fields {
		if !f.Sensitive {
			continue
		}
		tag := root.Field(f.Index).Tag
		s.fields[i] = field{
			sensitive: true, uuid: true, subject: -1,
			place: privacy.Place{Root: shape.Name, Field: cmp.Or(tag.Get("sealed"), f.Name)},
		}
		if of := tag.Get("sensitive"); of != "true" {
			s.fields[i].subject = slices.IndexFunc(shape.Fields, func(f domain.Field) bool { return f.Name == of && !f.Sensitive })
			if s.fields[i].subject < 0 {
				return nil, fmt.Errorf("%s.%s: sensitive is \"true\" or names a field that is not sensitive itself, but not %q",
					root, f.Name, of)
			}
			s.fields[i].uuid = isUUID(shape.Fields[s.fields[i].subject].Type)
		}
	}
	return s, s.setEmpty(root)
}

// isUUID reports whether values of a type are uuids, or references.
func isUUID(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	_, ref := reference.Target(t)
	return ref || t == reflect.TypeFor[uuid.UUID]()
}

// ErrNoVault says that there is no master key.
var ErrNoVault = errors.New("there is no master key to seal personal data with: set privacy.key (MINOS_PRIVACY_KEY) to 32" +
	" random bytes in base64, as `openssl rand -base64 32` prints them")

// setEmpty finds out what fields hold that a state does not have.
func (s *Fields) setEmpty(root reflect.Type) error {
	entity := reflect.New(root).Interface()
	if err := s.shape.Decode([]byte("{}"), entity); err != nil {
		return err
	}
	values, err := s.shape.Encode(entity)
	if err != nil {
		return err
	}
	for i := range s.fields {
		s.fields[i].empty = values[i]
	}
	return nil
}

// subject returns whom field i is about: a uuid or, with the name of the root
// before it, what the field holds that the tag names. Customer 42 is not
// employee 42.
func (s *Fields) subject(i int, id uuid.UUID, values []json.RawMessage) string {
	of := s.fields[i].subject
	if of < 0 {
		return id.String()
	}
	var text string
	switch raw := values[of]; {
	case raw == nil || string(raw) == "null":
	case json.Unmarshal(raw, &text) != nil:
		text = string(raw)
	case text == uuid.Nil.String():
		text = ""
	}
	if text == "" || s.fields[i].uuid {
		return text
	}
	return s.shape.Name + "." + text // names of roots have no dot
}

// Seal returns values as they are stored. What was forgotten stays so; strict
// refuses new values in its place.
func (s *Fields) Seal(
	ctx context.Context, id uuid.UUID, values []json.RawMessage, strict bool,
) ([]json.RawMessage, error) {
	if s == nil {
		return values, nil
	}
	stored := slices.Clone(values)
	for i, f := range s.fields {
		if !f.sensitive || values[i] == nil {
			continue
		}
		var err error
		if stored[i], err = s.sealField(ctx, i, s.subject(i, id, values), values[i], strict); err != nil {
			return nil, err
		}
	}
	return stored, nil
}

func (s *Fields) sealField(
	ctx context.Context, i int, subject string, value json.RawMessage, strict bool,
) (json.RawMessage, error) {
	f, name := s.fields[i], s.shape.Fields[i].Name
	if subject == "" {
		if bytes.Equal(value, f.empty) || string(value) == "null" {
			return json.RawMessage("null"), nil
		}
		return nil, &SubjectError{Field: name, Err: fmt.Errorf("%s, which says whom it is about, is empty", s.shape.Fields[f.subject].Name)}
	}
	stored, err := s.vault.Seal(ctx, f.place, subject, value)
	switch {
	case err == nil:
		return stored, nil
	case !errors.Is(err, privacy.ErrForgotten):
		return nil, fmt.Errorf("field %s: %w", name, err)
	case strict && !bytes.Equal(value, f.empty):
		return nil, &SubjectError{Field: name, Err: privacy.ErrForgotten}
	}
	return privacy.Nothing(subject), nil
}

// Open returns the plain values of stored ones, nil for those that were
// forgotten, and the names of these. What was stored before a field was
// sensitive is plain already, and forgotten with its subject.
func (s *Fields) Open(
	ctx context.Context, id uuid.UUID, stored []json.RawMessage,
) (values []json.RawMessage, forgotten []string, err error) {
	if s == nil {
		return stored, nil, nil
	}
	values = slices.Clone(stored)
	for i, f := range s.fields {
		if !f.sensitive || stored[i] == nil {
			continue
		}
		plain, gone, err := s.openField(ctx, i, s.subject(i, id, stored), stored[i])
		if err != nil {
			return nil, nil, err
		}
		if values[i] = plain; gone {
			forgotten = append(forgotten, s.shape.Fields[i].Name)
		}
	}
	return values, forgotten, nil
}

// openField opens a value of field i, and reports whether it was forgotten.
func (s *Fields) openField(
	ctx context.Context, i int, subject string, stored json.RawMessage,
) (plain json.RawMessage, forgotten bool, err error) {
	if _, sealed := privacy.Sealed(stored); sealed {
		plain, err = s.vault.Open(ctx, s.fields[i].place, stored)
		forgotten = errors.Is(err, privacy.ErrForgotten)
	} else if plain = stored; subject != "" { // it was stored before the field was sensitive
		forgotten, err = s.vault.Forgotten(ctx, subject)
	}
	switch {
	case forgotten:
		return nil, true, nil
	case err != nil:
		return nil, false, fmt.Errorf("field %s: %w", s.shape.Fields[i].Name, err)
	}
	return plain, false, nil
}

// OpenDiffs returns what an event says in plain, without what was forgotten. Of
// a value that is plain already that is known as far as the event says whom it is
// about.
func (s *Fields) OpenDiffs(ctx context.Context, id uuid.UUID, diffs []history.FieldDiff) ([]history.FieldDiff, error) {
	values := make([]json.RawMessage, len(s.shape.Fields))
	for _, d := range diffs {
		if i := slices.IndexFunc(s.shape.Fields, func(f domain.Field) bool { return f.Name == d.Name }); i >= 0 {
			values[i] = d.Value
		}
	}
	opened := make([]history.FieldDiff, 0, len(diffs))
	for _, d := range diffs {
		if i := s.Index(d.Name); i >= 0 {
			plain, forgotten, err := s.openField(ctx, i, s.subject(i, id, values), d.Value)
			if err != nil {
				return nil, err
			}
			if forgotten {
				continue
			}
			d.Value = plain
		}
		opened = append(opened, d)
	}
	return opened, nil
}

// OpenState returns the plain JSON of a stored state, and the names of the
// fields that were forgotten.
func (s *Fields) OpenState(ctx context.Context, id uuid.UUID, data json.RawMessage) (json.RawMessage, []string, error) {
	if s == nil {
		return data, nil, nil
	}
	stored, err := s.split(data)
	if err != nil {
		return nil, nil, err
	}
	values, forgotten, err := s.Open(ctx, id, stored)
	if err != nil {
		return nil, nil, err
	}
	return history.Object(s.shape, values), forgotten, nil
}

// Public returns the JSON of a stored state as other services may have it.
func (s *Fields) Public(data json.RawMessage) (json.RawMessage, error) {
	if s == nil {
		return data, nil
	}
	values, err := s.split(data)
	if err != nil {
		return nil, err
	}
	for i, f := range s.fields {
		if f.sensitive {
			values[i] = nil
		}
	}
	return history.Object(s.shape, values), nil
}

// split returns the values of a state, in the order of the shape.
func (s *Fields) split(data json.RawMessage) ([]json.RawMessage, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return nil, fmt.Errorf("decode the state of %s: %w", s.shape.Name, err)
	}
	values := make([]json.RawMessage, len(s.shape.Fields))
	for i, f := range s.shape.Fields {
		values[i] = members[f.Name]
	}
	return values, nil
}

// SealDiffs seals what an event says of sensitive fields; values are all those
// of the entity.
func (s *Fields) SealDiffs(ctx context.Context, id uuid.UUID, values []json.RawMessage, diffs []history.FieldDiff) error {
	if s == nil {
		return nil
	}
	for n, d := range diffs {
		i := s.Index(d.Name)
		if i < 0 {
			continue
		}
		value, err := s.sealField(ctx, i, s.subject(i, id, values), d.Value, true)
		if err != nil {
			return err
		}
		diffs[n].Value = value
	}
	return nil
}

// Index returns the sensitive field called name, or -1.
func (s *Fields) Index(name string) int {
	return slices.IndexFunc(s.shape.Fields, func(f domain.Field) bool { return f.Sensitive && f.Name == name })
}

// Untold refuses what a recorded event makes of sensitive fields, of which an
// event says all in plain, for ever: values are before it and after.
func (s *Fields) Untold(event string, before, after []json.RawMessage) error {
	if s == nil {
		return nil
	}
	for i, f := range s.fields {
		if f.sensitive && !bytes.Equal(before[i], after[i]) {
			return fmt.Errorf("event %s changes %s, which is sensitive, but what is recorded is stored and published in plain:"+
				" set the field beside the event, so that an update tells of it", event, s.shape.Fields[i].Name)
		}
	}
	return nil
}

// Same refuses another subject for fields that hold something: what they held
// is sealed with the key of the first.
func (s *Fields) Same(base, values []json.RawMessage) error {
	if s == nil || base == nil || values == nil {
		return nil
	}
	for i, f := range s.fields {
		if f.subject < 0 || !f.sensitive || bytes.Equal(base[i], f.empty) {
			continue
		}
		if was := s.subject(i, uuid.Nil, base); was != "" && was != s.subject(i, uuid.Nil, values) {
			return &SubjectError{Field: s.shape.Fields[i].Name, Err: fmt.Errorf(
				"%s says whom it is about and cannot change", s.shape.Fields[f.subject].Name)}
		}
	}
	return nil
}
