package provider_test

import (
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"example.com/parley/actors/provider"
	"example.com/parley/messages"
)

// However a server says where its reply ends, that is where it ends: what comes behind
// it on the connection is the next one, and one that was cut is told of.
func TestABodyEndsWhereItsServerSays(t *testing.T) {
	t.Parallel()
	stream := "data: " + delta("Hello") + "\n\ndata: " + chatFinish + "\n\ndata: " + chatDone + "\n\n"
	const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
	chunked := head + "Transfer-Encoding: chunked\r\n\r\n"
	whole := fmt.Sprintf("%x\r\n%s\r\n", len(stream), stream)
	for name, tt := range map[string]struct {
		answer string
		closes bool
		want   int64 // connections for 3 calls
		fails  bool
	}{
		"in a chunk":                   {answer: chunked + whole + "0\r\n\r\n", want: 1},
		"in chunks with extensions":    {answer: chunked + fmt.Sprintf("5;a=b\r\n%s\r\n%X;c\r\n%s\r\n", stream[:5], len(stream)-5, stream[5:]) + "0\r\n\r\n", want: 1},
		"with trailers":                {answer: chunked + whole + "0\r\nX-Cost: 1\r\nX-Other: 2\r\n\r\n", want: 1},
		"with too many trailers":       {answer: chunked + whole + "0\r\n" + strings.Repeat("X: 1\r\n", 100) + "\r\n", want: 3},
		"behind forerunners":           {answer: "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + chunked + whole + "0\r\n\r\n", want: 1},
		"of a length":                  {answer: head + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(stream)) + stream, want: 1},
		"at the connection's end":      {answer: head + "\r\n" + stream, closes: true, want: 3},
		"with words behind it":         {answer: chunked + whole + "0\r\n\r\nHTTP/1.1 200 OK\r\n", want: 3},
		"cut in a chunk":               {answer: chunked + fmt.Sprintf("%x\r\n", len(stream)) + stream[:20], closes: true, fails: true},
		"cut before the last chunk":    {answer: chunked + fmt.Sprintf("%x\r\n%s\r\n", 20, stream[:20]), closes: true, fails: true},
		"cut before its length":        {answer: head + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(stream)) + stream[:20], closes: true, fails: true},
		"in chunks of no number":       {answer: chunked + "zz\r\n" + stream + "\r\n0\r\n\r\n", fails: true},
		"in chunks that do not end so": {answer: chunked + fmt.Sprintf("%x\r\n%sXX", 20, stream[:20]), fails: true},
		"in none, as it says":          {answer: head + "Content-Length: 0\r\n\r\n", fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var connections atomic.Int64
			url := rawServer(t, func(connection, _ int, w io.Writer) (goOn bool) {
				connections.Store(max(connections.Load(), int64(connection)+1))
				_, err := io.WriteString(w, tt.answer)
				return err == nil && !tt.closes
			})
			p := newProviders(t, provider.Settings{Kind: provider.KindOpenAI, BaseURL: url, APIKey: secretKey, Failures: 100})
			for range 3 {
				got := call(t.Context(), p, true)
				if tt.fails {
					checkFailure(t, got.err, messages.CodeProviderFailed)
				} else if got.err != nil || got.text != "Hello" {
					t.Errorf("it says %q, %v", got.text, got.err)
				}
			}
			if n := connections.Load(); tt.want > 0 && n != tt.want {
				t.Errorf("%d connections for 3 calls, want %d", n, tt.want)
			}
		})
	}
}
