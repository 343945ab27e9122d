package cli_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/minos-framework/minos-go/cmd/minos/internal/cli"
	"github.com/minos-framework/minos-go/cmd/minos/internal/terminal"
	"github.com/minos-framework/minos-go/scaffold/manifest"
)

// TestMain lets scripts run minos: the test's own binary stands in for it.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"minos":    func() { os.Exit(cli.Main(context.Background(), os.Args[1:], terminal.Std())) },
		"status":   status,
		"locked":   locked,
		"waits":    func() { os.Exit(cli.Wait(false)) },
		"stubborn": func() { os.Exit(cli.Wait(true)) },
	})
}

// status runs minos with the arguments after the first and exits with 0 when
// its exit code was the first: scripts cannot tell 1 from 6 otherwise.
func status() {
	want := os.Args[1]
	got := cli.Main(context.Background(), os.Args[2:], terminal.Std())
	if want != strconv.Itoa(got) {
		fmt.Fprintf(os.Stderr, "exit code %d, want %s\n", got, want)
		os.Exit(1)
	}
}

// locked is status while another minos changes the project.
func locked() {
	lock, err := manifest.Acquire(".", "set broker kafka")
	if err != nil {
		panic(err)
	}
	status()
	if err := lock.Release(); err != nil {
		panic(err)
	}
}

// TestScripts runs testdata/script: one file for each command, to be read as
// its documentation.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}
