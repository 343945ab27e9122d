package unit_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/unit"
)

func state(id uuid.UUID, version int) (unit.Event, unit.Snapshot) {
	return unit.Event{Aggregate: id, Version: version, Name: "Foo"},
		unit.Snapshot{Aggregate: id, Version: version, Name: "Foo", Data: []byte("{}")}
}

func TestWork_Append(t *testing.T) {
	t.Parallel()
	w, id := unit.New(map[string]string{"user": "ann"}), unit.NewID()
	w.Append(state(id, 1))
	w.Append(state(id, 2))
	if len(w.Events) != 2 || len(w.Snapshots) != 1 || w.Snapshots[0].Version != 2 {
		t.Errorf("%d events, snapshots %+v", len(w.Events), w.Snapshots)
	}
	if w.Events[0].Headers["user"] != "ann" {
		t.Errorf("the event's headers are %v", w.Events[0].Headers)
	}
	if s, ok := w.Staged(id); !ok || s.Version != 2 {
		t.Errorf("staged is %+v, %v", s, ok)
	}
}

func TestWork_Publish(t *testing.T) {
	t.Parallel()
	headers := map[string]string{"user": "ann", "saga": "outer"}
	w := unit.New(headers)
	w.Publish(unit.Message{Topic: "A", Headers: map[string]string{"saga": "inner"}}, unit.Message{Topic: "B", ID: uuid.UUID{1}})
	first, second := w.Messages[0], w.Messages[1]
	if first.ID == uuid.Nil || first.Headers["user"] != "ann" || first.Headers["saga"] != "inner" {
		t.Errorf("the first message is %+v", first)
	}
	if second.ID != (uuid.UUID{1}) || second.Headers["saga"] != "outer" || headers["saga"] != "outer" {
		t.Errorf("the second message is %+v", second)
	}
}

func TestWork_Child(t *testing.T) {
	t.Parallel()
	w, id, other := unit.New(nil), unit.NewID(), unit.NewID()
	w.Append(state(id, 1))
	child := w.Child()
	if s, ok := child.Staged(id); !ok || s.Version != 1 {
		t.Errorf("the child sees %+v, %v", s, ok)
	}
	child.Append(state(id, 2))
	child.Append(state(other, 1))
	if s, _ := w.Staged(id); s.Version != 1 {
		t.Errorf("the parent sees version %d before it absorbs the child", s.Version)
	}
	if all := child.StagedAll("Foo"); len(all) != 2 || all[0].Version != 2 {
		t.Errorf("the child has staged %+v", all)
	}
	w.Absorb(child)
	if s, _ := w.Staged(id); s.Version != 2 || len(w.Events) != 3 || len(w.Snapshots) != 2 {
		t.Errorf("the parent has %d events and %+v", len(w.Events), w.Snapshots)
	}
}

// committed counts what it is given.
type committed struct {
	works int
	err   error
}

func (c *committed) Commit(_ context.Context, works ...*unit.Work) error {
	c.works += len(works)
	return c.err
}

func stage(_ context.Context, w *unit.Work) error {
	w.Publish(unit.Message{Topic: "A"})
	return nil
}

func TestDo(t *testing.T) {
	t.Parallel()
	t.Run("commits at once outside of a unit", func(t *testing.T) {
		t.Parallel()
		store := &committed{}
		if err := unit.Do(t.Context(), store, stage); err != nil || store.works != 1 {
			t.Errorf("%d works, %v", store.works, err)
		}
	})
	t.Run("stages inside of a unit", func(t *testing.T) {
		t.Parallel()
		store, w := &committed{}, unit.New(nil)
		if err := unit.Do(unit.With(t.Context(), w), store, stage); err != nil || store.works != 0 || w.Empty() {
			t.Errorf("%d works, %v", store.works, err)
		}
	})
	t.Run("commits nothing after an error, nor when nothing was staged", func(t *testing.T) {
		t.Parallel()
		store, broken := &committed{}, errors.New("broken")
		err := unit.Do(t.Context(), store, func(ctx context.Context, w *unit.Work) error {
			return errors.Join(stage(ctx, w), broken)
		})
		if !errors.Is(err, broken) || store.works != 0 {
			t.Errorf("%d works, %v", store.works, err)
		}
		if err := unit.Do(t.Context(), store, func(context.Context, *unit.Work) error { return nil }); err != nil || store.works != 0 {
			t.Errorf("%d works, %v", store.works, err)
		}
	})
}

func TestWatch(t *testing.T) {
	t.Parallel()
	changes := 0
	store := &committed{}
	watched := unit.Watch(store, func() { changes++ })
	if err := unit.Do(t.Context(), watched, stage); err != nil || changes != 1 {
		t.Errorf("%d changes, %v", changes, err)
	}
	settled := unit.New(nil)
	settled.Settle(unit.Receipt{Topic: "A"})
	if err := watched.Commit(t.Context(), settled); err != nil || changes != 1 {
		t.Errorf("a receipt alone: %d changes, %v", changes, err)
	}
	store.err = errors.New("broken")
	if err := unit.Do(t.Context(), watched, stage); err == nil || changes != 1 {
		t.Errorf("a failed commit: %d changes, %v", changes, err)
	}
}
