package postgres_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// The allocation fence, explored: all interleavings of a few writers and one
// reader that follows them, step by step, with commits and rollbacks. A step is
// what PostgreSQL does at once. The model is of commit.go, outbox.go and the
// statement of internal/write, and must be changed with them.

// step is one step of a writer or of the reader.
type step int

const (
	readLast  step = iota // the writer reads the sequence, for the key of its lock
	lock                  // ... and takes the lock
	ahead                 // logs the numbers that may be drawn soon: until it draws, the sequence as a table shows those
	draw                  // draws a number and inserts its row, which nobody sees
	end                   // commits, so that the rows are seen, or rolls back
	unlock                // and gives up the lock
	readHigh              // the reader reads the sequence
	readLocks             // then the locks
	readRows              // then the rows up to the lower of both, and goes on from there
	readMax               // in place of these three: all that is seen, and goes on from the highest
)

// fenceModel is what is explored.
type fenceModel struct {
	writers  int
	writer   []step
	reader   []step
	start    int64 // where the sequence stands
	table    bool  // the sequence is read as a table, not under its lock
	uncalled bool  // the sequence is new, and gives out the number that it stands at
	limit    int   // of the rows that are read at once
}

const most = 3 // writers, and rows of each

// actor is a writer.
type actor struct {
	at, drawn            int
	key                  int64
	rows                 [most]int64
	logging              bool
	locked, rolled, seen bool // seen: the rows are
}

// world is one state. It is comparable, so that none is explored twice.
type world struct {
	last     int64
	uncalled bool
	actors   [most]actor

	at                int // of the reader
	high, low, cursor int64
	read              [most * most]int64
	n                 int
}

// explore returns how many states there are, and the first violation.
func (m fenceModel) explore() (states int, violation error) {
	begin := world{last: m.start, uncalled: m.uncalled, cursor: m.start, low: math.MaxInt64}
	if m.uncalled {
		begin.cursor--
	}
	known := map[world]bool{begin: true}
	for open := []world{begin}; len(open) > 0; {
		w := open[len(open)-1]
		open = open[:len(open)-1]
		for _, next := range m.next(w) {
			if known[next] {
				continue
			}
			if err := m.check(next); err != nil {
				return len(known), err
			}
			known[next] = true
			open = append(open, next)
		}
	}
	return len(known), nil
}

// next returns what may follow.
func (m fenceModel) next(w world) (nexts []world) {
	logging := slices.ContainsFunc(w.actors[:], func(a actor) bool { return a.logging })
	for i := range m.writers {
		if a := w.actors[i]; a.at == len(m.writer) || logging && !a.logging && !m.passes(m.writer[a.at]) {
			continue
		}
		nexts = append(nexts, m.write(w, i, false))
		if m.writer[w.actors[i].at] == end {
			nexts = append(nexts, m.write(w, i, true))
		}
	}
	if logging && !m.passes(m.reader[w.at]) {
		return nexts
	}
	return append(nexts, m.readOn(w))
}

// passes reports whether a step can be done while somebody else holds the lock
// of the sequence.
func (m fenceModel) passes(s step) bool {
	return s != ahead && s != draw && (m.table || s != readLast && s != readHigh)
}

// shown is the last number that whoever reads the sequence sees.
func (m fenceModel) shown(w world) int64 {
	if slices.ContainsFunc(w.actors[:], func(a actor) bool { return a.logging }) {
		return w.last + 3
	}
	return w.last
}

// The keys of locks have 31 bits.
const mask = 1<<31 - 1

// write does the next step of a writer.
func (m fenceModel) write(w world, i int, rollback bool) world {
	a := &w.actors[i]
	switch m.writer[a.at] {
	case readLast:
		a.key = m.shown(w) & mask
	case lock:
		a.locked = true
	case ahead:
		a.logging = true
	case draw:
		a.logging = false
		if !w.uncalled {
			w.last++
		}
		w.uncalled = false
		a.rows[a.drawn] = w.last
		a.drawn++
	case end:
		a.seen, a.rolled = !rollback, rollback
	case unlock:
		a.locked = false
	}
	a.at++
	// Writers are alike: who of them stands where makes no other state.
	slices.SortFunc(w.actors[:m.writers], func(a, b actor) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.key, b.key), slices.Compare(a.rows[:], b.rows[:]))
	})
	return w
}

// readOn does the next step of the reader, who begins again after the last.
func (m fenceModel) readOn(w world) world {
	switch m.reader[w.at] {
	case readHigh:
		w.high = m.shown(w)
	case readLocks:
		reference := w.high
		if w.at == 0 { // in the wrong order
			reference = w.last
		}
		w.low = math.MaxInt64
		for _, a := range w.actors {
			if behind := (reference - a.key) & mask; a.locked && behind < 1<<30 {
				w.low = min(w.low, reference-behind)
			}
		}
	case readRows:
		w.take(min(w.high, w.low), m.limit)
		w.high, w.low = 0, math.MaxInt64
	case readMax:
		position := w.cursor
		w.take(math.MaxInt64, m.limit)
		w.cursor = position
		if w.n > 0 {
			w.cursor = w.read[w.n-1]
		}
	}
	w.at = (w.at + 1) % len(m.reader)
	return w
}

// take reads the rows that are seen, up to a position.
func (w *world) take(upTo int64, limit int) {
	if upTo <= w.cursor {
		return
	}
	var rows []int64
	for _, a := range w.actors {
		for _, row := range a.rows[:a.drawn] {
			if a.seen && row > w.cursor && row <= upTo {
				rows = append(rows, row)
			}
		}
	}
	slices.Sort(rows)
	if len(rows) >= limit {
		rows = rows[:limit]
		upTo = rows[limit-1]
	}
	w.cursor = upTo
	w.n += copy(w.read[w.n:], rows)
}

// check returns an error when a row was skipped or read twice, or is not read
// though all writers have ended.
func (m fenceModel) check(w world) error {
	over := true
	for _, a := range w.actors[:m.writers] {
		over = over && a.at == len(m.writer)
	}
	for turns := 0; over && turns < len(m.reader)*(len(w.read)+2); turns++ {
		w = m.readOn(w)
	}
	seen := 0
	for _, a := range w.actors {
		if a.seen {
			seen += a.drawn
		}
	}
	if over && w.n < seen {
		return fmt.Errorf("the reader has read %d of %d rows, and finds no more", w.n, seen)
	}
	read := w.read[:w.n]
	for i := range read {
		if i > 0 && read[i] <= read[i-1] {
			return fmt.Errorf("row %d was read after %d", read[i], read[i-1])
		}
	}
	for _, a := range w.actors {
		for _, row := range a.rows[:a.drawn] {
			if a.seen && row <= w.cursor && !slices.Contains(read, row) {
				return fmt.Errorf("row %d was skipped: the reader, who read %d, goes on from %d", row, read, w.cursor)
			}
		}
	}
	return nil
}

func TestFence_model(t *testing.T) {
	t.Parallel()
	writer := []step{readLast, lock, draw, draw, end, unlock}
	reader := []step{readHigh, readLocks, readRows}
	for sentence, m := range map[string]fenceModel{
		"two writers of two rows":                  {writers: 2, writer: writer, reader: reader, limit: 9},
		"two writers of three rows":                {writers: 2, writer: slices.Insert(slices.Clone(writer), 3, draw), reader: reader, limit: 2},
		"three writers of one row":                 {writers: 3, writer: slices.Delete(slices.Clone(writer), 3, 4), reader: reader, limit: 9},
		"three writers of two rows, read singly":   {writers: 3, writer: writer, reader: reader, limit: 1},
		"whose numbers are logged ahead":           {writers: 2, writer: []step{readLast, lock, ahead, draw, draw, end, unlock}, reader: reader, limit: 9},
		"where the keys of locks begin again":      {writers: 3, writer: slices.Delete(slices.Clone(writer), 3, 4), reader: reader, start: 1<<31 - 2, limit: 9},
		"where the keys of locks begin once more":  {writers: 2, writer: writer, reader: reader, start: 1<<32 - 3, limit: 1},
		"with a writer that is slow to give it up": {writers: 2, writer: append(slices.Clone(writer), unlock), reader: reader, limit: 9},
	} {
		t.Run("no row is skipped or read twice: "+sentence, func(t *testing.T) {
			t.Parallel()
			states, err := m.explore()
			if err != nil {
				t.Error(err)
			}
			t.Logf("%d states", states)
		})
	}
	for sentence, m := range map[string]fenceModel{
		"a reader that goes on from the highest row": {writer: writer, reader: []step{readMax}},
		"a reader that trusts the sequence alone":    {writer: writer, reader: []step{readHigh, readRows}},
		"a reader that looks at the locks first":     {writer: writer, reader: []step{readLocks, readHigh, readRows}},
		"a writer that locks after it drew":          {writer: []step{draw, readLast, lock, draw, end, unlock}, reader: reader},
		"a writer that unlocks before it commits":    {writer: []step{readLast, lock, draw, draw, unlock, end}, reader: reader},
		"a sequence that is read as a table":         {writer: []step{readLast, lock, ahead, draw, end, unlock}, reader: reader, table: true},
		"a sequence of which nothing was burned":     {writer: writer, reader: reader, start: 1, uncalled: true},
	} {
		t.Run("it finds the row that is skipped by "+sentence, func(t *testing.T) {
			t.Parallel()
			m.writers, m.limit = 2, 9
			_, err := m.explore()
			if err == nil || strings.Contains(err.Error(), "was read after") {
				t.Errorf("got %v, want a row that was skipped", err)
			}
			t.Log(err)
		})
	}
}
