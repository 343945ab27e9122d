package cli_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minos-framework/minos-go/cmd/minos/internal/cli"
	"github.com/minos-framework/minos-go/cmd/minos/internal/terminal"
	"github.com/minos-framework/minos-go/deploy/docker"
	"github.com/minos-framework/minos-go/deploy/local"
	"github.com/minos-framework/minos-go/scaffold"
	"github.com/minos-framework/minos-go/scaffold/manifest"
)

func TestClassOf(t *testing.T) {
	t.Parallel()
	for want, errs := range map[cli.Class][]error{
		cli.OK:        {nil, cli.Fail(cli.Usage, nil)},
		cli.Failed:    {errors.New("x"), context.Canceled},
		cli.Usage:     {cli.Fail(cli.Usage, errors.New("x")), &scaffold.NameError{}},
		cli.NoProject: {manifest.ErrNoProject},
		cli.NotReady:  {cli.Fail(cli.NotReady, errors.New("x"))},
		cli.Conflict: {
			&scaffold.ConflictError{}, &manifest.LockedError{}, errors.Join(errors.New("x"), &scaffold.ConflictError{}),
		},
	} {
		for _, err := range errs {
			if got := cli.ClassOf(err); got != want {
				t.Errorf("%v is %d, want %d", err, got, want)
			}
			if err != nil {
				if got := cli.ClassOf(fmt.Errorf("wrapped: %w", err)); got != want {
					t.Errorf("wrapped %v is %d, want %d", err, got, want)
				}
			}
		}
	}
}

func TestClasses(t *testing.T) {
	t.Parallel()
	want := []cli.Class{0, 1, 2, 3, 4, 5, 6, 130}
	if got := cli.Classes(); !slices.Equal(got, want) {
		t.Errorf("got %v: scripts branch on these", got)
	}
}

func TestReport_interrupted(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]cli.Class{
		context.Canceled: cli.Interrupted,
		&local.KilledError{Service: "foo", After: 30 * time.Second}: cli.Failed,
		&local.ExitError{Service: "foo", Err: errors.New("x")}:      cli.Failed,
	} {
		term, _, stderr := terminal.Buffers()
		if got := cli.ReportInterrupted(term, errors.Join(err, nil)); got != want {
			t.Errorf("%v is %d, want %d: %s", err, got, want, stderr)
		}
	}
}

func TestLogsError(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"no container of service nope: nothing of project shop is deployed; run `minos deploy`": &docker.NoContainerError{
			Project: "shop", Service: "nope",
		},
		"no container of service nope; there are containers of: foo, kafka": &docker.NoContainerError{
			Project: "shop", Service: "nope", Others: []string{"foo", "kafka"},
		},
	} {
		if got := cli.LogsError(err); got.Error() != want || cli.ClassOf(got) != cli.Failed {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if err := cli.LogsError(nil); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestMain_output(t *testing.T) {
	t.Parallel()
	t.Run("paints the word that says who failed", func(t *testing.T) {
		t.Parallel()
		term, _, stderr := terminal.Buffers()
		term.Err.Colour = true
		if code := cli.Main(t.Context(), []string{"frob"}, term); code != 2 {
			t.Errorf("exit code %d", code)
		}
		if !strings.HasPrefix(stderr.String(), "\x1b[31mminos:\x1b[0m unknown command") {
			t.Errorf("got %q", stderr)
		}
	})
	t.Run("is the same for the same line", func(t *testing.T) {
		t.Parallel()
		for range 3 {
			term, stdout, _ := terminal.Buffers()
			if code := cli.Main(t.Context(), []string{"version", "--json"}, term); code != 0 || stdout.Len() == 0 {
				t.Errorf("exit code %d, %q", code, stdout)
			}
		}
	})
}
