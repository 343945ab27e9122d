package aggregate_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/domain"
	"github.com/minos-framework/minos-go/framework/privacy"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Pupil is what sensitive fields, rules and recorded events do to each other.
type Pupil struct {
	aggregate.Root
	Number int    `json:"number"`
	Phone  string `json:"phone" sensitive:"number"`
	Grade  string `json:"grade" sensitive:"true"`
	Low    int    `json:"low"`
	High   int    `json:"high"`
}

// ValidateGrade refuses what is no grade.
func (*Pupil) ValidateGrade(grade string) error {
	if grade == "" || grade == "garbage" {
		return errors.New("it is no grade")
	}
	return nil
}

// Validate holds for the whole.
func (p *Pupil) Validate() error {
	if p.Low > p.High {
		return errors.New("low is above high")
	}
	return nil
}

// Called is recorded with what should be sealed.
type Called struct {
	Phone string `json:"phone"`
}

// Apply sets a sensitive field.
func (c Called) Apply(p *Pupil) { p.Phone = c.Phone }

// Fell panics with what it should not tell.
type Fell struct{}

// Apply panics.
func (Fell) Apply(p *Pupil) { panic("secret " + p.Phone) }

// Teacher has numbers as pupils have.
type Teacher struct {
	aggregate.Root
	Number int    `json:"number"`
	Salary string `json:"salary" sensitive:"number"`
}

// school has both.
type school struct {
	*hospital
	pupils   *aggregate.Repository[Pupil]
	teachers *aggregate.Repository[Teacher]
}

func newSchool(t *testing.T) school {
	t.Helper()
	s := school{hospital: newHospital(t, nil)}
	var err error
	s.pupils, err = aggregate.NewRepository[Pupil](s.registry, aggregate.Records[Called](), aggregate.Records[Fell]())
	must(t, err)
	s.teachers, err = aggregate.NewRepository[Teacher](s.registry)
	must(t, err)
	return s
}

func (s school) enrol(t *testing.T) *Pupil {
	t.Helper()
	p := &Pupil{Number: 42, Phone: "0171-555", Grade: "A"}
	must(t, s.pupils.Create(t.Context(), p))
	return p
}

func TestSensitive_recorded(t *testing.T) {
	t.Parallel()
	t.Run("events that change a sensitive field are refused", func(t *testing.T) {
		t.Parallel()
		s := newSchool(t)
		p := s.enrol(t)
		p.Record(Called{"0172-777"})
		expectText(t, s.pupils.Save(t.Context(), p), "event Called changes phone, which is sensitive")
		fresh := &Pupil{Number: 7, Grade: "A"}
		fresh.Record(Called{"0172-777"})
		expectText(t, s.pupils.Create(t.Context(), fresh), "event Called changes phone, which is sensitive")
		if text := s.stored(t, "Pupil", p.UUID); strings.Contains(text, "777") || p.Version != 1 {
			t.Errorf("stored at version %d: %s", p.Version, text)
		}
	})
	t.Run("what a panic says is not quoted", func(t *testing.T) {
		t.Parallel()
		s := newSchool(t)
		p := s.enrol(t)
		p.Record(Fell{})
		err := s.pupils.Save(t.Context(), p)
		expectText(t, err, "panic: of type string")
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("got %v", err)
		}
	})
}

func TestSensitive_subjects(t *testing.T) {
	t.Parallel()
	t.Run("the same number of another root is another subject", func(t *testing.T) {
		t.Parallel()
		s := newSchool(t)
		p := s.enrol(t)
		teacher := &Teacher{Number: 42, Salary: "9"}
		must(t, s.teachers.Create(t.Context(), teacher))
		if err := s.registry.Forget(t.Context(), "42"); !errors.Is(err, privacy.ErrNoSubject) {
			t.Errorf("the number alone: %v", err)
		}
		must(t, s.registry.Forget(t.Context(), "Pupil.42"))
		forgotten, err := s.pupils.Get(t.Context(), p.UUID)
		must(t, err)
		if forgotten.Phone != "" || forgotten.Grade != "A" {
			t.Errorf("the pupil is %+v", forgotten)
		}
		if kept, err := s.teachers.Get(t.Context(), teacher.UUID); err != nil || kept.Salary != "9" {
			t.Errorf("the teacher is %+v, %v", kept, err)
		}
	})
	t.Run("a uuid is known however it is written", func(t *testing.T) {
		t.Parallel()
		h := newHospital(t, nil)
		p := h.admit(t)
		must(t, h.registry.Forget(t.Context(), strings.ToUpper(p.UUID.String())))
		if got := h.get(t, p.UUID); got.Email != "" || len(got.Forgotten()) != 3 {
			t.Errorf("loaded as %+v", got)
		}
	})
	t.Run("one of whom nothing is known is an error, and may come later", func(t *testing.T) {
		t.Parallel()
		s := newSchool(t)
		if err := s.registry.Forget(t.Context(), "Pupil.42"); !errors.Is(err, privacy.ErrNoSubject) {
			t.Errorf("got %v", err)
		}
		if got, err := s.pupils.Get(t.Context(), s.enrol(t).UUID); err != nil || got.Phone != "0171-555" {
			t.Errorf("loaded as %+v, %v", got, err)
		}
	})
}

func TestSensitive_rules(t *testing.T) {
	t.Parallel()
	s := newSchool(t)
	p := s.enrol(t)
	must(t, s.registry.Forget(t.Context(), p.UUID.String()))
	must(t, s.registry.Forget(t.Context(), "Pupil.42"))
	for what, c := range map[string]struct {
		change func(p *Pupil)
		want   string
	}{
		"a forgotten field breaks no rule":        {func(p *Pupil) { p.High = 1 }, ""},
		"the rule of the whole holds":             {func(p *Pupil) { p.Low = 9 }, "low is above high"},
		"the rule of a field that is set again":   {func(p *Pupil) { p.Grade = "garbage" }, "it is no grade"},
		"the rule of the whole, and of the field": {func(p *Pupil) { p.Low, p.Grade = 9, "garbage" }, "it is no grade"},
	} {
		got, err := s.pupils.Get(t.Context(), p.UUID)
		must(t, err)
		c.change(got)
		err = s.pupils.Save(t.Context(), got)
		if c.want == "" {
			must(t, err)
			continue
		}
		faults, ok := errors.AsType[domain.FieldErrors](err)
		if !ok || !strings.Contains(faults.Error(), c.want) || faults.StatusCode() != http.StatusBadRequest {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

type bornLetter struct {
	aggregate.Root
	Mail int `json:"mail" sensitive:"true"`
}

func TestSensitive_plain(t *testing.T) {
	t.Parallel()
	h := newHospital(t, nil)
	plain, err := aggregate.NewRepository[letter](h.registry, aggregate.Named("Letter"))
	must(t, err)
	old := &letter{Mail: "written before"}
	must(t, plain.Create(t.Context(), old))

	h = newHospital(t, h.store)
	tagged, err := aggregate.NewRepository[sealedLetter](h.registry, aggregate.Named("Letter"))
	must(t, err)
	if err := h.registry.Forget(t.Context(), old.UUID.String()); !errors.Is(err, privacy.ErrNoSubject) {
		t.Errorf("nothing was sealed: %v", err)
	}
	_, err = tagged.Rebuild(t.Context())
	must(t, err)
	if first, err := tagged.At(t.Context(), old.UUID, 1); err != nil || first.Mail != old.Mail {
		t.Errorf("at version 1: %+v, %v", first, err)
	}
	must(t, h.registry.Forget(t.Context(), old.UUID.String()))
	first, err := tagged.At(t.Context(), old.UUID, 1)
	must(t, err)
	if first.Mail != "" || fmt.Sprint(first.Forgotten()) != "[mail]" {
		t.Errorf("forgotten, and at version 1: %+v", first)
	}
	var event aggregate.Event[sealedLetter]
	for e, err := range h.registry.History(t.Context(), old.UUID, 0) {
		must(t, err)
		messages, err := aggregate.Messages(e)
		must(t, err)
		must(t, json.Unmarshal(messages[0].Content, &event))
	}
	opened, err := tagged.Open(t.Context(), event)
	must(t, err)
	if mail, ok := aggregate.Field[string](opened, "mail"); ok {
		t.Errorf("handlers read %q", mail)
	}
}

func TestSensitive_mistyped(t *testing.T) {
	t.Parallel()
	h := newHospital(t, nil)
	texts, err := aggregate.NewRepository[sealedLetter](h.registry, aggregate.Named("Letter"))
	must(t, err)
	l := &sealedLetter{Mail: "secret"}
	must(t, texts.Create(t.Context(), l))
	h = newHospital(t, h.store)
	numbers, err := aggregate.NewRepository[bornLetter](h.registry, aggregate.Named("Letter"))
	must(t, err)
	_, read := numbers.Get(t.Context(), l.UUID)
	_, replayed := numbers.At(t.Context(), l.UUID, 1)
	for way, err := range map[string]error{"read": read, "replayed": replayed} {
		expectText(t, err, "decode Letter.mail", "does not fit int")
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v", way, err)
		}
	}
}

// Caller is of nobody while it has no customer.
type Caller struct {
	aggregate.Root
	Customer string `json:"customer"`
	Phone    string `json:"phone" sensitive:"customer"`
}

// Rang is recorded by a caller.
type Rang struct {
	Phone string `json:"phone"`
}

// Apply does what is refused when it is saved.
func (r Rang) Apply(c *Caller) { c.Phone = r.Phone }

func TestSensitive_poison(t *testing.T) {
	t.Parallel()
	t.Run("is what was not sealed for its field", func(t *testing.T) {
		t.Parallel()
		h := newHospital(t, nil)
		diffs, err := json.Marshal([]aggregate.FieldDiff{{Name: "email", Value: sealedElsewhere(t, h, h.admit(t))}})
		must(t, err)
		id := h.append(t, "Patient", string(diffs))
		n, err := h.patients.Rebuild(t.Context())
		poison, ok := errors.AsType[*aggregate.PoisonError](err)
		if n != 1 || !ok || poison.ID != id || poison.Version != 1 || !errors.Is(err, privacy.ErrNotSealed) {
			t.Errorf("rebuilt %d, %v", n, err)
		}
	})
	t.Run("is what is recorded about nobody", func(t *testing.T) {
		t.Parallel()
		h := newHospital(t, nil)
		callers, err := aggregate.NewRepository[Caller](h.registry, aggregate.Records[Rang]())
		must(t, err)
		id := h.append(t, "Caller", `[{"name":"customer","value":""}]`, `[{"name":"Rang","value":{"phone":"555"}}]`)
		must(t, callers.Create(t.Context(), &Caller{Customer: "ann", Phone: "1"}))
		n, err := callers.Rebuild(t.Context())
		poison, ok := errors.AsType[*aggregate.PoisonError](err)
		_, subject := errors.AsType[*aggregate.SubjectError](err)
		if n != 1 || !ok || poison.ID != id || poison.Version != 2 || !subject {
			t.Errorf("rebuilt %d, %v", n, err)
		}
	})
}

// append stores an aggregate as another program may have: its creation, and what
// it recorded then.
func (h *hospital) append(t *testing.T, name string, events ...string) uuid.UUID {
	t.Helper()
	id, w := unit.NewID(), unit.New(nil)
	for i, data := range events {
		action := unit.Create
		if i > 0 {
			action = unit.Record
		}
		w.Append(unit.Event{
			Aggregate: id, Version: i + 1, Name: name, Action: action, Schema: 1, Data: json.RawMessage(data), CreatedAt: w.Now(),
		}, unit.Snapshot{
			Aggregate: id, Version: len(events), Name: name, Schema: 1, Data: json.RawMessage("{}"),
			CreatedAt: w.Now(), UpdatedAt: w.Now(),
		})
	}
	must(t, h.store.Commit(t.Context(), w))
	return id
}

// sealedElsewhere is a value of a patient that was sealed for another
// field.
func sealedElsewhere(t *testing.T, h *hospital, p *Patient) json.RawMessage {
	t.Helper()
	s, err := h.store.Snapshot(t.Context(), "Patient", p.UUID)
	must(t, err)
	var members map[string]json.RawMessage
	must(t, json.Unmarshal(s.Data, &members))
	return members["age"]
}

func TestRepository_Find_newerSchema(t *testing.T) {
	t.Parallel()
	h := newHospital(t, nil)
	next := newHospital(t, h.store, aggregate.Schema(2, aggregate.Removed("gone")))
	ids := []uuid.UUID{h.admit(t).UUID, next.admit(t).UUID, h.admit(t).UUID}
	var found []string
	for p, err := range h.patients.Find(t.Context()) {
		if poison, ok := errors.AsType[*aggregate.PoisonError](err); ok {
			found = append(found, "poison "+poison.ID.String())
			continue
		}
		must(t, err)
		found = append(found, p.UUID.String())
	}
	if want := fmt.Sprintf("[%s poison %s %s]", ids[0], ids[1], ids[2]); fmt.Sprint(found) != want {
		t.Errorf("found %v, want %s", found, want)
	}
}
