package unittest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/dump"
	"github.com/minos-framework/minos-go/framework/unit"
)

// RunDump exports from a store of each kind and imports into one of each kind.
func RunDump(t *testing.T, kinds map[string]Opener) {
	for _, from := range slices.Sorted(maps.Keys(kinds)) {
		for _, to := range slices.Sorted(maps.Keys(kinds)) {
			t.Run("from "+from+" to "+to, func(t *testing.T) {
				t.Parallel()
				travel(t, kinds[from](t), kinds[to](t))
			})
		}
	}
}

func runDump(t *testing.T, open Opener) {
	test(t, open, "travels whole and goes on", func(t *testing.T, s Store) { travel(t, s, open(t)) })
	test(t, open, "travels empty", func(t *testing.T, s Store) {
		to := open(t)
		load(t, to, export(t, s))
		equal(t, "entries", len(pending(t, to, 0)), 0)
		commit(t, to, newFull(1).Work)
	})
	test(t, open, "is exported as of one moment", func(t *testing.T, s Store) { exportWhileWriting(t, s, open(t)) })
	test(t, open, "takes no dump when it holds something", func(t *testing.T, s Store) {
		text, f := export(t, s), newFull(1)
		commit(t, s, f.Work)
		if err := s.Import(t.Context(), strings.NewReader(text)); !errors.Is(err, dump.ErrNotEmpty) {
			t.Errorf("got %v, want ErrNotEmpty", err)
		}
		expectPresent(t, s, f)
	})
	test(t, open, "takes no dump when it has a cursor", func(t *testing.T, s Store) {
		text := export(t, s)
		release(t, lead(t, s, "relay"))
		if err := s.Import(t.Context(), strings.NewReader(text)); !errors.Is(err, dump.ErrNotEmpty) {
			t.Errorf("got %v, want ErrNotEmpty", err)
		}
	})
	test(t, open, "takes nothing of a dump that was cut off or spoiled", func(t *testing.T, s Store) {
		filled := open(t)
		fill(t, filled)
		text := export(t, filled)
		for sentence, spoiled := range spoilt(text) {
			err := s.Import(t.Context(), strings.NewReader(spoiled))
			if _, ok := errors.AsType[*dump.FormatError](err); !ok {
				t.Errorf("%s: got %v, want a *dump.FormatError", sentence, err)
			}
		}
		line := text[strings.Index(text, `{"receipt"`):]
		line = line[:strings.Index(line, "\n")+1]
		twice := strings.Replace(strings.Replace(text, line, line+line, 1), `"receipt":3`, `"receipt":4`, 1)
		if err := s.Import(t.Context(), strings.NewReader(twice)); err == nil {
			t.Error("a receipt was taken twice")
		}
		equal(t, "entries", len(pending(t, s, 0)), 0)
		load(t, s, text) // which it takes only when nothing is there
	})
	test(t, open, "neither exports nor imports under a context that has ended", func(t *testing.T, s Store) {
		ctx, cancel := contextEnded(t)
		defer cancel()
		fill(t, s)
		if err := s.Export(ctx, io.Discard); !errors.Is(err, context.Canceled) {
			t.Errorf("export: got %v, want context.Canceled", err)
		}
		text, empty := export(t, s), open(t)
		if err := empty.Import(ctx, strings.NewReader(text)); !errors.Is(err, context.Canceled) {
			t.Errorf("import: got %v, want context.Canceled", err)
		}
		load(t, empty, text)
	})
	test(t, open, "returns the error of who takes or gives the dump", func(t *testing.T, s Store) {
		broken := errors.New("broken")
		fill(t, s)
		text := export(t, s)
		reader, writer := io.Pipe()
		_ = reader.CloseWithError(broken)
		if err := s.Export(t.Context(), writer); !errors.Is(err, broken) {
			t.Errorf("export: got %v, want %v", err, broken)
		}
		reader, writer = io.Pipe()
		_ = writer.CloseWithError(broken)
		half := io.MultiReader(strings.NewReader(text[:len(text)/2]), reader)
		if err := open(t).Import(t.Context(), half); !errors.Is(err, broken) {
			t.Errorf("import: got %v, want %v", err, broken)
		}
	})
}

// filling is what fill leaves to go on with.
type filling struct {
	first, deleted full
	row            unit.Saga // of a saga at revision 2
	position       int64     // of the cursor
}

// fill commits some of everything.
func fill(t *testing.T, s Store) filling {
	t.Helper()
	f := filling{first: newFull(1), deleted: newFull(1)}
	commit(t, s, f.first.Work)
	other := newFull(1)
	full := unit.Message{
		ID: unit.NewID(), Topic: "A.created", Key: "k'1 ü\n", ReplyTo: "Reply", Status: 404,
		Content: json.RawMessage(`[1.10,"<a>",9007199254740993]`), Headers: map[string]string{"é": "ü\n", "": ""},
	}
	other.Publish(full, unit.Message{ID: unit.NewID(), Topic: topic}, unit.Message{
		ID: unit.NewID(), Topic: topic, Content: json.RawMessage(`null`),
	})
	commit(t, s, other.Work, f.deleted.Work)
	f.row = f.first.row
	f.row.Revision, f.row.Timeout, f.row.Data = 2, time.Hour, nil
	f.row.Log = []json.RawMessage{json.RawMessage(`"second"`), json.RawMessage(`"third"`)}
	w := change(unit.New(map[string]string{"user": "zoë"}), f.deleted.id, 2, nil)
	change(w, f.first.id, 2, json.RawMessage(`{"n":2,"text":"ä\u0001<\"","big":9007199254740993,"list":[{"a":null}]}`))
	w.SaveSaga(f.row)
	commit(t, s, w)
	if _, err := s.CreateSubjectKey(t.Context(), "ann", []byte("sealed\x00")); err != nil {
		t.Fatal(err)
	}
	if err := s.ForgetSubject(t.Context(), "bob"); err != nil {
		t.Fatal(err)
	}
	lease, idle := lead(t, s, "relay"), lead(t, s, "other")
	entries := pending(t, s, 0)
	f.position = entries[1].Seq
	save(t, lease, f.position)
	release(t, lease)
	release(t, idle)
	tasks := lead(t, s, "tasks") // whose cursor is a time
	save(t, tasks, time.Now().UnixMicro())
	release(t, tasks)
	if err := s.Trim(t.Context(), f.position, time.Time{}); err != nil {
		t.Fatal(err)
	}
	return f
}

// travel takes a store into an empty one, and goes on there.
func travel(t *testing.T, from, to Store) {
	t.Helper()
	f := fill(t, from)
	text := export(t, from)
	load(t, to, text)
	again, want := lines(t, export(t, to)), lines(t, text)
	equal(t, "lines that are exported again", len(again), len(want))
	for i := range min(len(again), len(want)) {
		equal(t, "line that is exported again", again[i], want[i])
	}

	last := pending(t, from, 0)
	equal(t, "position", lead(t, to, "relay").Position(), f.position)
	expectConflict(t, to, 0, f.first.id, changed(f.first.id, 2))
	expectConflict(t, to, 0, f.deleted.id, changed(f.deleted.id, 1))
	settle := unit.New(nil)
	settle.Settle(f.first.receipt)
	if _, ok := errors.AsType[*unit.DuplicateError](to.Commit(t.Context(), settle)); !ok {
		t.Error("a receipt was lost")
	}
	expectKeys(t, to, []string{"ann", "bob", "carl"}, "sealed\x00", "forgotten", "")
	row := f.row
	row.Revision, row.Log = 3, []json.RawMessage{json.RawMessage(`"fourth"`)}
	w := changed(f.first.id, 3)
	w.SaveSaga(row)
	commit(t, to, w)
	entries := pending(t, to, last[len(last)-1].Seq)
	equal(t, "new entries", len(entries), 1)
	log, err := to.SagaLog(t.Context(), row.ID)
	if err != nil || len(log) != 4 {
		t.Fatalf("log: got %v, %v, want 4 entries", log, err)
	}
	sameJSON(t, "last entry of the log", log[3].Data, []byte(`"fourth"`))
	sameJSON(t, "second entry of the log", log[1].Data, []byte(`"second"`))
}

// exportWhileWriting commits whenever a part of the dump is written.
func exportWhileWriting(t *testing.T, s, to Store) {
	t.Helper()
	const states = 400
	all := make([]uuid.UUID, states)
	for i := range all {
		all[i] = unit.NewID()
		commit(t, s, changed(all[i], 1))
	}
	var text bytes.Buffer
	turn := 0
	err := s.Export(t.Context(), writerFunc(func(p []byte) (int, error) {
		turn++
		w := changed(all[turn], 2)
		change(w, unit.NewID(), 1, json.RawMessage(`{}`))
		w.Settle(receipt())
		if err := s.Commit(t.Context(), w); err != nil {
			return 0, err
		}
		return text.Write(p)
	}))
	if err != nil || turn < 2 {
		t.Fatalf("export in %d parts: %v", turn, err)
	}
	load(t, to, text.String())
	equal(t, "entries", len(pending(t, to, 0)), states)
	for _, id := range all {
		if snapshot, err := to.Snapshot(t.Context(), name, id); err != nil || snapshot.Version != 1 {
			t.Fatalf("got %+v, %v, want version 1", snapshot, err)
		}
	}
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// spoilt returns texts that are not a whole dump.
func spoilt(text string) map[string]string {
	all := strings.SplitAfter(text, "\n")
	replaced := func(old, with string) string { return strings.Replace(text, old, with, 1) }
	texts := map[string]string{
		"nothing":                   "",
		"not JSON":                  "minos\n",
		"another JSON":              `{"a":1}`,
		"without a header":          strings.Join(all[1:], ""),
		"a later format":            replaced(`"format":1`, `"format":2`),
		"a field of later":          replaced(`"version":1`, `"version":1,"more":true`),
		"a record of later":         replaced(`{"event":`, `{"fact":`),
		"two records in one":        replaced(`{"event":`, `{"cursor":{"name":"a","position":0},"event":`),
		"an empty record":           replaced("\n", "\n{}\n"),
		"a gap in the versions":     replaced(`"version":1`, `"version":2`),
		"a version of 0":            replaced(`"version":1`, `"version":0`),
		"a number out of order":     replaced(`"seq":1`, `"seq":9`),
		"an order that ends early":  replaced(`"position":`, `"position":-`),
		"a cursor before the start": replaced(`{"cursor":{"name":"relay","position":`, `{"cursor":{"name":"relay","position":-`),
		"a second end":              text + all[len(all)-2],
		"a second dump":             text + text,
		"something at the end":      text + "x",
		"another order of kinds":    all[0] + all[2] + all[len(all)-3] + strings.Join(all[2:], ""),
	}
	for i := 1; i < len(all)-1; i++ {
		texts["cut off at the end of line "+all[i-1]] = strings.Join(all[:i], "")
		texts["cut off within line "+all[i]] = strings.Join(all[:i], "") + all[i][:len(all[i])/2]
		texts["without line "+all[i]] = strings.Join(all[:i], "") + strings.Join(all[i+1:], "")
	}
	return texts
}

func export(t *testing.T, s Store) string {
	t.Helper()
	var text bytes.Buffer
	if err := s.Export(t.Context(), &text); err != nil {
		t.Fatalf("export: %v", err)
	}
	return text.String()
}

func load(t *testing.T, s Store, text string) {
	t.Helper()
	if err := s.Import(t.Context(), strings.NewReader(text)); err != nil {
		t.Fatalf("import: %v", err)
	}
}

// lines decodes each line.
func lines(t *testing.T, text string) []any {
	t.Helper()
	var all []any
	for line := range strings.Lines(text) {
		all = append(all, decode(t, []byte(line)))
	}
	return all
}
