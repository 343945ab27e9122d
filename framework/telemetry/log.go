// Package telemetry makes what a service says about itself: its log.
package telemetry

import (
	"io"
	"log/slog"
	"strings"
)

// LogConfig says how to log.
type LogConfig struct {
	// Format is "json", or "text" for people. Empty means text.
	Format string
	// Level is debug, info, warn or error. Empty or unknown means info.
	Level string
	// Service is added to every line.
	Service string
}

// LogConfigOf reads MINOS_LOG_FORMAT and MINOS_LOG_LEVEL from an environment
// given as os.Environ has it.
func LogConfigOf(environ []string) LogConfig {
	var c LogConfig
	for _, entry := range environ {
		switch name, value, _ := strings.Cut(entry, "="); name {
		case "MINOS_LOG_FORMAT":
			c.Format = value
		case "MINOS_LOG_LEVEL":
			c.Level = value
		}
	}
	return c
}

// NewLogger returns a logger that writes lines to w.
func NewLogger(w io.Writer, c LogConfig) *slog.Logger {
	var level slog.Level
	if level.UnmarshalText([]byte(c.Level)) != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	var handler slog.Handler = slog.NewTextHandler(w, options)
	if c.Format == "json" {
		handler = slog.NewJSONHandler(w, options)
	}
	logger := slog.New(handler)
	if c.Service != "" {
		logger = logger.With("service", c.Service)
	}
	return logger
}
