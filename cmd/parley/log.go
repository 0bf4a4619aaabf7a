package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
)

// LogConfig is the section "log". The log goes to standard error; no request's
// content is ever in it.
type LogConfig struct {
	Level  string `koanf:"level"`  // debug, info, warn or error
	Format string `koanf:"format"` // json, text, or auto: text to a terminal and json to anything else
}

// DefaultLogConfig suits a person at a terminal and a collector alike.
func DefaultLogConfig() LogConfig { return LogConfig{Level: "info", Format: "auto"} }

// Validate reports every fault at once.
func (c LogConfig) Validate() error {
	var faults []error
	if _, ok := logLevels[c.Level]; !ok {
		faults = append(faults, fmt.Errorf("log.level is %q: give debug, info, warn or error", c.Level))
	}
	switch c.Format {
	case "auto", "json", "text":
	default:
		faults = append(faults, fmt.Errorf("log.format is %q: give auto, json or text", c.Format))
	}
	return errors.Join(faults...)
}

var logLevels = map[string]slog.Level{
	"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
}

// newLog returns the log that c asks for, written to w.
func newLog(c LogConfig, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: logLevels[c.Level]}
	if c.Format == "text" || c.Format == "auto" && isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// isTerminal tells whether a person reads w.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
