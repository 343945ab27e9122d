package local_test

import (
	"encoding/json"
	"testing"

	"github.com/minos-framework/minos-go/deploy/local"
)

func TestRun_killed(t *testing.T) {
	t.Parallel()
	project := newProject(t, "foo", "foobar")
	argument, err := json.Marshal(project)
	if err != nil {
		t.Fatal(err)
	}
	child := startRole(t, "run", string(argument))
	if line := child.line(t); line != "runs" {
		t.Fatalf("got %q", line)
	}
	state, err := local.ReadState(project.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if state.PID != child.command.Process.Pid {
		t.Errorf("the state says %d", state.PID)
	}
	child.kill(t)
	for name, service := range state.Services {
		eventually(t, name+" to die with what ran it", func() bool { return !running(service.PID) })
	}
	if _, err := local.ReadState(project.Dir); err == nil {
		t.Error("a state that nobody keeps is taken for true")
	}
	run(t, project, local.Config{}) // what is left is in nobody's way
}
