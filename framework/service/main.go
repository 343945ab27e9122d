package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/minos-framework/minos-go/framework/config"
	"github.com/minos-framework/minos-go/framework/telemetry"
)

// Main runs the service that build makes until SIGINT or SIGTERM, and returns
// the program's exit code: 0 after a stop, 1 after an error, which is on
// standard error. The configuration is the file that the first argument names,
// or else MINOS_CONFIGURATION_FILE_PATH, or else config.yml.
func Main(build func(*App) error, drivers Drivers) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if err := run(ctx, configPath(os.Args[1:], os.Getenv), build, drivers); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// gcPercent is how much a service's heap grows before it is collected, where
// neither GOGC nor GOMEMLIMIT says so. What a service keeps is a few megabytes:
// collecting it at each doubling took a fifth of its processor under load.
const gcPercent = 400

func run(ctx context.Context, path string, build func(*App) error, drivers Drivers) (err error) {
	c, err := config.Load(path, os.Environ())
	if err != nil {
		return err
	}
	logs := telemetry.LogConfigOf(os.Environ())
	logs.Service = c.Name
	logger := telemetry.NewLogger(os.Stderr, logs)
	slog.SetDefault(logger)
	for _, name := range c.Ignored {
		logger.WarnContext(ctx, "the variable is no key of the configuration", "variable", name)
	}
	s, err := New(ctx, c, drivers, logger, build)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close(ctx)) }()
	return s.Run(ctx)
}

func configPath(args []string, getenv func(string) string) string {
	if len(args) > 0 {
		return args[0]
	}
	if path := getenv("MINOS_CONFIGURATION_FILE_PATH"); path != "" {
		return path
	}
	return "config.yml"
}
