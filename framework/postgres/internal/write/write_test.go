package write_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/minos-framework/minos-go/framework/postgres/internal/write"
	"github.com/minos-framework/minos-go/framework/unit"
)

// stagings stage what the parts of a statement store, in their order.
func stagings() map[string]func(w *unit.Work) {
	save := func(version int) func(w *unit.Work) {
		return func(w *unit.Work) {
			id := unit.NewID()
			w.Append(unit.Event{
				Aggregate: id, Version: version, Name: "Order", Action: unit.Update, Schema: 1, Data: []byte(`[]`),
				CreatedAt: w.Now(),
			}, unit.Snapshot{
				Aggregate: id, Version: version, Name: "Order", Schema: 1, Data: []byte(`{}`),
				CreatedAt: w.Now(), UpdatedAt: w.Now(),
			})
		}
	}
	return map[string]func(w *unit.Work){
		"receipt": func(w *unit.Work) { w.Settle(unit.Receipt{Topic: "Pay", Message: unit.NewID()}) },
		"create":  save(1),
		"update":  save(5),
		"saga": func(w *unit.Work) {
			w.SaveSaga(unit.Saga{
				ID: unit.NewID(), Definition: "Buy", Revision: 2, Status: "paused", Timeout: time.Nanosecond, Data: []byte(`{}`),
				Log: []json.RawMessage{[]byte(`1`), []byte(`2`)},
			})
		},
		"message": func(w *unit.Work) { w.Publish(unit.Message{Topic: "Paid", Content: []byte(`1`)}) },
	}
}

func batch(tb testing.TB, stage ...func(w *unit.Work)) *unit.Batch {
	tb.Helper()
	w := unit.New(map[string]string{"trace": "1"})
	for _, fn := range stage {
		fn(w)
	}
	b, err := unit.NewBatch(w)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// subsets returns all choices of names.
func subsets(names []string) [][]string {
	if len(names) == 0 {
		return [][]string{nil}
	}
	rest := subsets(names[1:])
	for _, s := range slices.Clone(rest) {
		rest = append(rest, append([]string{names[0]}, s...))
	}
	return rest
}

func TestArguments(t *testing.T) {
	t.Parallel()
	t.Run("gives none for nothing", func(t *testing.T) {
		t.Parallel()
		if shape, args := write.Arguments(batch(t)); shape != 0 || len(args) > 0 {
			t.Errorf("got %v with %v", shape, args)
		}
	})
	t.Run("says how far known rows go, and rounds timeouts up", func(t *testing.T) {
		t.Parallel()
		_, args := write.Arguments(batch(t, stagings()["update"]))
		if version, steps := args[2], args[3]; fmt.Sprint(version, steps) != "[5] [1]" {
			t.Errorf("got version %v after %v steps", version, steps)
		}
		_, args = write.Arguments(batch(t, stagings()["saga"]))
		if want := (pgtype.FlatArray[int64]{1}); !reflect.DeepEqual(args[5], want) {
			t.Errorf("got timeout %v, want %v", args[5], want)
		}
		if revisions, places := args[8], args[9]; fmt.Sprint(revisions, places) != "[2 2] [0 1]" {
			t.Errorf("got entries of %v at %v", revisions, places)
		}
	})
}

func TestShape_Statement(t *testing.T) {
	t.Parallel()
	parameter, table := regexp.MustCompile(`\$(\d+)::`), regexp.MustCompile(`INSERT INTO minos\.(\w+)|(advisory)`)
	order := []string{"receipt", "snapshot", "snapshot", "saga", "saga_log", "advisory", "event", "message"}
	all := stagings()
	for _, kinds := range subsets([]string{"receipt", "create", "update", "saga", "message"})[1:] {
		var stage []func(w *unit.Work)
		for _, kind := range kinds {
			stage = append(stage, all[kind])
		}
		shape, args := write.Arguments(batch(t, stage...))
		text := shape.Statement()
		highest := 0
		for _, match := range parameter.FindAllStringSubmatch(text, -1) {
			n, _ := strconv.Atoi(match[1])
			highest = max(highest, n)
		}
		if highest != len(args) {
			t.Errorf("%v: %d arguments for %d parameters of %s", kinds, len(args), highest, text)
		}
		place := 0
		for _, match := range table.FindAllStringSubmatch(text, -1) {
			next := slices.Index(order[place:], match[1]+match[2])
			if next < 0 {
				t.Fatalf("%v: %s is too late in %s", kinds, match[0], text)
			}
			place += next + 1
		}
		guards := strings.Count(text, "SELECT minos.refuse(")
		want := 0
		for _, kind := range []string{"update", "saga"} {
			if slices.Contains(kinds, kind) {
				want++
			}
		}
		if guards != want {
			t.Errorf("%v: got %d guards, want %d", kinds, guards, want)
		}
		numbers := slices.ContainsFunc(kinds, func(k string) bool { return k != "receipt" && k != "saga" })
		if fences := strings.Count(text, "advisory"); fences > 1 || (fences == 1) != numbers {
			t.Errorf("%v: got %d fences", kinds, fences)
		}
	}
}

func TestRewrite(t *testing.T) {
	t.Parallel()
	states := []unit.Snapshot{
		{Aggregate: unit.NewID(), Name: "Order", Version: 3}, {Aggregate: unit.NewID(), Name: "Item", Version: 1},
	}
	text, args := write.Rewrite(states)
	if n := strings.Count(text, "$"); n != len(args) {
		t.Errorf("%d arguments for %s", len(args), text)
	}
	ids := pgtype.FlatArray[pgtype.UUID]{write.UUID(states[0].Aggregate), write.UUID(states[1].Aggregate)}
	if !reflect.DeepEqual(args[1], ids) || fmt.Sprint(args[2]) != "[3 1]" {
		t.Errorf("got %v of versions %v", args[1], args[2])
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	for want, headers := range map[string]map[string]string{"": {}, `{"a":"b"}`: {"a": "b"}} {
		if got := write.Headers(headers); string(got) != want || (got == nil) != (want == "") {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestUUID(t *testing.T) {
	t.Parallel()
	for _, id := range []uuid.UUID{uuid.Nil, unit.NewID()} {
		if got := write.UUID(id); got.Bytes != id || !got.Valid { // the zero UUID is one too
			t.Errorf("got %v, want %v", got, id)
		}
	}
}
