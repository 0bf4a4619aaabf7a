package spool_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/messages"
	"example.com/parley/persistence/spool"
)

// What was acknowledged outlives a process that is killed at any moment.
func TestKilledProcessLosesNoRow(t *testing.T) {
	t.Parallel()
	const kills = 3
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	to := newSink()
	acknowledged := make(map[string]bool)
	for range kills {
		folder := t.TempDir()
		for _, line := range runAndKill(t, folder, time.Duration(50+random.IntN(300))*time.Millisecond) {
			acknowledged[line] = true
		}
		open(t, folder, to).Close()
	}
	for line := range acknowledged {
		if row, there := to.rows[line]; !there || row.Status != messages.AttemptSettled {
			t.Fatalf("%s was acknowledged, the store has %+v", line, row)
		}
	}
	if len(acknowledged) == 0 {
		t.Fatal("nothing was acknowledged")
	}
	t.Logf("%d acknowledged, %d stored", len(acknowledged), to.count())
}

// runAndKill returns the names of the rows that a process acknowledged before it
// was killed.
func runAndKill(t *testing.T, folder string, after time.Duration) (lines []string) {
	t.Helper()
	writer := exec.CommandContext(t.Context(), os.Args[0]) // #nosec G204 G702 -- this test itself
	writer.Env = append(os.Environ(), writerFolder+"="+folder)
	out, err := writer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	scanner := bufio.NewScanner(out)
	var timer *time.Timer
	for scanner.Scan() {
		if timer == nil {
			timer = time.AfterFunc(after, func() { _ = writer.Process.Kill() })
		}
		lines = append(lines, scanner.Text())
	}
	_ = writer.Wait() // killed, as it must be
	if len(lines) > 0 {
		lines = lines[:len(lines)-1] // may be cut
	}
	return lines
}

// settleForever is the process that is killed. Its store is always away, so that
// all rows stay in the folder for the test to find.
func settleForever(folder string) {
	random := rand.New(rand.NewPCG(rand.Uint64(), 0))
	cfg := spool.DefaultConfig()
	cfg.Folder = folder
	s, err := spool.Open(context.Background(), cfg, spool.Deps{
		Sink: &sink{away: true}, Price: cent, Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
	})
	for err == nil {
		row := usage(0)
		_, _ = hex.Decode(row.Request[:], fmt.Appendf(nil, "%016x%016x", random.Uint64(), random.Uint64()))
		err = errors.Join(
			s.Reserve(context.Background(), messages.Reservation{Row: row}),
			s.Settle(context.Background(), row),
		)
		fmt.Println(name(&row))
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
