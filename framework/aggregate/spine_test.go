package aggregate_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/domain"
	"github.com/minos-framework/minos-go/framework/memory"
)

type labelBefore struct {
	A int `json:"a"`
}

type labelAfter struct {
	A int `json:"a"`
	B int `json:"b"`
}

type labelledBefore struct {
	aggregate.Root
	Labels domain.ValueSet[labelBefore] `json:"labels"`
}

type labelledAfter struct {
	aggregate.Root
	Labels domain.ValueSet[labelAfter] `json:"labels"`
}

func openedMemory(t *testing.T) *memory.Store {
	t.Helper()
	store, err := memory.Open(t.Context(), memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestValueOfATypeThatGrewIsRemoved(t *testing.T) {
	t.Parallel()
	store := openedMemory(t)
	before, err := aggregate.NewRepository[labelledBefore](aggregate.NewRegistry(store), aggregate.Named("Box"))
	noError(t, err)
	box := &labelledBefore{Labels: domain.NewValueSet(labelBefore{1}, labelBefore{2})}
	noError(t, before.Create(t.Context(), box))
	after, err := aggregate.NewRepository[labelledAfter](aggregate.NewRegistry(store), aggregate.Named("Box"))
	noError(t, err)
	grown, err := after.Get(t.Context(), box.UUID)
	noError(t, err)
	grown.Labels.Remove(labelAfter{A: 1})
	noError(t, after.Save(t.Context(), grown))
	replayed, err := after.At(t.Context(), box.UUID, 2)
	noError(t, err)
	if !replayed.Labels.Equal(&grown.Labels) {
		t.Errorf("replay gives %d labels, want %d", replayed.Labels.Len(), grown.Labels.Len())
	}
}

type phase string

func (phase) Values() []phase { return []phase{"open", "shut"} }

type door struct {
	aggregate.Root
	Phase phase                `json:"phase"`
	To    *aggregate.Ref[door] `json:"to"`
}

type opened struct {
	To uuid.UUID `json:"to"`
}

func (e opened) Apply(d *door) {
	d.Phase = "open"
	if e.To != uuid.Nil {
		d.To = aggregate.RefTo[door](e.To)
	}
}

func TestCreationIsJudgedByItsResult(t *testing.T) {
	t.Parallel()
	doors, err := aggregate.NewRepository[door](aggregate.NewRegistry(openedMemory(t)),
		aggregate.CheckReferences(), aggregate.RecordsAs[opened]("Opened"))
	noError(t, err)
	sound := &door{}
	sound.Record(&opened{}) // a pointer will do
	noError(t, doors.Create(t.Context(), sound))
	sound.Record(&opened{})
	noError(t, doors.Save(t.Context(), sound))
	dangling := &door{}
	dangling.Record(opened{To: uuid.New()})
	if err := doors.Create(t.Context(), dangling); err == nil {
		t.Error("a reference to nothing, made by an event, was taken")
	}
}

func TestCopiedRootHasItsOwnRecords(t *testing.T) {
	t.Parallel()
	doors, err := aggregate.NewRepository[door](aggregate.NewRegistry(openedMemory(t)), aggregate.RecordsAs[opened]("Opened"))
	noError(t, err)
	d := &door{Phase: "shut"}
	noError(t, doors.Create(t.Context(), d))
	for range 3 {
		d.Record(opened{})
	}
	other := *d
	d.Record(opened{})
	other.Record(opened{To: uuid.New()})
	noError(t, doors.Save(t.Context(), d))
	replayed, err := doors.At(t.Context(), d.UUID, d.Version)
	noError(t, err)
	if replayed.To != nil {
		t.Error("the copy's event was stored with the original")
	}
}

func TestRegistryRefusesCollisions(t *testing.T) {
	t.Parallel()
	registry := aggregate.NewRegistry(openedMemory(t))
	_, err := aggregate.NewRepository[door](registry, aggregate.Named("Foo"), aggregate.RecordsAs[opened]("BarCreated"))
	noError(t, err)
	if _, err := aggregate.NewRepository[labelledAfter](registry, aggregate.Named("FooBar")); err == nil {
		t.Error("two roots on one topic were taken")
	}
	if _, err := aggregate.NewRepository[door](registry, aggregate.Named("Other")); err == nil {
		t.Error("one type by two names was taken")
	}
}
