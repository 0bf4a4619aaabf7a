package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestOperatorDrainsTheServerAndChangesHisMind(t *testing.T) {
	t.Parallel()
	env := []string{"PARLEY_PROVIDERS_SIMULATED_TOKEN_INTERVAL=10ms"}
	p := start(t, launch{env: env})
	key, text := p.key, prose(300)
	l := newListener(p, key)
	cut := make(chan bool, 1)
	go func() { // ends with the stream, which the drain cuts
		ended, err := l.hear(t.Context(), request(t, text, ""), 1<<30)
		if err != nil {
			t.Error(err)
		}
		cut <- !ended
	}()
	eventually(t, "the stream to run", func() bool { return strings.Contains(p.metrics(), "chatbot_active_streams 1") })
	p.wants(p.operate(http.MethodPost, "/admin/drain", `{"timeout":"5m"}`), http.StatusOK, `"state":"draining"`)
	if got := p.ask(key, hello); got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "shutting_down") {
		t.Errorf("while it drains: %d %s", got.status, got.body)
	}
	if p.readiness() != http.StatusServiceUnavailable || !strings.Contains(p.metrics(), "chatbot_draining 1") {
		t.Error("it does not say that it takes no work")
	}
	p.wants(p.operate(http.MethodDelete, "/admin/drain", ""), http.StatusOK, `"state":"serving"`)
	if got := p.ask(key, hello); got.status != http.StatusOK || p.readiness() != http.StatusOK {
		t.Errorf("behind the drain: %d %s", got.status, got.body)
	}
	p.wants(p.operate(http.MethodPost, "/admin/drain", `{"timeout":"300ms"}`), http.StatusOK, `"running":1`)
	select {
	case <-p.exited:
	case <-time.After(patience):
		t.Fatal("the server still runs")
	}
	if p.err != nil {
		t.Errorf("exit: %v\n%s", p.err, p.log)
	}
	if !<-cut {
		t.Error("the stream ended before it was cut")
	}
	l.p = start(t, launch{data: p.data, env: env})
	if ended, err := l.hear(t.Context(), "", 1<<30); err != nil || !ended {
		t.Fatalf("ended %t: %v", ended, err)
	}
	if l.last.Response.Details.Reason != "server_restart" || l.last.text() != l.text() || !strings.HasPrefix(text, l.text()) || l.text() == "" {
		t.Errorf("it ends with %+v, behind %q", l.last, l.text())
	}
	for _, fault := range l.faults {
		t.Error(fault)
	}
	l.p.terminate()
}
