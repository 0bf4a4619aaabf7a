package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/parley/bench/socket"
)

// hear reads a connection's messages until one has the text.
func hear(t *testing.T, c *socket.Conn, text string) (message string) {
	t.Helper()
	c.SetDeadline(time.Now().Add(patience))
	for {
		got, err := c.Next()
		if err != nil {
			t.Fatalf("%v, while waiting for %q", err, text)
		}
		if message = string(got); strings.Contains(message, text) {
			return message
		}
	}
}

// A session at an edge node outlives the core's absence: what ran is lost with a word,
// what is asked meanwhile is refused, and behind it the same connection goes on.
func TestASessionAtAnEdgeNodeOutlivesACut(t *testing.T) {
	t.Parallel()
	w := startNearby(t, "60s", "PARLEY_PROVIDERS_SIMULATED_TOKEN_INTERVAL=100ms")
	c, err := socket.Dial(t.Context(), w.edge.socketOptions(w.edge.key))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	send := func(text string) {
		t.Helper()
		if err := c.Send(text); err != nil {
			t.Fatal(err)
		}
	}
	send(socket.Create("simulated/echo", "one two three", ""))
	var completed struct{ Response struct{ ID string } }
	if err := json.Unmarshal([]byte(hear(t, c, `"type":"response.completed"`)), &completed); err != nil {
		t.Fatal(err)
	}
	send(socket.Create("simulated/echo", socket.Prose(100), `,"stream_id":"long"`))
	hear(t, c, `"stream_id":"long"`)
	w.network.Stop()
	lost := hear(t, c, `"type":"error"`)
	if !strings.Contains(lost, `"edge_cut_off"`) || !strings.Contains(lost, `"stream_id":"long"`) || !strings.Contains(lost, "response.resume") {
		t.Errorf("the lane that ran is told %s", lost)
	}
	send(socket.Create("simulated/echo", "meanwhile", `,"stream_id":"other"`))
	if refused := hear(t, c, `"type":"error"`); !strings.Contains(refused, `"edge_cut_off"`) || !strings.Contains(refused, `"stream_id":"other"`) {
		t.Errorf("what is asked meanwhile is told %s", refused)
	}
	enable(t, w.network)
	eventually(t, "the core to be there again", func() bool { return w.edge.get("/v1/models", w.edge.key).status == http.StatusOK })
	send(socket.Create("simulated/echo", "again", `,"previous_response_id":"`+completed.Response.ID+`"`))
	if again := hear(t, c, `"type":"response.completed"`); !strings.Contains(again, "again") {
		t.Errorf("behind the cut it is told %s", again)
	}
}

// Streams over WebSockets of an edge node are what they are at the core: none of their
// events is lost, wherever connections are cut.
func TestSessionsAtAnEdgeNodeAreTheCores(t *testing.T) {
	t.Parallel()
	w := startNearby(t, "60s")
	o := w.edge.socketOptions(w.edge.key)
	o.Deflate = true
	text := prose(60)
	r := socket.NewReader()
	c, ended, err := r.Hear(t.Context(), o, socket.Create("simulated/echo", text, ""), 20)
	if err != nil || ended {
		t.Fatalf("ended %t, %v", ended, err)
	}
	c.Reset()
	c, ended, err = r.Hear(t.Context(), o, "", 1<<30)
	if err != nil || !ended {
		t.Fatalf("ended %t, %v", ended, err)
	}
	c.Close()
	for _, fault := range r.Check(t.Context(), o, text) {
		t.Error(fault)
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(w.core.key, "pk_"), "_")
	c, err = socket.Dial(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	w.core.wants(w.core.operate(http.MethodDelete, "/admin/keys/"+id, ""), 200, "")
	time.Sleep(5 * time.Second) // in which a revoked key dies
	if err := c.Send(socket.Create("simulated/echo", text, "")); err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(patience))
	for err == nil {
		_, err = c.Next()
	}
	if closed, ok := socket.IsClosed(err); !ok || closed.Code != 1008 {
		t.Errorf("a session whose key was revoked ends with %v", err)
	}
	w.edge.terminate()
}
