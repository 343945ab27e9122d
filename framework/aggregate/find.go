package aggregate

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/query"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Find yields the entities of which all conditions hold, or all entities
// without any, in the order that is asked for; without one, in order of
// creation. It reads a page at a time, each as of its own time, and holds no
// more; the loop's body may read, save and delete, and breaking off is free.
//
// Inside a handler it yields what the handler has staged at its place among
// what is stored. An error is yielded with a nil entity, once and last; but a
// *PoisonError is that of one entity, at its place, and others may follow.
func (r *Repository[T]) Find(ctx context.Context, clauses ...query.Clause) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		selection, err := r.bind(clauses)
		if err != nil {
			yield(nil, err)
			return
		}
		for snapshot, err := range r.selected(ctx, selection) {
			if err != nil {
				yield(nil, fmt.Errorf("find %s: %w", r.shape.Name, err))
				return
			}
			entity, err := r.restore(ctx, snapshot)
			_, poisoned := errors.AsType[*PoisonError](err)
			if !yield(entity, err) || err != nil && !poisoned {
				return
			}
		}
	}
}

// FindOne returns the first entity that Find would yield, or a *NotFoundError
// without an id when there is none.
func (r *Repository[T]) FindOne(ctx context.Context, clauses ...query.Clause) (*T, error) {
	selection, err := r.bind(clauses)
	if err != nil {
		return nil, err
	}
	selection.Limit = 1
	for snapshot, err := range r.selected(ctx, selection) {
		if err != nil {
			return nil, fmt.Errorf("find %s: %w", r.shape.Name, err)
		}
		return r.restore(ctx, snapshot)
	}
	return nil, &NotFoundError{Name: r.shape.Name}
}

// All returns what Find yields in a slice.
func (r *Repository[T]) All(ctx context.Context, clauses ...query.Clause) ([]*T, error) {
	all := []*T{}
	for entity, err := range r.Find(ctx, clauses...) {
		if err != nil {
			return nil, err
		}
		all = append(all, entity)
	}
	return all, nil
}

// Page is a part of what a query selects.
type Page[T any] struct {
	Items []*T `json:"items"`
	// Next is the cursor of the page after this one; empty when this is the
	// last.
	Next string `json:"next,omitempty"`
}

// Page returns size of the entities that Find would yield, from the beginning
// when cursor is empty, or else from where the page ended whose Next it is. An
// entity that did not change is on one page, whatever comes and goes between
// the calls.
//
// A cursor is good for the same clauses only, in any process and for any time;
// an error that matches query.ErrCursor says that it is not. It holds the
// values that the page ended at, which whoever has it can read.
func (r *Repository[T]) Page(ctx context.Context, cursor string, size int, clauses ...query.Clause) (Page[T], error) {
	selection, err := r.bind(clauses)
	if err != nil {
		return Page[T]{}, err
	}
	if size < 1 || selection.Limit != 0 {
		return Page[T]{}, fmt.Errorf("page of %s: a size of at least 1 is its only limit", r.shape.Name)
	}
	if cursor != "" {
		after, err := selection.At(cursor)
		if err != nil {
			return Page[T]{}, fmt.Errorf("page of %s: %w", r.shape.Name, err)
		}
		selection.After = &after
	}
	selection.Limit = size + 1 // to know whether there are more
	page := Page[T]{Items: []*T{}}
	var last unit.Snapshot
	for snapshot, err := range r.selected(ctx, selection) {
		if err != nil {
			return Page[T]{}, fmt.Errorf("page of %s: %w", r.shape.Name, err)
		}
		if len(page.Items) == size {
			page.Next = selection.Cursor(selection.Position(last))
			break
		}
		entity, err := r.restore(ctx, snapshot)
		if err != nil {
			return Page[T]{}, err
		}
		page.Items, last = append(page.Items, entity), snapshot
	}
	return page, nil
}

func (r *Repository[T]) bind(clauses []query.Clause) (query.Selection, error) {
	selection, err := query.Bind(kinds(r.shape), clauses...)
	if err != nil {
		return query.Selection{}, fmt.Errorf("find %s: %w", r.shape.Name, err)
	}
	selection.Name = r.shape.Name
	return selection, nil
}

// selected yields what is selected of what is stored and, in their places, of
// what the context's work has staged instead.
func (r *Repository[T]) selected(ctx context.Context, s query.Selection) iter.Seq2[unit.Snapshot, error] {
	work := unit.From(ctx)
	staged := work.StagedAll(s.Name)
	wide := s
	if s.Limit > 0 {
		wide.Limit += len(staged) // all of which may be in place of stored ones
	}
	return limited(s.Limit, func(yield func(unit.Snapshot, error) bool) {
		m := newMerging(s, work, staged)
		for snapshot, err := range r.definition.sensitive.Warm(ctx, r.store.Snapshots(ctx, wide)) {
			if err != nil {
				yield(unit.Snapshot{}, err)
				return
			}
			if !yieldAll(m.next(snapshot), yield) {
				return
			}
		}
		yieldAll(m.own, yield)
	})
}

// merging puts what a work has staged in its places among what is stored.
type merging struct {
	selection query.Selection
	work      *unit.Work
	own       []unit.Snapshot    // staged and selected, in order, and not yielded yet
	replaced  map[uuid.UUID]bool // are staged
	ready     []unit.Snapshot    // what next has returned last
}

func newMerging(s query.Selection, work *unit.Work, staged []unit.Snapshot) *merging {
	m := &merging{selection: s, work: work, own: query.Select(s, staged), replaced: make(map[uuid.UUID]bool, len(staged))}
	for _, snapshot := range staged {
		m.replaced[snapshot.Aggregate] = true
	}
	return m
}

// next returns what is to be yielded up to a stored state: what was staged
// before it, and then the state, unless the work has another in its place. It is
// good until next is called again.
func (m *merging) next(stored unit.Snapshot) []unit.Snapshot {
	if m.replaced[stored.Aggregate] {
		return nil
	}
	n := 0
	for n < len(m.own) && m.selection.Compare(m.selection.Position(m.own[n]), m.selection.Position(stored)) < 0 {
		n++
	}
	m.ready, m.own = append(m.ready[:0], m.own[:n]...), m.own[n:]
	// What the loop's body has staged since must not come in an older state.
	if later, ok := m.work.Staged(stored.Aggregate); ok {
		if stored = later; !m.selection.Match(stored) {
			return m.ready
		}
	}
	m.ready = append(m.ready, stored)
	return m.ready
}

// yieldAll yields snapshots, and reports whether more are wanted.
func yieldAll(snapshots []unit.Snapshot, yield func(unit.Snapshot, error) bool) bool {
	for _, snapshot := range snapshots {
		if !yield(snapshot, nil) {
			return false
		}
	}
	return true
}

// limited yields the first limit items, or all when it is 0.
func limited[T any](limit int, items iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		n := 0
		for item, err := range items {
			if n++; !yield(item, err) || n == limit {
				return
			}
		}
	}
}
