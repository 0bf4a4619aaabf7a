package provider_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"testing"

	"example.com/parley/actors/provider"
	"example.com/parley/messages"
)

// A reader that waits has neither buffer nor stack for what comes. However that is cut
// into pieces, and wherever it says that it ends, nothing of it may be missed, and
// nothing waited for that is there.
func TestAwaitedStreamReadsWhole(t *testing.T) {
	t.Parallel()
	const chunked, length, identity = 0, 1, 2
	body := "data: " + delta("Hel") + "\n\ndata: " + delta("lo") + "\r\n\r\n: ping\n\ndata: " + chatFinish + "\n\ndata: " + chatDone + "\n\n"
	for name, tt := range map[string]struct{ piece, end int }{
		"in one piece":                       {len(body), chunked},
		"in large pieces":                    {200, chunked},
		"in pieces of seven bytes":           {7, chunked},
		"byte by byte":                       {1, chunked},
		"of a known length, in one piece":    {len(body), length},
		"of a known length, in small pieces": {7, length},
		"up to the connection's end":         {7, identity},
	} {
		for _, secured := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, TLS %t", name, secured), func(t *testing.T) {
				t.Parallel()
				f := newSecured(t, secured, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "text/event-stream")
					switch tt.end {
					case length:
						w.Header().Set("Content-Length", strconv.Itoa(len(body)))
					case identity:
						w.Header().Set("Transfer-Encoding", "identity")
					}
					for piece := range slices.Chunk([]byte(body), tt.piece) {
						_, _ = w.Write(piece)
						w.(http.Flusher).Flush()
					}
				})
				p := newProviders(t, f.settings(provider.KindOpenAI))
				for range 3 { // on the same connection, where that may be
					got := read(p.Open(t.Context(), messages.Target{Provider: "p", Model: "m"}, &messages.Call{Stream: true}))
					if got.err != nil || got.text != "Hello" || got.finish != messages.FinishStop {
						t.Errorf("got %q, %q, %v", got.text, got.finish, got.err)
					}
				}
			})
		}
	}
}
