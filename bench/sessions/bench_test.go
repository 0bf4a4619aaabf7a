package main

import (
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/parley/bench/load"
	"example.com/parley/bench/report"
)

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	o, err := parseOptions([]string{"-quick", "-only", "idle", "-seed", "7"})
	if err != nil || o.connections != 1000 || o.kills != 2 || o.seed != 7 || !o.only.Has("idle") || o.only.Has("kills") {
		t.Errorf("%+v %v", o, err)
	}
	for _, wrong := range [][]string{{"x"}, {"-connections", "0"}, {"-streaming", "100000"}, {"-duration", "1ms"}, {"-only", "everything"}} {
		if _, err := parseOptions(wrong); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}

const delta = `{"type":"response.output_text.delta","delta":"`

func TestAChunkSaysWhenItWasSent(t *testing.T) {
	t.Parallel()
	var h heard
	var measuring atomic.Bool
	sent := time.Now().Add(-50 * time.Millisecond).UnixMicro()
	message := []byte(delta + itoa(sent) + ` "}`)
	h.hear(message, &measuring) // which is before the time that counts
	measuring.Store(true)
	h.hear(message, &measuring)
	h.hear([]byte(delta+`token19 "}`), &measuring) // the last says no time
	h.hear([]byte(`{"type":"response.completed"}`), &measuring)
	if h.chunks.Load() != 3 || h.ends.Load() != 1 || len(h.late) != 1 || h.late[0] < 50*time.Millisecond || h.late[0] > 10*time.Second {
		t.Errorf("%d chunks, %d ends, late %v", h.chunks.Load(), h.ends.Load(), h.late)
	}
	h.hear([]byte(`{"type":"error","status":429}`), &measuring)
	if failed := h.failed.Load(); failed == nil || !strings.Contains(*failed, "429") {
		t.Error("a failure goes unheard")
	}
}

func TestAChunkOfTheUpstreamSaysWhenItWasSent(t *testing.T) {
	t.Parallel()
	here, there := net.Pipe()
	var h heard
	var measuring atomic.Bool
	measuring.Store(true)
	go func() {
		_, _ = there.Write([]byte("HTTP/1.1 200 OK\r\n\r\n" + `data: {"choices":[{"delta":{"content":"` + itoa(time.Now().Add(-50*time.Millisecond).UnixMicro()) + ` "}}]}` + "\n\ndata: [DONE]\n\n"))
		_ = there.Close()
	}()
	if h.follow(here, &measuring); len(h.late) != 1 || h.late[0] < 50*time.Millisecond || h.late[0] > 10*time.Second {
		t.Errorf("late %v", h.late)
	}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func TestSilentSessionsMissATarget(t *testing.T) {
	t.Parallel()
	b := &bench{options: options{duration: 2 * time.Second}, line: report.New(t.Context(), "sessions")}
	all := make([]heard, chunkTarget)
	for i := range all[1:] {
		all[i].chunks.Store(2)
		all[i].late = []time.Duration{time.Millisecond, 2 * time.Millisecond}
	}
	if err := b.tellStream(all, load.Sorted([]time.Duration{time.Millisecond}), map[string]float64{"kb": 20, "lost_connections": 1}); err != nil {
		t.Fatal(err)
	}
	for _, target := range b.line.Targets {
		if wanted := !strings.HasSuffix(target.Name, "_silent") && !strings.HasSuffix(target.Name, "_lost"); target.OK != wanted {
			t.Errorf("%+v", target)
		}
	}
	if got := b.line.Figures["streaming_1000"].(map[string]float64); got["added_p99_ms"] != 1 || got["added_p50_ms"] != 0 {
		t.Errorf("%v", got)
	}
	failed := "no"
	all[7].failed.Store(&failed)
	if err := b.tellStream(all, nil, map[string]float64{}); err == nil {
		t.Error("a failure goes untold")
	}
}

func TestResponsesWithFaultsMissATarget(t *testing.T) {
	t.Parallel()
	b := &bench{line: report.New(t.Context(), "sessions")}
	var l ledger
	l.note(nil)
	l.note([]string{"a gap", "another"})
	b.tell("disconnects", &l, map[string]float64{})
	if l.responses != 2 || l.bad != 1 || l.first != "a gap" || b.line.OK() {
		t.Errorf("%+v, %+v", &l, b.line.Targets)
	}
}

func TestDrawsAreOfTheSeed(t *testing.T) {
	t.Parallel()
	b := &bench{options: options{seed: 7}}
	if b.drawn(1).Uint64() != b.drawn(1).Uint64() || b.drawn(1).Uint64() == b.drawn(2).Uint64() {
		t.Error("the seed says too little, or too much")
	}
}
