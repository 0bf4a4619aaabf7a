package http_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestAnOperatorsDrainIsUndone(t *testing.T) {
	t.Parallel()
	turns, begun, _ := holding(opened(), text("a"))
	w := serve(t, turns)
	first := w.open("POST", "/v1/chat/completions", streamed(question))
	<-begun
	if d := w.server.Drain(time.Minute); d.Running != 1 || d.Final || time.Until(d.Until) > time.Minute {
		t.Errorf("got %+v", d)
	}
	refused := w.do("POST", "/v1/chat/completions", question)
	if refused.status != http.StatusServiceUnavailable || refused.errorOf(t).Code != "shutting_down" || refused.header.Get("Retry-After") == "" {
		t.Errorf("while it drains: %d %v %s", refused.status, refused.header, refused.body)
	}
	if got := w.do("GET", "/readyz", ""); got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "1 requests run") {
		t.Errorf("readiness: %d %s", got.status, got.body)
	}
	if !strings.Contains(w.scrape(), "chatbot_draining 1") {
		t.Error("the metric does not say so")
	}
	if d, err := w.server.Undrain(); err != nil || !d.Until.IsZero() {
		t.Errorf("got %+v and %v", d, err)
	}
	_ = first.Body.Close()
	if got := w.do("GET", "/readyz", ""); got.status != http.StatusOK {
		t.Errorf("readiness: %d %s", got.status, got.body)
	}
	again := w.open("POST", "/v1/chat/completions", streamed(question))
	<-begun
	_ = again.Body.Close()
	if !strings.Contains(w.scrape(), "chatbot_draining 0") {
		t.Error("the metric does not say so")
	}
}

func TestAnOperatorsDrainEndsTheProcess(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		patience time.Duration
		leaves   bool
		cut      string
	}{
		"once nothing runs":     {patience: time.Minute, leaves: true},
		"when its time is over": {patience: 100 * time.Millisecond, cut: `"code":"shutting_down"`},
		"and is made shorter":   {patience: 0, cut: `"code":"shutting_down"`}, // what was configured, and then less
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			turns, begun, _ := holding(opened(), text("a"))
			w := serve(t, turns)
			stream := w.open("POST", "/v1/chat/completions", streamed(question))
			defer func() { _ = stream.Body.Close() }()
			<-begun
			w.server.Drain(test.patience)
			if test.patience == 0 {
				w.server.Drain(50 * time.Millisecond)
			}
			if test.leaves {
				_ = stream.Body.Close()
			} else if rest, _ := io.ReadAll(stream.Body); !strings.Contains(string(rest), test.cut) {
				t.Errorf("the stream ends with %s", rest)
			}
			select {
			case err := <-w.stopped:
				w.stopped <- err
			case <-time.After(20 * time.Second):
				t.Fatal("the server still runs")
			}
			if d, err := w.server.Undrain(); err == nil || !d.Final {
				t.Errorf("it was undone when it was too late: %+v", d)
			}
		})
	}
}

func TestAnIdleServerEndsWithItsDrain(t *testing.T) {
	t.Parallel()
	w := serve(t, says())
	w.server.Drain(time.Minute)
	select {
	case err := <-w.stopped:
		w.stopped <- err
	case <-time.After(20 * time.Second):
		t.Fatal("the server still runs")
	}
}
