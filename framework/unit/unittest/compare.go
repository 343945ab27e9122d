package unittest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/unit"
)

// RunComparison commits the same random works, many of them refused, to a store
// and to a reference, and compares what they answer and what is stored then.
func RunComparison(t *testing.T, open, reference Opener) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprintf("random works with seed %d", seed), func(t *testing.T) {
			t.Parallel()
			compare(t, rand.New(rand.NewPCG(seed, seed)), open(t), reference(t))
		})
	}
}

func compare(t *testing.T, random *rand.Rand, s, reference Store) {
	t.Helper()
	g := generator{random: random, ids: sortedIDs(4), sagas: sortedIDs(3), receipts: make([]unit.Receipt, 30)}
	for i := range g.receipts {
		g.receipts[i] = receipt()
	}
	g.versions, g.revisions = map[uuid.UUID]int{}, map[uuid.UUID]int{}
	stored := 0
	for range 150 {
		works := g.works()
		err := s.Commit(t.Context(), works...)
		want := reference.Commit(t.Context(), works...)
		if verdict(err) != verdict(want) {
			t.Fatalf("got %v (%s), want %v (%s)", err, verdict(err), want, verdict(want))
		}
		if err == nil {
			stored++
			g.accept(works)
		}
	}
	if stored < 20 {
		t.Errorf("only %d of 150 calls were stored: the works are too wild", stored)
	}
	equal(t, "contents", g.contents(t, s), g.contents(t, reference))
}

// verdict is what of an error must be the same in all stores.
func verdict(err error) string {
	if conflict, ok := errors.AsType[*unit.ConflictError](err); ok {
		return fmt.Sprint("conflict of work ", conflict.Work, " about ", conflict.Name, conflict.ID, conflict.Version)
	}
	if duplicate, ok := errors.AsType[*unit.DuplicateError](err); ok {
		return fmt.Sprint("duplicate of work ", duplicate.Work, " about ", duplicate.Receipt)
	}
	return fmt.Sprint(err == nil)
}

// generator makes works about a few aggregates and sagas, mostly on their
// latest versions.
type generator struct {
	random              *rand.Rand
	ids, sagas          []uuid.UUID
	receipts            []unit.Receipt
	versions, revisions map[uuid.UUID]int
}

func (g *generator) works() []*unit.Work {
	works := make([]*unit.Work, 1+g.random.IntN(3))
	for i := range works {
		w := unit.New(nil)
		works[i] = w
		if g.random.IntN(3) > 0 {
			g.change(w)
		}
		if g.random.IntN(3) == 0 {
			row := execution(0)
			row.ID = g.sagas[g.random.IntN(len(g.sagas))]
			row.Revision = g.revisions[row.ID] + g.step()
			row.Log = row.Log[:g.random.IntN(2)]
			w.SaveSaga(row)
		}
		if g.random.IntN(3) == 0 {
			w.Publish(message())
		}
		if g.random.IntN(6) == 0 {
			w.Settle(g.receipts[g.random.IntN(len(g.receipts))])
		}
	}
	return works
}

// change stages one to three versions of an aggregate, the last of which may
// delete it.
func (g *generator) change(w *unit.Work) {
	id := g.ids[g.random.IntN(len(g.ids))]
	first := g.versions[id] + g.step()
	last := first + g.random.IntN(3)
	for version := first; version <= last; version++ {
		state := json.RawMessage(fmt.Sprintf(`{"v":%d}`, g.random.Int()))
		if version == last && g.random.IntN(5) == 0 {
			state = nil
		}
		change(w, id, version, state)
	}
}

// step is 1 mostly, and else a version that is taken or leaves a gap.
func (g *generator) step() int {
	switch g.random.IntN(16) {
	case 0:
		return 2
	case 1:
		return 0
	}
	return 1
}

func (g *generator) accept(works []*unit.Work) {
	for _, w := range works {
		for _, e := range w.Events {
			g.versions[e.Aggregate] = e.Version
		}
		for _, row := range w.Sagas {
			g.revisions[row.ID] = row.Revision
		}
	}
}

// contents is all that a store holds, without numbers and times of its own.
func (g *generator) contents(t *testing.T, s Store) []string {
	t.Helper()
	var all []string
	note := func(what string, v any, data []byte) {
		all = append(all, fmt.Sprintf("%s %+v %v", what, v, data != nil && decode(t, data) != nil))
		if data != nil {
			all = append(all, fmt.Sprint(decode(t, data)))
		}
	}
	for _, e := range pending(t, s, 0) {
		if m := e.Message; m != nil {
			content := m.Content
			m.Content = nil
			note("message", *m, content)
			continue
		}
		data := e.Event.Data
		e.Event.Data, e.Event.Seq = nil, 0
		note("event", *e.Event, data)
	}
	for _, id := range g.ids {
		snapshot, err := s.Snapshot(t.Context(), name, id)
		data := snapshot.Data
		snapshot.Data = nil
		note("state", fmt.Sprint(snapshot, errors.Is(err, aggregate.ErrNotFound)), data)
	}
	for _, id := range g.sagas {
		row, err := s.Saga(t.Context(), id)
		log, logErr := s.SagaLog(t.Context(), id)
		data := row.Data
		row.Data = nil
		note("saga", fmt.Sprint(row, err, len(log), logErr), data)
	}
	return all
}
