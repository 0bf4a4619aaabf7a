package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"reflect"
	"strings"
	"syscall"
	"time"

	"example.com/parley/cmd/parley/settings"
)

// source is where the configuration of a running server is read again from.
type source struct {
	file  string // that is looked at for changes; empty for none
	read  func() (*Config, error)
	asked chan os.Signal    // SIGHUP
	known [sha256.Size]byte // the file as it was read last
}

// newSource returns where the configuration is read from, before it is read for
// the first time. From then on a SIGHUP asks for another time; stop ends that.
func newSource(file string, read func() (*Config, error)) (s *source, stop func()) {
	s = &source{file: file, read: read, asked: make(chan os.Signal, 1)}
	s.known = s.look()
	signal.Notify(s.asked, syscall.SIGHUP)
	return s, func() { signal.Stop(s.asked) }
}

// look returns what stands for the file's content; zero where it cannot be read,
// as in the moment in which another takes its place.
func (s *source) look() (sum [sha256.Size]byte) {
	if s.file == "" {
		return sum
	}
	content, err := os.ReadFile(s.file)
	if err != nil {
		return sum
	}
	return sha256.Sum256(content)
}

// reloader has a running server go by what the configuration says now, as far as
// that can be without a new start: providers and models. One goroutine uses it.
type reloader struct {
	*source
	takeOver func(*Config) error
	running  Config // what the server goes by
	log      *slog.Logger

	seen [sha256.Size]byte // the file as it was at the last look
}

// lookInterval is how often the file is looked at. It is read as a whole, which
// for some kilobytes costs less than to be told of changes in all the ways in
// which editors, mounts and links make them.
const lookInterval = 2 * time.Second

// run reloads when the file has changed, or when the process gets a SIGHUP, until
// ctx ends.
func (r *reloader) run(ctx context.Context) error {
	ticker := time.NewTicker(lookInterval)
	defer ticker.Stop()
	r.seen = r.known
	for {
		select {
		case <-r.asked:
			r.known = r.look()
			r.reload()
		case <-ticker.C:
			if r.changed() {
				r.reload()
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// changed tells whether the file is another one than was read last. It is so only
// once two looks have found the same: an editor may still be writing.
func (r *reloader) changed() bool {
	now := r.look()
	settled := now == r.seen
	r.seen = now
	if !settled || now == r.known || now == [sha256.Size]byte{} {
		return false
	}
	r.known = now
	return true
}

// reload takes over what can be, and says what cannot. A configuration with
// faults changes nothing.
func (r *reloader) reload() {
	next, err := r.read()
	if err != nil {
		r.refuse(err)
		return
	}
	if later := changedSections(&r.running, next); len(later) > 0 {
		r.log.Warn("these sections of the configuration have changed, which holds from the next start on", slog.String("sections", strings.Join(later, ", ")))
	}
	if err := r.takeOver(next); err != nil {
		r.refuse(err)
		return
	}
	r.running.Providers, r.running.Models = next.Providers, next.Models
	r.log.Info("read the configuration again", slog.Int("providers", len(next.Providers)), slog.Int("models", len(next.Models)))
}

// refuse says what is wrong, and where.
func (r *reloader) refuse(err error) {
	faults, several := errors.AsType[settings.Faults](err)
	if !several {
		faults = settings.Faults{err}
	}
	for _, fault := range faults {
		r.log.Error("the configuration was not taken over, and the one before stays", slog.Any("fault", fault))
	}
}

// changedSections lists the sections that differ, and hold from a start on.
func changedSections(before, after *Config) (names []string) {
	old, now := reflect.ValueOf(before).Elem(), reflect.ValueOf(after).Elem()
	for _, f := range reflect.VisibleFields(old.Type()) {
		name := f.Tag.Get("koanf")
		if f.Anonymous || name == "providers" || name == "models" {
			continue
		}
		if !reflect.DeepEqual(old.FieldByIndex(f.Index).Interface(), now.FieldByIndex(f.Index).Interface()) {
			names = append(names, name)
		}
	}
	return names
}
