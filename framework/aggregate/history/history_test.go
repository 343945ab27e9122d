package history_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate/history"
	"github.com/minos-framework/minos-go/framework/domain"
	"github.com/minos-framework/minos-go/framework/unit"
)

// list is a root with a set of each kind.
type list struct {
	Title string                  `json:"title"`
	Tags  domain.ValueSet[string] `json:"tags"`
	Lines domain.EntitySet[line]  `json:"lines"`
}

type line struct {
	domain.Entity
	Text string `json:"text"`
}

func shapeOf(t testing.TB) *domain.Shape {
	t.Helper()
	shape, err := domain.ShapeOf(reflect.TypeFor[list]())
	if err != nil {
		t.Fatal(err)
	}
	return shape
}

func encode(t testing.TB, l list) []json.RawMessage {
	t.Helper()
	values, err := shapeOf(t).Encode(&l)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func TestCompare(t *testing.T) {
	t.Parallel()
	one, two := uuid.UUID{15: 1}, uuid.UUID{15: 2}
	of := func(id uuid.UUID, text string) *line { return &line{Entity: domain.Entity{UUID: id}, Text: text} }
	base := list{Title: "a", Tags: domain.NewValueSet("x", "y"), Lines: domain.NewEntitySet(of(one, "1"))}
	for sentence, c := range map[string]struct {
		base, next list
		want       string
	}{
		"nothing": {base, base, `[]`},
		"a field": {base, list{Title: "b", Tags: base.Tags, Lines: base.Lines}, `[{"name":"title","value":"b"}]`},
		"a value more and one less": {
			base,
			list{Title: "a", Tags: domain.NewValueSet("y", "z"), Lines: base.Lines},
			`[{"name":"tags","action":"create","value":"z"},{"name":"tags","action":"delete","value":"x"}]`,
		},
		"an entity that changed and one more": {
			base,
			list{Title: "a", Tags: base.Tags, Lines: domain.NewEntitySet(of(two, "2"), of(one, "I"))},
			`[{"name":"lines","action":"create","value":{"uuid":"00000000-0000-0000-0000-000000000002","text":"2"}},` +
				`{"name":"lines","action":"update","value":{"uuid":"00000000-0000-0000-0000-000000000001","text":"I"}}]`,
		},
		"an empty set": {
			base,
			list{Title: "a", Tags: base.Tags},
			`[{"name":"lines","action":"delete","value":{"uuid":"00000000-0000-0000-0000-000000000001","text":"1"}}]`,
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			diffs := history.Compare(shapeOf(t), encode(t, c.base), encode(t, c.next))
			if got := string(history.Data(diffs)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	t.Run("everything, without a base", func(t *testing.T) {
		t.Parallel()
		diffs := history.Compare(shapeOf(t), nil, encode(t, base))
		if len(diffs) != 3 || diffs[1].Incremental() {
			t.Errorf("got %+v", diffs)
		}
	})
	t.Run("a set that its elements do not lead to, as a whole", func(t *testing.T) {
		t.Parallel()
		before, after := encode(t, base), encode(t, base)
		before[1], after[1] = json.RawMessage(`["x","y"]`), json.RawMessage(`["y","x"]`) // no set of ours has this order
		diffs := history.Compare(shapeOf(t), before, after)
		if got := string(history.Data(diffs)); got != `[{"name":"tags","value":["y","x"]}]` {
			t.Errorf("got %s", got)
		}
	})
}

func TestState_Apply(t *testing.T) {
	t.Parallel()
	event := func(version int, action unit.Action, data string) unit.Event {
		return unit.Event{
			Aggregate: uuid.UUID{15: 9}, Version: version, Action: action, Schema: 1, Data: json.RawMessage(data),
			CreatedAt: time.Unix(int64(version), 0).UTC(),
		}
	}
	create := event(1, unit.Create, `[{"name":"title","value":"a"},{"name":"tags","value":["x"]},{"name":"lines","value":[]}]`)
	t.Run("sets fields, and moves elements in and out", func(t *testing.T) {
		t.Parallel()
		s := history.NewState(shapeOf(t), nil)
		for _, e := range []unit.Event{
			create,
			event(2, unit.Update, `[{"name":"tags","action":"create","value":"z"},{"name":"tags","action":"create","value":"y"}]`),
			event(3, unit.Update, `[{"name":"tags","action":"delete","value":"z"},{"name":"tags","action":"delete","value":"gone"}]`),
			event(4, unit.Update, `[{"name":"tags","action":"create","value":"z"},{"name":"title","value":"b"}]`),
		} {
			if err := s.Apply(e); err != nil {
				t.Fatal(err)
			}
		}
		if got := string(history.Object(shapeOf(t), s.Values())); got != `{"title":"b","tags":["x","y","z"],"lines":[]}` {
			t.Errorf("the state is %s", got)
		}
		if s.Version != 4 || s.CreatedAt.Unix() != 1 || s.UpdatedAt.Unix() != 4 || s.Aggregate != create.Aggregate {
			t.Errorf("the state is %+v", s)
		}
	})
	other := event(2, unit.Update, `[]`)
	other.Aggregate = uuid.UUID{}
	for want, events := range map[string][]unit.Event{
		"its version does not follow version 1": {create, event(3, unit.Update, `[]`)},
		"its version does not follow version 0": {event(2, unit.Update, `[]`)},
		"it is an event of":                     {create, other},
		"it follows the deletion":               {create, event(2, unit.Delete, `[]`), event(3, unit.Update, `[]`)},
		`its action is "update"`:                {event(1, unit.Update, `[]`)},
		"decode its fields":                     {event(1, unit.Create, `{}`)},
		`unknown action "merge"`:                {create, event(2, "merge", `[]`)},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			s := history.NewState(shapeOf(t), nil)
			var err error
			for _, e := range events {
				err = errors.Join(err, s.Apply(e))
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// What upcasters lead to is what the newest program would have written.
func ExampleSchema_Upcast() {
	schema, err := history.NewSchema(3, history.Renamed("label", "title"), history.Removed("colour"))
	if err != nil {
		panic(err)
	}
	e, err := schema.Upcast(unit.Event{
		Action: unit.Create, Schema: 1, Data: json.RawMessage(`[{"name":"label","value":"a"},{"name":"colour","value":"red"}]`),
	})
	fmt.Println(e.Schema, string(e.Data), err)
	// Output: 3 [{"name":"title","value":"a"}] <nil>
}

func TestSchema_Upcast(t *testing.T) {
	t.Parallel()
	schema, err := history.NewSchema(2, history.Renamed("a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	recorded := unit.Event{Action: unit.Record, Schema: 1, Data: json.RawMessage(`[{"name":"a","value":{}}]`)}
	if e, err := schema.Upcast(recorded); err != nil || string(e.Data) != string(recorded.Data) || e.Schema != 2 {
		t.Errorf("a recorded event became %+v, %v", e, err)
	}
	for _, version := range []int{0, 3} {
		_, err := schema.Upcast(unit.Event{Action: unit.Update, Schema: version, Data: json.RawMessage(`[]`)})
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("its schema is %d", version)) {
			t.Errorf("schema %d: %v", version, err)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`[]`: `[]`,
		`[{"name":"a","value":"},]\"{"},{"name":"b","value":{"c":[1,{}]}}]`:                      `[{a  "},]\"{"} {b  {"c":[1,{}]}}]`,
		`[{"name":"a","action":"create","value":1},{"name":"a","action":"delete","value":"\\"}]`: `[{a create 1} {a delete "\\"}]`,
		`[ {"value": [1, 2], "name": "a", "more": {}} ]`:                                         `[{a  [1, 2]}]`,
		`[{"name":"\u0061","value":null}]`:                                                       `[{a  null}]`,
		`[{"name":"a","value":1,"more":{}}]`:                                                     `[{a  1}]`,
	} {
		diffs, err := history.Parse(unit.Event{Action: unit.Update, Data: json.RawMessage(data)})
		var all []string
		for _, d := range diffs {
			all = append(all, fmt.Sprintf("{%s %s %s}", d.Name, d.Action, d.Value))
		}
		if got := "[" + strings.Join(all, " ") + "]"; got != want || err != nil {
			t.Errorf("%s was read as %s, %v", data, got, err)
		}
	}
	for _, data := range []string{``, `{}`, `[7]`, `[{"name":"a"}]`, `[{"name":"a","value":1}`, `[{"name":"a","value":1},]`, `[{"name":"a","value":}]`} {
		if diffs, err := history.Parse(unit.Event{Action: unit.Update, Data: json.RawMessage(data)}); err == nil {
			t.Errorf("%s was read as %v", data, diffs)
		}
	}
}

// FuzzParse compares what we read of JSON with what the standard library does.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`[]`, `[{"name":"a","value":1}]`, `[{"name":"a","action":"create","value":{"b":"\"}"}},{"name":"a","action":"delete","value":[]}]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !json.Valid(data) {
			return // what is stored is JSON
		}
		var want []history.FieldDiff
		wantErr := json.Unmarshal(data, &want)
		got, err := history.Parse(unit.Event{Action: unit.Update, Data: data})
		if err != nil {
			return
		}
		if wantErr != nil || len(got) != len(want) {
			t.Fatalf("%s: got %v, want %v, %v", data, got, want, wantErr)
		}
		for i := range got {
			if got[i].Name != want[i].Name || got[i].Action != want[i].Action || string(got[i].Value) != string(want[i].Value) {
				t.Fatalf("%s: got %v, want %v", data, got, want)
			}
		}
	})
}
