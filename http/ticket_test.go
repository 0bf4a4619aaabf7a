package http_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/fasthttp/websocket"

	parleyhttp "example.com/parley/http"
)

const origin = "https://chat.example.com"

func allowingOrigin() option {
	return sockets(func(c *parleyhttp.SessionConfig) { c.Origins = []string{origin} })
}

// ticket asks for one.
func (w *world) ticket() string {
	w.tb.Helper()
	got := w.do(http.MethodPost, "/v1/realtime-tickets", `{"origin":"`+origin+`"}`)
	var issued struct{ Protocol string }
	if err := json.Unmarshal([]byte(got.body), &issued); err != nil || got.status != http.StatusOK || got.header.Get("Cache-Control") != "no-store" {
		w.tb.Fatalf("got %d %s", got.status, got.body)
	}
	return issued.Protocol
}

// present opens a WebSocket as a browser does.
func (w *world) present(protocol, from string) (*connection, reply) {
	w.tb.Helper()
	return w.tryDial(func(d *websocket.Dialer) { d.Subprotocols = []string{protocol} }, "Authorization", "", "Origin", from)
}

func TestABrowserConnectsWithATicketOnce(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...), allowingOrigin())
	protocol := w.ticket()
	c, _ := w.present(protocol, origin)
	if c == nil || c.Subprotocol() != protocol {
		t.Fatal("it is not let in")
	}
	c.say(ask)
	c.until("response.completed")
	if again, refused := w.present(protocol, origin); again != nil || refused.status != http.StatusUnauthorized || refused.errorOf(t).Code != "invalid_ticket" {
		t.Errorf("a second time: %d %s", refused.status, refused.body)
	}
	if never, refused := w.present("parley-ticket."+strings.Repeat("A", 43), origin); never != nil || refused.status != http.StatusUnauthorized {
		t.Errorf("one that nobody issued: %d %s", refused.status, refused.body)
	}
	stolen := w.ticket()
	if thief, refused := w.present(stolen, "https://evil.example"); thief != nil || refused.status != http.StatusForbidden {
		t.Errorf("from another page: %d %s", refused.status, refused.body)
	}
	if strings.Contains(w.logged.String(), strings.TrimPrefix(protocol, "parley-ticket.")) {
		t.Error("the ticket is in the log")
	}
}

func TestARequestForATicketIsOneObject(t *testing.T) {
	t.Parallel()
	w := serve(t, nil, allowingOrigin())
	const good = `{"origin":"` + origin + `"}`
	for body, status := range map[string]int{
		good:                                   http.StatusOK,
		good + " \n":                           http.StatusOK,
		good + good:                            http.StatusBadRequest,
		good + "[]":                            http.StatusBadRequest,
		good + "1":                             http.StatusBadRequest,
		good + "null":                          http.StatusBadRequest,
		good + "}":                             http.StatusBadRequest,
		good + ",":                             http.StatusBadRequest,
		`{"origin":"` + origin + `","more":1}`: http.StatusBadRequest,
		`{"origin":""}`:                        http.StatusBadRequest,
		`{}`:                                   http.StatusBadRequest,
		`[]`:                                   http.StatusBadRequest,
		`null`:                                 http.StatusBadRequest,
		``:                                     http.StatusBadRequest,
		`{"origin":"https://evil.example"}`:    http.StatusForbidden,
	} {
		if got := w.do(http.MethodPost, "/v1/realtime-tickets", body); got.status != status {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
}
