package load

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve answers each request that ends in a blank line and a body with what
// answer returns, until the test ends. An empty answer closes the connection.
func serve(t *testing.T, size int, answer func() string) (address string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			tcp, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = tcp.Close() }()
				for request := make([]byte, size); ; {
					if _, err := io.ReadFull(tcp, request); err != nil {
						return
					}
					said := answer()
					if said == "" {
						return
					}
					if _, err := io.WriteString(tcp, said); err != nil {
						return
					}
				}
			}()
		}
	}()
	return listener.Addr().String()
}

func TestClosedCountsWhatWasAnsweredInTheWindow(t *testing.T) {
	t.Parallel()
	request := Post("x", "/v1/chat/completions", `{"model":"m"}`, "}", "Authorization: Bearer k")
	address := serve(t, len(request.Bytes), func() string { return plain })
	marks := 0
	got, err := Closed{
		Address: address, Connections: 4, Requests: []Request{request},
		Warmup: 10 * time.Millisecond, Duration: 100 * time.Millisecond, Mark: func() { marks++ },
	}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.Requests < 4 || got.Failed > 0 || got.Requests != len(got.Latencies) || got.PerSecond() <= 0 {
		t.Errorf("got %d requests, %d failed (%v)", got.Requests, got.Failed, got.FirstFail)
	}
	if marks != 2 {
		t.Errorf("%d marks, want one at each edge of the window", marks)
	}
}

func TestFailuresAreCountedAndNamed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		said, names string
		status      int
	}{
		"a status":      {"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\n{}", "status 502", 502},
		"a cut stream":  {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ndata:\r\n0\r\n\r\n", "ended with", 0},
		"a lost answer": {"", "read a reply", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := Post("x", "/", "{}", "[DONE]")
			address := serve(t, len(request.Bytes), func() string { return test.said })
			got, err := Open{Address: address, Connections: 2, Rate: 200, Requests: []Request{request}, Duration: 50 * time.Millisecond}.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got.Requests != 0 || got.Failed != 10 || !strings.Contains(fmt.Sprint(got.FirstFail), test.names) {
				t.Errorf("%d answered, %d failed: %v", got.Requests, got.Failed, got.FirstFail)
			}
			if got.Statuses[test.status] != 10 || len(got.Statuses) != 1 {
				t.Errorf("statuses %v", got.Statuses)
			}
		})
	}
}

func TestOpenChargesAStallForEveryRequestThatItHeldUp(t *testing.T) {
	t.Parallel()
	request := Post("x", "/", "{}", "}")
	const stall = 200 * time.Millisecond
	first := true
	address := serve(t, len(request.Bytes), func() string { // one connection, so one caller at a time
		if first {
			first = false
			<-time.After(stall)
		}
		return plain
	})
	got, err := Open{Address: address, Connections: 1, Rate: 100, Requests: []Request{request}, Duration: stall}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.Requests != 20 {
		t.Fatalf("%d requests, want 20: %v", got.Requests, got.FirstFail)
	}
	if got.Within > 5 || got.Statuses[200] != 20 {
		t.Errorf("%d within the window, which the stall took up; statuses %v", got.Within, got.Statuses)
	}
	// The n-th was due 10n ms after the first, and waited for the rest of the stall.
	if p50 := got.Latencies.Quantile(.5); p50 < stall/4 {
		t.Errorf("p50 %s: the requests behind the stalled one seem to have been sent late and measured from then", p50)
	}
}

func TestNoServerIsAnError(t *testing.T) {
	t.Parallel()
	address := serve(t, 1, func() string { return "" })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (Closed{Address: address, Connections: 1, Requests: []Request{{}}}).Run(ctx); err == nil {
		t.Error("a cancelled run returned no error")
	}
	if _, err := (Open{Address: "127.0.0.1:1", Connections: 1, Rate: 1, Requests: []Request{{}}, Duration: time.Second}).Run(t.Context()); err == nil {
		t.Error("a run without a server returned no error")
	}
}

func TestBatchAsksSoManyAndNoMore(t *testing.T) {
	t.Parallel()
	request := Post("x", "/", "{}", "}")
	address := serve(t, len(request.Bytes), func() string { return plain })
	var rendered atomic.Int64
	render := func(int) Request { rendered.Add(1); return request }
	got, err := Batch{Address: address, Connections: 3, Total: 10, Render: render, Within: time.Minute}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.Requests != 10 || got.Failed != 0 || rendered.Load() != 10 {
		t.Errorf("%d answered, %d failed, %d rendered", got.Requests, got.Failed, rendered.Load())
	}
	late, err := Batch{Address: address, Connections: 3, Total: 1000, Render: render, Within: -time.Second}.Run(t.Context())
	if err != nil || late.Requests != 0 {
		t.Errorf("behind its time: %d answered, %v", late.Requests, err)
	}
}
