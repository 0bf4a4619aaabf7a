package http_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	parleyhttp "example.com/parley/http"
)

// Most clients read nothing before they have sent everything, and a connection that is
// closed under them is reset: what they send is read over, with the pauses that a network
// makes in which a packet takes a while.
func TestClientFarAwayLearnsThatItsBodyIsTooLarge(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...), configured(func(c *parleyhttp.Config) { c.MaxBody = 2048 }))
	conn, err := net.Dial("tcp", w.address) //nolint:noctx // it takes no time
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // all was read
	const windows, window = 8, 512 << 10
	_, err = fmt.Fprintf(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: parley\r\nContent-Length: %d\r\n\r\n", windows*window)
	for range windows {
		time.Sleep(60 * time.Millisecond)
		if err == nil {
			_, err = conn.Write(bytes.Repeat([]byte{' '}, window))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // as above
	if response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", response.StatusCode)
	}
}
