package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/minos-framework/minos-go/deploy"
)

// errInterrupted stands for Ctrl-C.
var errInterrupted = errors.New("interrupted")

func TestExecute(t *testing.T) {
	t.Parallel()
	t.Run("does every step once, after those it needs", func(t *testing.T) {
		t.Parallel()
		w := newWorld(shop(t))
		plan := w.deploy(t)
		if len(w.done) != len(plan.Steps) {
			t.Errorf("%d steps of %d were done", len(w.done), len(plan.Steps))
		}
		for _, s := range plan.Steps {
			for _, need := range s.Needs {
				if slices.Index(w.done, need) > slices.Index(w.done, s.ID()) {
					t.Errorf("%s was done before %s", s.ID(), need)
				}
			}
		}
	})
	t.Run("tells the observer of begin, output and end", func(t *testing.T) {
		t.Parallel()
		w, e := newWorld(shop(t)), &events{}
		w.plan = w.planFor(t)
		if err := deploy.Execute(t.Context(), w.plan, w, e, deploy.Limits{}); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"begin await foo", "did await foo", "end await foo <nil>"} {
			if !slices.Contains(e.lines, want) {
				t.Errorf("no %q among %q", want, e.lines)
			}
		}
	})
	t.Run("builds no more at once than it may", func(t *testing.T) {
		t.Parallel()
		text := "services:\n"
		files := map[string]string{}
		for i := range 6 {
			text += fmt.Sprintf("  s%d: {build: ./s%[1]d}\n", i)
			files[fmt.Sprintf("s%d/Dockerfile", i)] = "FROM scratch\n"
		}
		files["compose.yaml"] = text
		project := load(t, write(t, files))
		for limit, want := range map[int]int{0: 2, 1: 1, 3: 3} {
			w := newWorld(project)
			w.plan = w.planFor(t)
			if err := deploy.Execute(t.Context(), w.plan, w, &events{}, deploy.Limits{Builds: limit}); err != nil {
				t.Fatal(err)
			}
			if w.most > want {
				t.Errorf("with a limit of %d, %d builds ran at once", limit, w.most)
			}
		}
	})
	t.Run("stops at the first error, which names the step", func(t *testing.T) {
		t.Parallel()
		w := newWorld(shop(t))
		w.plan = w.planFor(t)
		w.plan.Steps = slices.DeleteFunc(w.plan.Steps, func(s deploy.Step) bool { return s.Action == deploy.PullImage })
		for i := range w.plan.Steps {
			s := &w.plan.Steps[i]
			s.Needs = slices.DeleteFunc(s.Needs, func(id string) bool { return strings.HasPrefix(id, "pull") })
		}
		err := deploy.Execute(t.Context(), w.plan, w, &events{}, deploy.Limits{})
		if err == nil || !strings.Contains(err.Error(), ": no ") {
			t.Errorf("the error is %v", err)
		}
		if slices.Contains(w.done, "start container shop-foo-1") {
			t.Error("what needs the failed step was done")
		}
	})
}

// TestExecute_converges interrupts a deployment after each of its steps, and
// runs the same command again.
func TestExecute_converges(t *testing.T) {
	t.Parallel()
	t.Run("from nothing", func(t *testing.T) {
		t.Parallel()
		interruptEverywhere(t, func(*world) {})
	})
	t.Run("from a running project that changed", func(t *testing.T) {
		t.Parallel()
		interruptEverywhere(t, func(w *world) {
			w.deploy(t)
			w.done = nil
			service(w, "foo").Build.Hash = "other"
			service(w, "postgres").Environment["POSTGRES_PASSWORD"] = "new"
			service(w, "bar").Networks = []string{"shop_default", "shop_side"}
		})
	})
}

func interruptEverywhere(t *testing.T, prepare func(*world)) {
	t.Helper()
	w := newWorld(shop(t))
	prepare(w)
	for _, step := range w.planFor(t).Steps {
		w := newWorld(shop(t))
		prepare(w)
		ctx, cancel := context.WithCancelCause(t.Context())
		watch := &events{after: func(s deploy.Step) {
			if s.ID() == step.ID() {
				cancel(errInterrupted)
			}
		}}
		w.plan = w.planFor(t)
		if err := deploy.Execute(ctx, w.plan, w, watch, deploy.Limits{Steps: 1}); !errors.Is(err, errInterrupted) {
			t.Errorf("interrupted after %s, it returns %v", step.ID(), err)
		}
		w.deploy(t)
		if again := w.planFor(t); len(again.Changes()) != 0 {
			t.Errorf("interrupted after %s, the third plan is\n%s", step.ID(), again)
		}
		cancel(nil)
	}
}

// TestNewPlan_convergesFromAnything damages a running project at random: whatever
// is left, one plan repairs it.
func TestNewPlan_convergesFromAnything(t *testing.T) {
	t.Parallel()
	project := shop(t)
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(project)
		run := func() *deploy.Plan {
			plan, err := deploy.NewPlan(project, w.observe())
			if err != nil {
				r.Fatal(err)
			}
			w.plan = plan
			if err := deploy.Execute(context.Background(), plan, w, &events{}, deploy.Limits{}); err != nil {
				r.Fatalf("carry out\n%s: %v", plan, err)
			}
			return plan
		}
		run()
		damage(r, w)
		run()
		if again := run(); len(again.Changes()) != 0 {
			r.Fatalf("once repaired, the plan is\n%s", again)
		}
	})
}

// damage takes away, stops or ages anything. What a container uses stays, as an
// engine keeps it.
func damage(r *rapid.T, w *world) {
	states := []deploy.State{
		deploy.Created, deploy.Running, deploy.Paused, deploy.Restarting, deploy.Exited, deploy.Dead, deploy.Removing,
	}
	slices.SortFunc(w.containers, func(a, b deploy.Container) int { return strings.Compare(a.Name, b.Name) })
	w.containers = slices.DeleteFunc(w.containers, func(c deploy.Container) bool {
		return rapid.Bool().Draw(r, "remove "+c.Name)
	})
	for i := range w.containers {
		c := &w.containers[i]
		c.State = rapid.SampledFrom(states).Draw(r, "state of "+c.Name)
		c.ExitCode = rapid.IntRange(0, 2).Draw(r, "exit code of "+c.Name)
		if rapid.Bool().Draw(r, "age "+c.Name) {
			c.ConfigHash = "old"
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.images)) {
		if rapid.Bool().Draw(r, "remove "+name) {
			delete(w.images, name)
		}
	}
	for _, databases := range w.databases {
		for _, name := range slices.Sorted(maps.Keys(databases)) {
			if rapid.Bool().Draw(r, "drop "+name) {
				delete(databases, name)
			}
		}
	}
}
