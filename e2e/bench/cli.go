package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/minos-framework/minos-go/e2e/bench/internal/report"
)

const (
	rowSize       = "minos binary, stripped"
	rowNewProject = "minos new project"
	rowNewService = "minos new microservice"
	rowStart      = "CLI start (minos version)"
)

// minos returns the path of the binary, built as it is released.
func (b *bench) minos(ctx context.Context) (string, error) {
	if b.binary != "" {
		return b.binary, nil
	}
	b.say("building minos")
	binary := filepath.Join(b.dir, "minos")
	err := command(ctx, "", []string{"CGO_ENABLED=0"},
		"go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "./cmd/minos")
	if err != nil {
		return "", err
	}
	b.binary = binary
	return binary, nil
}

// measureCLI measures the binary, and commands that need nothing but it.
func measureCLI(ctx context.Context, b *bench) error {
	binary, err := b.minos(ctx)
	if err != nil {
		return err
	}
	info, err := os.Stat(binary)
	if err != nil {
		return fmt.Errorf("weigh minos: %w", err)
	}
	b.add(report.Row{Row: rowSize, Value: float64(info.Size()) / 1e6, Unit: "MB"}.AtMost(24))

	const runs = 15
	projects, err := os.MkdirTemp(b.dir, "projects")
	if err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	name := func(i int) string { return fmt.Sprintf("shop-%d", i) }
	for _, c := range []struct {
		row  string
		goal float64
		call func(i int) error
	}{
		{rowNewProject, 50, func(i int) error { return command(ctx, projects, nil, binary, "new", "project", name(i)) }},
		{rowNewService, 30, func(i int) error {
			return command(ctx, filepath.Join(projects, name(i)), nil, binary, "new", "microservice", "foo")
		}},
		{rowStart, 10, func(int) error { return command(ctx, "", nil, binary, "version") }},
	} {
		took, err := times(runs, c.call)
		if err != nil {
			return err
		}
		b.add(report.Row{Row: c.row, Value: milliseconds(took.Percentile(0.5)), Unit: "ms"}.AtMost(c.goal))
	}
	return nil
}
