package aggregate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/domain"
	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/privacy"
	"github.com/minos-framework/minos-go/framework/query"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Patient holds personal data of its own.
type Patient struct {
	aggregate.Root
	Ward    string                  `json:"ward"`
	Email   string                  `json:"email" sensitive:"true"`
	Age     *int                    `json:"age" sensitive:"true"`
	Illness domain.ValueSet[string] `json:"illness" sensitive:"true"`
}

// ValidateEmail refuses what is no address.
func (*Patient) ValidateEmail(email string) error {
	if !strings.Contains(email, "@") {
		return errors.New("it has no @")
	}
	return nil
}

// Moved is recorded by a patient.
type Moved struct {
	Ward string `json:"ward"`
}

// Apply moves the patient.
func (m Moved) Apply(p *Patient) { p.Ward = m.Ward }

// Bill holds data about a patient.
type Bill struct {
	aggregate.Root
	Patient *aggregate.Ref[Patient] `json:"patient"`
	Text    string                  `json:"text" sensitive:"patient"`
}

// hospital has both, over one store.
type hospital struct {
	store    *memory.Store
	registry *aggregate.Registry
	patients *aggregate.Repository[Patient]
	bills    *aggregate.Repository[Bill]
}

func newHospital(t testing.TB, store *memory.Store, options ...aggregate.Option) *hospital {
	t.Helper()
	if store == nil {
		opened, err := memory.Open(t.Context(), memory.Config{})
		if err != nil {
			t.Fatal(err)
		}
		store = opened
	}
	h := &hospital{store: store, registry: aggregate.NewRegistry(store)}
	vault, err := privacy.New(store, privacy.Config{Master: bytes.Repeat([]byte("k"), 32)})
	if err != nil {
		t.Fatal(err)
	}
	h.registry.Protect(vault)
	if h.patients, err = aggregate.NewRepository[Patient](h.registry, append(options, aggregate.Records[Moved]())...); err != nil {
		t.Fatal(err)
	}
	if h.bills, err = aggregate.NewRepository[Bill](h.registry); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *hospital) admit(t testing.TB) *Patient {
	t.Helper()
	age := 41
	p := &Patient{Ward: "7", Email: "ann@example.com", Age: &age, Illness: domain.NewValueSet("measles")}
	if err := h.patients.Create(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	return p
}

func (h *hospital) get(t testing.TB, id uuid.UUID) *Patient {
	t.Helper()
	p, err := h.patients.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// stored is everything that is kept and sent about an aggregate, as text.
func (h *hospital) stored(t testing.TB, name string, id uuid.UUID) string {
	t.Helper()
	var all []string
	for e, err := range h.registry.History(t.Context(), id, 0) {
		if err != nil {
			t.Fatal(err)
		}
		messages, err := aggregate.Messages(e)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(e.Data))
		for _, m := range messages {
			all = append(all, m.Topic, string(m.Content))
		}
	}
	s, err := h.store.Snapshot(t.Context(), name, id)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(append(all, string(s.Data)), "\n")
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSensitive(t *testing.T) {
	t.Parallel()
	t.Run("fields are sealed in events, states and messages, and plain in entities", func(t *testing.T) {
		t.Parallel()
		h := newHospital(t, nil)
		p := h.admit(t)
		p.Email = "ann@example.org"
		p.Illness.Add("mumps")
		must(t, h.patients.Save(t.Context(), p))
		text := h.stored(t, "Patient", p.UUID)
		for _, secret := range []string{"example", `"value":41`, `"age":41`, "measles", "mumps"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s is in %s", secret, text)
			}
		}
		if !strings.Contains(text, `"ward":"7"`) || !strings.Contains(text, "PatientUpdated.email") {
			t.Errorf("what is not sensitive is not in %s", text)
		}
		got := h.get(t, p.UUID)
		if got.Email != "ann@example.org" || *got.Age != 41 || got.Illness.Len() != 2 || got.Forgotten() != nil {
			t.Errorf("loaded as %+v", got)
		}
	})
	t.Run("fields that did not change make no event, though each sealing differs", func(t *testing.T) {
		t.Parallel()
		h := newHospital(t, nil)
		p := h.get(t, h.admit(t).UUID)
		must(t, h.patients.Save(t.Context(), p))
		if p.Version != 1 {
			t.Errorf("it is of version %d", p.Version)
		}
		p.Ward = "8"
		must(t, h.patients.Save(t.Context(), p))
		for e, err := range h.registry.History(t.Context(), p.UUID, 1) {
			if err != nil || string(e.Data) != `[{"name":"ward","value":"8"}]` {
				t.Errorf("stored %s, %v", e.Data, err)
			}
		}
	})
	t.Run("fields are read by another process with the same master key", func(t *testing.T) {
		t.Parallel()
		h := newHospital(t, nil)
		id := h.admit(t).UUID
		if got := newHospital(t, h.store).get(t, id); got.Email != "ann@example.com" {
			t.Errorf("loaded as %+v", got)
		}
	})
	t.Run("fields are plain again in replays, rebuilt states and local references", func(t *testing.T) {
		t.Parallel()
		h := newHospital(t, nil)
		p := h.admit(t)
		p.Record(Moved{Ward: "9"})
		p.Email = "ann@example.net"
		must(t, h.patients.Save(t.Context(), p))
		first, err := h.patients.At(t.Context(), p.UUID, 1)
		if err != nil || first.Email != "ann@example.com" {
			t.Errorf("at version 1: %+v, %v", first, err)
		}
		last, err := h.patients.At(t.Context(), p.UUID, p.Version)
		if err != nil || last.Email != p.Email || last.Ward != "9" {
			t.Errorf("at the last version: %+v, %v", last, err)
		}
		if n, err := h.patients.Rebuild(t.Context()); n != 1 || err != nil {
			t.Errorf("rebuilt %d, %v", n, err)
		}
		if text := h.stored(t, "Patient", p.UUID); strings.Contains(text, "example") {
			t.Errorf("rebuilt in plain: %s", text)
		}
		got, err := aggregate.RefTo[Patient](p.UUID).Get(aggregate.WithResolver(t.Context(), h.registry))
		if err != nil || got.Email != p.Email {
			t.Errorf("resolved to %+v, %v", got, err)
		}
	})
	t.Run("fields are not given to other services", func(t *testing.T) {
		t.Parallel()
		h := newHospital(t, nil)
		p := h.admit(t)
		objects, err := h.registry.Objects(t.Context(), "Patient", []uuid.UUID{p.UUID})
		must(t, err)
		text := string(objects[p.UUID].Object)
		if strings.Contains(text, "email") || strings.Contains(text, "sealed") || !strings.Contains(text, `"ward":"7"`) {
			t.Errorf("they get %s", text)
		}
	})
	t.Run("fields cannot be asked for", func(t *testing.T) {
		t.Parallel()
		h := newHospital(t, nil)
		for _, clause := range []query.Clause{query.Equal("email", "ann@example.com"), query.Asc("age"), query.Contains("illness", "mumps")} {
			if _, err := h.patients.All(t.Context(), clause); err == nil || !strings.Contains(err.Error(), "is sensitive") {
				t.Errorf("%+v: got %v", clause, err)
			}
		}
	})
	t.Run("fields are opened by the key of each of many", func(t *testing.T) {
		t.Parallel()
		h := newHospital(t, nil)
		for range 250 {
			h.admit(t)
		}
		n := 0
		for p, err := range newHospital(t, h.store).patients.Find(t.Context(), query.Equal("ward", "7")) {
			if n++; err != nil || p.Email != "ann@example.com" {
				t.Fatalf("found %+v, %v", p, err)
			}
		}
		if n != 250 {
			t.Errorf("found %d", n)
		}
	})
}

func TestSensitive_forget(t *testing.T) {
	t.Parallel()
	t.Run("leaves an entity that says so, and can be saved and deleted", func(t *testing.T) {
		t.Parallel()
		h := newHospital(t, nil)
		id := h.admit(t).UUID
		must(t, h.registry.Forget(t.Context(), id.String()))
		for range 2 { // loaded and, the second time, saved since
			p := h.get(t, id)
			if p.Email != "" || p.Age != nil || p.Illness.Len() != 0 || p.Ward != "7" {
				t.Errorf("loaded as %+v", p)
			}
			if got := fmt.Sprint(p.Forgotten()); got != "[email age illness]" {
				t.Errorf("forgotten: %s", got)
			}
			p.Record(Moved{Ward: "cellar"})
			must(t, h.patients.Save(t.Context(), p))
			p.Ward = "7"
			must(t, h.patients.Save(t.Context(), p))
		}
		if n, err := h.patients.Rebuild(t.Context()); n != 1 || err != nil {
			t.Errorf("rebuilt %d, %v", n, err)
		}
		p := h.get(t, id)
		if len(p.Forgotten()) != 3 || p.Ward != "7" {
			t.Errorf("rebuilt as %+v", p)
		}
		first, err := h.patients.At(t.Context(), id, 1)
		if err != nil || first.Email != "" || len(first.Forgotten()) != 3 {
			t.Errorf("at version 1: %+v, %v", first, err)
		}
		must(t, h.patients.Delete(t.Context(), p))
	})
	t.Run("takes nothing new about the subject", func(t *testing.T) {
		t.Parallel()
		h := newHospital(t, nil)
		id := h.admit(t).UUID
		must(t, h.registry.Forget(t.Context(), id.String()))
		p := h.get(t, id)
		p.Email = "ann@example.com"
		err := h.patients.Save(t.Context(), p)
		if refused, ok := errors.AsType[*aggregate.SubjectError](err); !ok || refused.Field != "email" ||
			refused.StatusCode() != 410 || !errors.Is(err, privacy.ErrForgotten) {
			t.Errorf("got %v", err)
		}
		if got := h.get(t, id); got.Version != 1 {
			t.Errorf("stored as %+v", got)
		}
	})
	t.Run("forgets what other entities say about the subject, and nobody else", func(t *testing.T) {
		t.Parallel()
		h := newHospital(t, nil)
		ann, bob := h.admit(t), h.admit(t)
		bills := []*Bill{
			{Patient: aggregate.RefTo[Patient](ann.UUID), Text: "ann's"}, {Patient: aggregate.RefTo[Patient](bob.UUID), Text: "bob's"},
		}
		for _, bill := range bills {
			must(t, h.bills.Create(t.Context(), bill))
			if text := h.stored(t, "Bill", bill.UUID); strings.Contains(text, "'s") {
				t.Errorf("stored in plain: %s", text)
			}
		}
		must(t, h.registry.Forget(t.Context(), ann.UUID.String()))
		for i, want := range []string{"", "bob's"} {
			got, err := h.bills.Get(t.Context(), bills[i].UUID)
			if err != nil || got.Text != want {
				t.Errorf("loaded as %+v, %v", got, err)
			}
		}
	})
	t.Run("holds for the events that handlers open", func(t *testing.T) {
		t.Parallel()
		h := newHospital(t, nil)
		p := h.admit(t)
		var event aggregate.Event[Patient]
		for e, err := range h.registry.History(t.Context(), p.UUID, 0) {
			must(t, err)
			messages, err := aggregate.Messages(e)
			must(t, err)
			must(t, json.Unmarshal(messages[0].Content, &event))
		}
		if email, ok := aggregate.Field[string](event, "email"); ok {
			t.Errorf("it is read without being opened: %q", email)
		}
		opened, err := h.patients.Open(t.Context(), event)
		must(t, err)
		if email, ok := aggregate.Field[string](opened, "email"); !ok || email != "ann@example.com" {
			t.Errorf("opened as %q", email)
		}
		must(t, h.registry.Forget(t.Context(), p.UUID.String()))
		opened, err = h.patients.Open(t.Context(), event)
		must(t, err)
		if email, ok := aggregate.Field[string](opened, "email"); ok {
			t.Errorf("it is still %q", email)
		}
		if ward, _ := aggregate.Field[string](opened, "ward"); ward != "7" {
			t.Errorf("the ward is %q", ward)
		}
	})
}

func TestSensitive_subject(t *testing.T) {
	t.Parallel()
	h := newHospital(t, nil)
	empty := &Bill{}
	must(t, h.bills.Create(t.Context(), empty)) // which says nothing about nobody
	p := h.admit(t)
	empty.Patient, empty.Text = aggregate.RefTo[Patient](p.UUID), "first"
	must(t, h.bills.Save(t.Context(), empty))
	for what, bill := range map[string]*Bill{
		"is empty":      {Text: "whose?"},
		"cannot change": empty,
	} {
		if bill == empty {
			bill.Patient = aggregate.RefTo[Patient](unit.NewID())
		}
		err := h.bills.Save(t.Context(), bill)
		if refused, ok := errors.AsType[*aggregate.SubjectError](err); !ok || refused.StatusCode() != 422 || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

func TestSensitive_registration(t *testing.T) {
	t.Parallel()
	h := newHospital(t, nil)
	bare := aggregate.NewRegistry(h.store)
	_, err := aggregate.NewRepository[Bill](bare)
	expectText(t, err, "Bill has sensitive fields: there is no master key", "MINOS_PRIVACY_KEY")
	expectText(t, bare.Forget(t.Context(), "ann"), "there is no master key")
	_, err = aggregate.NewRepository[nobody](h.registry)
	expectText(t, err, `nobody.text`, `names a field that is not sensitive itself, but not "patience"`)
	_, err = aggregate.NewRepository[deep](h.registry)
	expectText(t, err, "tag inner, which holds it")
	_, err = aggregate.NewRepository[loud](h.registry, aggregate.Records[shout]())
	expectText(t, err, "shout.Text", "not of the events that they record")
}

type nobody struct {
	aggregate.Root
	Text string `json:"text" sensitive:"patience"`
}

type deep struct {
	aggregate.Root
	Inner []map[string]nobodyElse `json:"inner"`
}

type nobodyElse struct {
	Text string `json:"text" sensitive:"true"`
}

type loud struct{ aggregate.Root }

type shout struct {
	Text string `json:"text" sensitive:"true"`
}

func (shout) Apply(*loud) {}

func expectText(t *testing.T, err error, want ...string) {
	t.Helper()
	for _, text := range want {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%q is not in: %v", text, err)
		}
	}
}

// A field that was called mail when it was sealed, and a root that was open.
type letter struct {
	aggregate.Root
	Mail string `json:"mail"`
}

type sealedLetter struct {
	aggregate.Root
	Mail string `json:"mail" sensitive:"true"`
}

type renamedLetter struct {
	aggregate.Root
	Email string `json:"email" sensitive:"true" sealed:"mail"`
}

func TestSensitive_evolution(t *testing.T) {
	t.Parallel()
	h := newHospital(t, nil)
	plain, err := aggregate.NewRepository[letter](h.registry, aggregate.Named("Letter"))
	must(t, err)
	old := &letter{Mail: "before"}
	must(t, plain.Create(t.Context(), old))

	h = newHospital(t, h.store)
	tagged, err := aggregate.NewRepository[sealedLetter](h.registry, aggregate.Named("Letter"))
	must(t, err)
	got, err := tagged.Get(t.Context(), old.UUID)
	if err != nil || got.Mail != "before" {
		t.Fatalf("what was stored before the field was sensitive: %+v, %v", got, err)
	}
	got.Mail = "after"
	must(t, tagged.Save(t.Context(), got))

	h = newHospital(t, h.store)
	renamed, err := aggregate.NewRepository[renamedLetter](
		h.registry, aggregate.Named("Letter"), aggregate.Schema(2, aggregate.Renamed("mail", "email")))
	must(t, err)
	objects, err := h.registry.Objects(t.Context(), "Letter", []uuid.UUID{old.UUID})
	if text := string(objects[old.UUID].Object); err != nil || strings.Contains(text, "mail") || strings.Contains(text, "after") {
		t.Errorf("others are told %s, %v", text, err)
	}
	resolved, err := aggregate.RefTo[renamedLetter](old.UUID).Get(aggregate.WithResolver(t.Context(), h.registry))
	if err != nil || resolved.Email != "after" {
		t.Errorf("resolved to %+v, %v", resolved, err)
	}
	last, err := renamed.Get(t.Context(), old.UUID)
	if err != nil || last.Email != "after" {
		t.Errorf("what was sealed under another name: %+v, %v", last, err)
	}
}

func TestSensitive_keyFirst(t *testing.T) {
	t.Parallel()
	h := newHospital(t, nil)
	var subject string
	err := unit.Do(t.Context(), h.store, func(ctx context.Context, _ *unit.Work) error {
		p := &Patient{Email: "ann@example.com"}
		must(t, h.patients.Create(ctx, p))
		subject = p.UUID.String()
		keys, err := h.store.SubjectKeys(ctx, subject)
		if err != nil || keys[0].Wrapped == nil {
			t.Errorf("nothing is committed, and the key is %v, %v", keys, err)
		}
		return errors.New("the handler failed")
	})
	if err == nil || subject == "" {
		t.Error("it did not fail")
	}
}
