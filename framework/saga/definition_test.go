package saga_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/saga"
)

// here returns the place that is lines below the caller, as faults name it.
func here(lines int) string {
	_, file, line, _ := runtime.Caller(1)
	return fmt.Sprintf("saga/%s:%d: ", filepath.Base(file), line+lines)
}

func TestRegister_faults(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		definition *saga.Definition[trip]
		want       []string
	}{
		"no definition":       {nil, []string{"a definition is made by saga.New and Commit"}},
		"the zero definition": {&saga.Definition[trip]{}, []string{"a definition is made by saga.New and Commit"}},
		"no steps":            {saga.New[trip]("Empty").Commit(), []string{"saga Empty: has no steps"}},
		"no name":             {saga.New[trip](" ").Local("note", do("noted")).Commit(), []string{"has no name"}},
		"a version of 0": {
			saga.New[trip]("Old").Version(0).Local("note", do("noted")).Commit(),
			[]string{"version 0 is not positive"},
		},
		"a step without name": {
			saga.New[trip]("Book").Local("", do("noted")).Commit(),
			[]string{`step "": has no name`},
		},
		"a name used twice": {
			saga.New[trip]("Book").Local("note", do("noted")).Remote("note", ask("Ask")).Commit(),
			[]string{`step "note": has the name of the step at saga/definition_test.go:`},
		},
		"nothing to execute": {
			saga.New[trip]("Book").Local("note", nil).Remote("ask", nil).Commit(),
			[]string{`step "note": has no function to execute`, `step "ask": has no function to execute`},
		},
		"a callback set twice": {
			saga.New[trip]("Book").Remote("ask", ask("Ask")).OnFailure(ask("Undo")).OnFailure(ask("Undo")).Commit(),
			[]string{`step "ask": OnFailure is set twice`},
		},
		"callbacks set to nil": {
			saga.New[trip]("Book").
				Remote("ask", ask("Ask")).OnSuccess(nil).OnError(nil).OnFailure(nil).
				Local("note", do("noted")).OnFailure(nil).
				Commit(),
			[]string{
				`"ask": OnSuccess is set to nil`, `"ask": OnError is set to nil`,
				`"ask": OnFailure is set to nil`, `"note": OnFailure is set to nil`,
			},
		},
		"timeouts": {
			saga.New[trip]("Book").Remote("ask", ask("Ask")).Timeout(-time.Second).Timeout(time.Second).Commit(),
			[]string{`"ask": Timeout is not positive: -1s`, `"ask": Timeout is set twice`},
		},
		"all at once": {
			saga.New[trip]("Book").Version(-1).Local("note", nil).Remote("", ask("Ask")).Commit(),
			[]string{"version -1 is not positive", "has no function to execute", "has no name"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expectFaults(t, saga.Register(setup(t, saga.Config{}).manager, c.definition), c.want)
		})
	}
}

func expectFaults(t *testing.T, err error, want []string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", want)
	}
	if got := strings.Count(err.Error(), "\n") + 1; got != len(want) {
		t.Errorf("%d faults, want %d:\n%v", got, len(want), err)
	}
	for _, fault := range want {
		if !strings.Contains(err.Error(), fault) {
			t.Errorf("%q is not in:\n%v", fault, err)
		}
	}
}

func TestRegister_places(t *testing.T) {
	t.Parallel()
	created := here(1)
	b := saga.New[trip]("Book").
		Version(0)
	added := here(1)
	remote := b.Remote("ask", nil)
	set := here(1)
	remote.OnSuccess(nil)
	committed := here(1)
	d := b.Commit()
	changed := here(1)
	b.Local("late", do("late"))
	again := here(1)
	b.Commit()
	m := setup(t, saga.Config{}).manager
	expectFaults(t, saga.Register(m, d), []string{
		created + "saga Book: version 0 is not positive",
		added + `saga Book: step "ask": has no function to execute`,
		set + `saga Book: step "ask": OnSuccess is set to nil`,
		changed + "saga Book: changed after its Commit at " + strings.TrimSuffix(committed, ": "),
		again + "saga Book: changed after its Commit at " + strings.TrimSuffix(committed, ": "),
	})
	first := here(1)
	good := saga.New[trip]("Good").Local("note", do("noted")).Commit()
	if err := saga.Register(m, good); err != nil {
		t.Fatal(err)
	}
	expectFaults(t, saga.Register(m, good), []string{
		first + "saga Good: version 1 is registered already, from " + strings.TrimSuffix(first, ": "),
	})
}

func TestRegister_contexts(t *testing.T) {
	t.Parallel()
	m := setup(t, saga.Config{}).manager
	type inner struct {
		Kept   string
		Lost   string `json:"-"`
		hidden int
	}
	type tree struct {
		Name     string
		Branches []*tree
	}
	type embedded struct{ tree }
	good := map[string]error{
		"values":    saga.Register(m, defining[values]("values")),
		"recursive": saga.Register(m, defining[tree]("tree")),
		"embedded":  saga.Register(m, defining[embedded]("embedded")),
		"pointer":   saga.Register(m, defining[*trip]("pointer")),
		"mapping":   saga.Register(m, defining[map[string]any]("mapping")),
		"nothing":   saga.Register(m, defining[struct{}]("nothing")),
	}
	for name, err := range good {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	_ = inner{hidden: 0}
	expectFaults(t, saga.Register(m, defining[struct{ In []inner }]("inner")), []string{
		`In.Lost is left out by its tag json:"-"`, "In.hidden is not exported",
	})
	expectFaults(t, saga.Register(m, defining[struct {
		Ch   chan int
		Fn   func()
		C    complex64
		Err  error
		Keys map[struct{ A int }]string
	}]("kinds")), []string{
		"Ch is a chan", "Fn is a func", "C is a complex64",
		"Err is an interface with methods, error", "Keys has keys of type",
	})
	expectFaults(t, saga.Register(m, defining[fmt.Stringer]("interface")), []string{
		"fmt.Stringer is an interface with methods",
	})
}

// values is a context with all that JSON keeps.
type values struct {
	ID     uuid.UUID
	At     time.Time
	Addr   *netip.Addr
	Raw    json.RawMessage
	Any    any
	Counts map[int][]float64
	ByID   map[uuid.UUID]bool
	Empty  struct{}
}

func defining[C any](name string) *saga.Definition[C] {
	return saga.New[C](name).Local("note", func(context.Context, *C) error { return nil }).Commit()
}

func TestNewManager(t *testing.T) {
	t.Parallel()
	store, err := memory.Open(t.Context(), memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = saga.NewManager(store, saga.Config{Timeout: -1, Backoff: -1, Tick: -1, Attempts: -1})
	expectFaults(t, err, []string{
		"Service: empty", "Timeout: negative", "Backoff: negative", "Tick: negative", "Attempts: negative",
	})
	for topic, config := range map[string]saga.Config{
		"fooReply": {Service: "foo"}, "Answers": {Service: "foo", ReplyTopic: "Answers"}, "Own": {ReplyTopic: "Own"},
	} {
		m, err := saga.NewManager(store, config)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.ReplyTopic(); got != topic {
			t.Errorf("reply topic %s, want %s", got, topic)
		}
	}
}
