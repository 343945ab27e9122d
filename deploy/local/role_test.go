package local_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/minos-framework/minos-go/deploy/local"
)

// roleVariable makes this test's binary the child that a test kills.
const roleVariable = "MINOS_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "broker":
		holdBroker(os.Args[1])
	case "member":
		holdMember(os.Args[1])
	case "run":
		holdRun(os.Args[1])
	default:
		os.Exit(m.Run())
	}
}

// holdRun runs a project, given as JSON, until it is killed.
func holdRun(text string) {
	var project local.Project
	if err := json.Unmarshal([]byte(text), &project); err != nil {
		panic(err)
	}
	if _, err := local.Run(context.Background(), project, local.Config{}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	// Many threads come and go: a service must not die with one of them.
	for range 8 {
		go func() {
			runtime.LockOSThread()
			runtime.Goexit()
		}()
	}
	fmt.Println("runs")
	<-context.Background().Done()
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	timeout, tick := time.After(deadline), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// role is a child process of a test.
type role struct {
	command *exec.Cmd
	out     *bufio.Reader
}

func startRole(t *testing.T, name, argument string) *role {
	t.Helper()
	command := exec.Command(os.Args[0], argument)
	command.Env = append(os.Environ(), roleVariable+"="+name)
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	r := &role{command, bufio.NewReader(out)}
	t.Cleanup(func() { _ = command.Process.Kill() }) // it is gone when all went well
	return r
}

func (r *role) line(t *testing.T) string {
	t.Helper()
	line, err := r.out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

func (r *role) kill(t *testing.T) {
	t.Helper()
	if err := r.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = r.command.Wait() // says that it was killed
}
