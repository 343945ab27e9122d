package docker_test

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/moby/moby/api/types/jsonstream"

	"github.com/minos-framework/minos-go/deploy/docker"
)

// TestProgress_recorded reads what an engine of version 20.10 answered.
func TestProgress_recorded(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]string{
		"buildkit": "[2/2] RUN echo before", "classic": "Step 2/2 : RUN echo before",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, err := os.Open("testdata/build/" + name + "-failed.jsonl")
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			output, failed, lines, err := docker.ReadProgress(file)
			failure, ok := errors.AsType[*jsonstream.Error](err)
			if !ok || !strings.Contains(failure.Message, "9") {
				t.Errorf("the error is %v", err)
			}
			if !strings.HasPrefix(failed, step) {
				t.Errorf("the failed step is %q; want %q...", failed, step)
			}
			text := strings.Join(lines, "\n")
			if !strings.Contains(text, "before") || !strings.Contains(text, "cause") || strings.Contains(text, "\x1b") {
				t.Errorf("its output is %q", lines)
			}
			if !slices.ContainsFunc(output, func(line string) bool { return strings.HasPrefix(line, step) }) {
				t.Errorf("the step was not told: %q", output)
			}
		})
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	t.Run("keeps the end of a long output, and a line without its end", func(t *testing.T) {
		t.Parallel()
		stream := `{"stream":"Step 1/1 : RUN x\n"}` + `{"stream":"` +
			strings.Repeat(`line\n`, 50) + `last"}{"errorDetail":{"message":"m"}}`
		_, _, lines, err := docker.ReadProgress(strings.NewReader(stream))
		if err == nil || len(lines) != 30 || lines[29] != "last" {
			t.Errorf("%d lines, the last %q, %v", len(lines), lines[len(lines)-1], err)
		}
	})
	t.Run("says when the engine's answer ends in the middle", func(t *testing.T) {
		t.Parallel()
		if _, _, _, err := docker.ReadProgress(strings.NewReader(`{"stream":`)); err == nil {
			t.Error("no error")
		}
	})
}

// FuzzProgress: progress is no reason to fail, whatever the engine sends.
func FuzzProgress(f *testing.F) {
	recorded, err := os.ReadFile("testdata/build/buildkit-failed.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	for line := range bytes.Lines(recorded) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		_, _, _, _ = docker.ReadProgress(bytes.NewReader(stream)) // it may not panic
	})
}

func TestNeedsClassic(t *testing.T) {
	t.Parallel()
	if docker.NeedsClassic(nil) || docker.NeedsClassic(errors.New("exit code: 1")) {
		t.Error("a build that fails is built again")
	}
	if !docker.NeedsClassic(errors.New("failed to solve: no active sessions")) {
		t.Error("a build that needs a session is not built otherwise")
	}
}
