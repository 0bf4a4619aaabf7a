package http_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	parleyhttp "example.com/parley/http"
	"example.com/parley/messages"
)

func TestAStreamThatIsContinuedSaysSoInAComment(t *testing.T) {
	t.Parallel()
	second := messages.Chunk{Kind: messages.ChunkOpened, Served: &messages.Served{Provider: "b", Model: "n", Earlier: "demo/demo-1"}}
	w := serve(t, says(opened(), text("Hel"), second, text("lo"), finish(), usage(3, 2), end()))
	resp := w.open(http.MethodPost, "/v1/chat/completions", strings.Replace(question, "{", `{"stream":true,`, 1), "x-parley-continue", "true")
	defer resp.Body.Close() //nolint:errcheck // it was read to the end
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(body), ": parley.continued by b/n after demo/demo-1\n\n") || !strings.HasSuffix(string(body), "[DONE]\n\n") {
		t.Errorf("the stream:\n%s", body)
	}
	if got := resp.Trailer.Get("x-parley-continued"); got != "b/n" {
		t.Errorf("the trailer says %q", got)
	}
	if got := resp.Header.Get("x-parley-provider"); got != "demo" {
		t.Errorf("the header says %q", got)
	}
}

func TestWhetherAStreamIsContinued(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		configured bool
		header     string
		status     int
		want       bool
	}{
		"not unless it is asked for":    {status: 200},
		"where the request asks for it": {header: "true", status: 200, want: true},
		"where the operator wants it":   {configured: true, status: 200, want: true},
		"unless the request does not":   {configured: true, header: "false", status: 200},
		"a word that is neither":        {header: "perhaps", status: 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := make(chan bool, 1)
			w := serve(t, func(m *messages.StartTurn) error {
				asked <- m.Spec.Continue
				return says(hello()...)(m)
			}, configured(func(c *parleyhttp.Config) { c.Continue = tt.configured }))
			var headers []string
			if tt.header != "" {
				headers = []string{"x-parley-continue", tt.header}
			}
			if got := w.do(http.MethodPost, "/v1/chat/completions", question, headers...); got.status != tt.status {
				t.Fatalf("status %d: %s", got.status, got.body)
			}
			if tt.status == http.StatusOK && <-asked != tt.want {
				t.Errorf("the turn is continued: %t, want %t", !tt.want, tt.want)
			}
		})
	}
}
