package postgres_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/sqlite"
	"github.com/minos-framework/minos-go/framework/unit"
)

// An aggregate is a register with versions: a write names the version that it
// builds on, and either makes the next one or is told that another was first.
// What concurrent callers see must be what they could have seen one after the
// other, at moments between their call and its return (linearizability), which
// porcupine decides for histories that were recorded.

// access is what a caller asks of a register.
type access struct {
	register uuid.UUID
	write    bool
	base     int    // version that the write builds on
	value    string // that is written
}

// answer is what the caller is told.
type answer struct {
	outcome outcome
	state   register // that was read
}

type outcome int

const (
	accepted outcome = iota
	conflicted
	unknown // neither is known: the write happens at some time, or never
)

// register is a state.
type register struct {
	version int
	value   string
}

func registerModel() porcupine.Model {
	m := porcupine.NondeterministicModel{
		Init: func() []any { return []any{register{}} },
		Step: func(state, input, output any) []any {
			now, in, out := state.(register), input.(access), output.(answer)
			next := register{in.base + 1, in.value}
			switch {
			case !in.write && out.state == now, in.write && out.outcome == conflicted && now.version != in.base:
				return []any{now}
			case in.write && out.outcome == accepted && now.version == in.base:
				return []any{next}
			case in.write && out.outcome == unknown && now.version == in.base:
				return []any{now, next}
			case in.write && out.outcome == unknown:
				return []any{now}
			}
			return nil
		},
		Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
			parts := map[uuid.UUID][]porcupine.Operation{}
			for _, op := range history {
				id := op.Input.(access).register
				parts[id] = append(parts[id], op)
			}
			var all [][]porcupine.Operation
			for _, part := range parts {
				all = append(all, part)
			}
			return all
		},
		DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v -> %+v", input, output) },
	}
	return m.ToModel()
}

// clients are several who use the same registers at once.
type clients struct {
	store     aggregate.Store
	registers []uuid.UUID
	rounds    int
	await     func() // returns when it is worth another try
	clock     atomic.Int64
}

// history is what n clients do and are told.
func (c *clients) history(t *testing.T, n int) []porcupine.Operation {
	t.Helper()
	recorded := make([][]porcupine.Operation, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			for round := range c.rounds {
				read, err := c.read(t.Context(), i, c.registers[rand.IntN(len(c.registers))])
				if err != nil {
					t.Error(err)
					return
				}
				recorded[i] = append(recorded[i], read)
				recorded[i] = append(recorded[i], c.write(t.Context(), i, round, read)...)
			}
		})
	}
	all.Wait()
	return slices.Concat(recorded...)
}

// read reads a register, again when a read tells nothing.
func (c *clients) read(ctx context.Context, client int, id uuid.UUID) (porcupine.Operation, error) {
	for {
		op := porcupine.Operation{ClientId: client, Input: access{register: id}, Call: c.clock.Add(1)}
		load := c.byState
		if rand.IntN(4) == 0 {
			load = c.byEvents
		}
		state, err := load(ctx, id)
		op.Output, op.Return = answer{state: state}, c.clock.Add(1)
		if err == nil || ctx.Err() != nil {
			return op, err
		}
		c.await()
	}
}

func (c *clients) byState(ctx context.Context, id uuid.UUID) (state register, err error) {
	snapshot, err := c.store.Snapshot(ctx, "Register", id)
	if errors.Is(err, aggregate.ErrNotFound) {
		return state, nil
	}
	if err != nil {
		return state, err
	}
	return register{snapshot.Version, text(snapshot.Data)}, nil
}

// byEvents reads the same from the history.
func (c *clients) byEvents(ctx context.Context, id uuid.UUID) (state register, err error) {
	for e, err := range c.store.Events(ctx, aggregate.EventQuery{Aggregate: id}) {
		if err != nil {
			return state, err
		}
		if e.Version != state.version+1 {
			return state, nil // which is no state that a register ever had
		}
		state = register{e.Version, text(e.Data)}
	}
	return state, nil
}

func text(data []byte) string {
	var content []string
	_ = json.Unmarshal(data, &content) // else it is no value that was written
	return strings.Join(content, " ")
}

// write builds on what was read, or on the version before that. A write that
// ended with an error that is not about its outcome did not happen, and is no
// part of the history.
func (c *clients) write(ctx context.Context, client, round int, read porcupine.Operation) []porcupine.Operation {
	in := access{
		register: read.Input.(access).register, write: true,
		base: read.Output.(answer).state.version, value: fmt.Sprint(client, "/", round),
	}
	if in.base > 0 && rand.IntN(6) == 0 {
		in.base--
	}
	w, data := unit.New(nil), fmt.Appendf(nil, "[%q]", in.value)
	w.Append(unit.Event{
		Aggregate: in.register, Version: in.base + 1, Name: "Register", Action: unit.Update, Schema: 1, Data: data, CreatedAt: w.Now(),
	}, unit.Snapshot{
		Aggregate: in.register, Version: in.base + 1, Name: "Register", Schema: 1, Data: data, CreatedAt: w.Now(), UpdatedAt: w.Now(),
	})
	op := porcupine.Operation{ClientId: client, Input: in, Output: answer{}, Call: c.clock.Add(1)}
	err := c.store.Commit(ctx, w)
	op.Return = c.clock.Add(1)
	_, conflict := errors.AsType[*unit.ConflictError](err)
	_, lost := errors.AsType[*unit.UnknownError](err)
	switch {
	case conflict:
		op.Output = answer{outcome: conflicted}
	case lost:
		op.Output, op.Return = answer{outcome: unknown}, math.MaxInt64
		c.await()
	case err != nil:
		c.await()
		return nil
	}
	return []porcupine.Operation{op}
}

// linearizable checks what 8 clients do with two registers of a store.
func linearizable(t *testing.T, store aggregate.Store) {
	t.Helper()
	c := &clients{store: store, registers: []uuid.UUID{unit.NewID(), unit.NewID()}, rounds: 60, await: func() {}}
	history := c.history(t, 8)
	if result := porcupine.CheckOperationsTimeout(registerModel(), history, time.Minute); result != porcupine.Ok {
		t.Errorf("the history of %d operations is %s", len(history), result)
	}
}

// grouped is a store whose commits go in groups.
type grouped struct {
	aggregate.Store

	commits *unit.Coalescer
}

func inGroups(store aggregate.Store) grouped {
	return grouped{store, unit.Coalesce(store, unit.CoalesceConfig{Writers: 2})}
}

func (g grouped) Commit(ctx context.Context, works ...*unit.Work) error {
	return g.commits.Commit(ctx, works...)
}

// liar takes every twentieth work without storing it.
type liar struct {
	aggregate.Store

	works atomic.Int64
}

func (l *liar) Commit(ctx context.Context, works ...*unit.Work) error {
	if l.works.Add(1)%20 == 0 {
		return nil
	}
	return l.Store.Commit(ctx, works...)
}

func TestStore_linearizable(t *testing.T) {
	t.Parallel()
	inMemory := func(t *testing.T) aggregate.Store {
		t.Helper()
		s, err := memory.Open(t.Context(), memory.Config{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	inFile := func(t *testing.T) aggregate.Store {
		t.Helper()
		s, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "store.db")})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	for kind, open := range map[string]func(t *testing.T) aggregate.Store{"memory": inMemory, "sqlite": inFile} {
		t.Run("concurrent callers of "+kind+" are as if one after the other", func(t *testing.T) {
			t.Parallel()
			linearizable(t, open(t))
		})
		t.Run("so are those whose commits go in groups to "+kind, func(t *testing.T) {
			t.Parallel()
			linearizable(t, inGroups(open(t)))
		})
	}
	t.Run("a store that loses a write is found out", func(t *testing.T) {
		t.Parallel()
		c := &clients{store: &liar{Store: inMemory(t)}, registers: []uuid.UUID{unit.NewID()}, rounds: 30, await: func() {}}
		if porcupine.CheckOperations(registerModel(), c.history(t, 4)) {
			t.Error("it was not")
		}
	})
}
