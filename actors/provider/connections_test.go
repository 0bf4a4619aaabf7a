package provider_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/parley/actors/provider"
	"example.com/parley/messages"
)

func TestConnectionIsUsedAgain(t *testing.T) {
	t.Parallel()
	endless := func(w http.ResponseWriter, r *http.Request) {
		data("a", "b", "c", "d", "e")(w, r)
		<-r.Context().Done()
	}
	for name, tt := range map[string]struct {
		server http.HandlerFunc
		stream bool
		want   int64
	}{
		"after a stream":             {hello(), true, 1},
		"after a whole reply":        {answer(200, "application/json", chatWhole), false, 1},
		"after an error":             {answer(400, "application/json", `{"error":{"message":"no"}}`), false, 1},
		"not when asked not to":      {answer(200, "application/json", chatWhole, "Connection", "close"), false, 5},
		"not after a broken stream":  {endless, true, 5},
		"after words behind the end": {data(delta("Hello"), chatFinish, chatUsage, chatDone, `{"cost":1}`), true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, tt.server)
			s := f.settings(provider.KindOpenAI)
			s.Failures = 100
			p := newProviders(t, s)
			for range 5 {
				call(t.Context(), p, tt.stream)
			}
			if got := f.connections.Load(); got != tt.want {
				t.Errorf("%d connections for 5 calls, want %d", got, tt.want)
			}
		})
	}
}

// listen takes an address that a server was at before.
func listen(t *testing.T, address string) net.Listener {
	t.Helper()
	for range 100 {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
		if err == nil {
			return l
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("nobody can listen at %s", address)
	return nil
}

// The trap of connection pools: when a server restarts, each of its idle
// connections would cost one failed call.
func TestServerThatRestartsFailsNoCall(t *testing.T) {
	t.Parallel()
	const idle = 64
	var arrived atomic.Int64
	together := make(chan struct{})
	first := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if arrived.Add(1) == idle {
			close(together)
		}
		select {
		case <-together: // so that every call has a connection of its own
			answer(200, "application/json", chatWhole)(w, r)
		case <-r.Context().Done():
		}
	})
	p := newProviders(t, first.settings(provider.KindOpenAI))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	crowd := func(stream bool) {
		var all sync.WaitGroup
		for range idle {
			all.Go(func() {
				if r := call(ctx, p, stream); r.err != nil {
					t.Errorf("a call failed: %v", r.err)
				}
			})
		}
		all.Wait()
	}
	crowd(false)
	if n := first.connections.Load(); n != idle {
		t.Fatalf("%d connections, want %d", n, idle)
	}
	address := first.Listener.Addr().String()
	first.CloseClientConnections()
	first.Close()

	second := httptest.NewUnstartedServer(hello())
	_ = second.Listener.Close()
	second.Listener = listen(t, address)
	second.Start()
	defer second.Close()
	crowd(true)
	crowd(true)
	if s := p.Handles()[0].Snapshot(); s.State != messages.BreakerClosed {
		t.Errorf("the breaker is %s", s.State)
	}
}

// rawServer answers requests with bytes, connection by connection.
func rawServer(t *testing.T, serve func(connection, request int, w io.Writer) (goOn bool)) string {
	t.Helper()
	l := listen(t, "127.0.0.1:0")
	var running sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		running.Wait()
	})
	running.Go(func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close() //nolint:errcheck // the test is over with it
				reader := bufio.NewReader(c)
				for request := 0; ; request++ {
					r, err := http.ReadRequest(reader)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, r.Body)
					if !serve(n, request, c) {
						return
					}
				}
			})
		}
	})
	return "http://" + l.Addr().String() + "/v1"
}

func writeReply(w io.Writer) {
	_, _ = fmt.Fprintf(w, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(chatWhole), chatWhole)
}

func TestIdleConnectionThatTheServerGivesUpIsNoFailure(t *testing.T) {
	t.Parallel()
	for name, farewell := range map[string]string{
		"silently": "",
		"with 408": "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := rawServer(t, func(connection, request int, w io.Writer) bool {
				if connection == 0 && request == 1 {
					_, _ = io.WriteString(w, farewell)
					return false
				}
				writeReply(w)
				return true
			})
			p := newProviders(t, provider.Settings{BaseURL: url})
			for i := range 2 {
				if r := call(t.Context(), p, false); r.err != nil {
					t.Errorf("call %d: %v", i, r.err)
				}
			}
		})
	}
}

func TestRequestGoesOutAgainOnlyWhereNothingCame(t *testing.T) {
	t.Parallel()
	for name, serve := range map[string]func(connection, request int, w io.Writer) bool{
		"a fresh connection that dies": func(int, int, io.Writer) bool { return false },
		"an answer that was begun": func(_, request int, w io.Writer) bool {
			if request == 0 {
				writeReply(w)
				return true
			}
			_, _ = io.WriteString(w, "HTTP/1.1 20")
			return false
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			requests := 0
			url := rawServer(t, func(connection, request int, w io.Writer) bool {
				mu.Lock()
				requests++
				mu.Unlock()
				return serve(connection, request, w)
			})
			p := newProviders(t, provider.Settings{BaseURL: url})
			calls := 0
			for r := (reply{}); r.err == nil && calls < 5; calls++ {
				r = call(t.Context(), p, false)
				if r.err != nil {
					checkFailure(t, r.err, messages.CodeProviderFailed)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if requests != calls {
				t.Errorf("%d requests for %d calls", requests, calls)
			}
		})
	}
}

func TestWhatIsNotHTTPIsNotQuoted(t *testing.T) {
	t.Parallel()
	url := rawServer(t, func(_, _ int, w io.Writer) bool {
		_, _ = io.WriteString(w, "SSH-2.0 "+secretKey+"\r\n\r\n")
		return false
	})
	r := call(t.Context(), newProviders(t, provider.Settings{BaseURL: url, APIKey: "k"}), false)
	checkFailure(t, r.err, messages.CodeProviderFailed)
}

func TestUnreachableProvider(t *testing.T) {
	t.Parallel()
	l := listen(t, "127.0.0.1:0")
	_ = l.Close()
	p := newProviders(t, provider.Settings{BaseURL: "http://" + l.Addr().String() + "/v1", APIKey: secretKey})
	within(t, promptly, "the refusal", func() {
		r := call(t.Context(), p, true)
		checkFailure(t, r.err, messages.CodeProviderFailed)
	})
}

func TestServerThatDoesNotShakeHands(t *testing.T) {
	t.Parallel()
	l := listen(t, "127.0.0.1:0")
	defer l.Close() //nolint:errcheck // the test is over with it
	s := provider.Settings{BaseURL: "https://" + l.Addr().String() + "/v1", APIKey: secretKey, Connect: 50 * time.Millisecond}
	within(t, promptly, "the time-out", func() {
		r := call(t.Context(), newProviders(t, s), true)
		f := checkFailure(t, r.err, messages.CodeProviderTimeout)
		if !strings.Contains(f.Do, "providers.p.connect_timeout") {
			t.Errorf("%q does not name the key", f.Do)
		}
	})
}

func TestCertificateIsLookedAt(t *testing.T) {
	t.Parallel()
	trusting := newSecured(t, true, answer(200, "application/json", chatWhole)).settings(provider.KindOpenAI)
	s := trusting
	s.CAFile = ""
	r := call(t.Context(), newProviders(t, s), false)
	if f := checkFailure(t, r.err, messages.CodeProviderFailed); !strings.Contains(f.Do, "ca_file") {
		t.Errorf("%q does not say how to trust it", f.Do)
	}
	if r := call(t.Context(), newProviders(t, trusting), false); r.err != nil || r.text != "Hello" {
		t.Errorf("with its certificate: %+v", r)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		<-release
		answer(200, "application/json", chatWhole)(w, r)
	})
	s := f.settings(provider.KindOpenAI)
	s.MaxConns, s.Connect = 2, 500*time.Millisecond
	p := newProviders(t, s)
	results := make(chan reply, 3)
	for range 3 {
		go func() { results <- call(context.Background(), p, false) }()
	}
	failure := checkFailure(t, (<-results).err, messages.CodeProviderUnavailable)
	if !strings.Contains(failure.Do, "providers.p.max_connections") || failure.RetryAfter == 0 {
		t.Errorf("got %+v", failure)
	}
	close(release)
	for range 2 {
		if r := <-results; r.err != nil {
			t.Error(r.err)
		}
	}
	if n := f.connections.Load(); n != 2 {
		t.Errorf("%d connections", n)
	}
}

func TestCallWaitsForAConnectionToComeFree(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(20 * time.Millisecond)
		answer(200, "application/json", chatWhole)(w, r)
	})
	s := f.settings(provider.KindOpenAI)
	s.MaxConns = 1
	p := newProviders(t, s)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if r := call(context.Background(), p, false); r.err != nil {
				t.Error(r.err)
			}
		})
	}
	all.Wait()
	if n := f.connections.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestHeadsOfAnswersAreReadUpToSixteenKilobytes(t *testing.T) {
	t.Parallel()
	for size, fits := range map[int]bool{1 << 10: true, 3 << 10: true, 4 << 10: true, 5 << 10: true, 15 << 10: true, 20 << 10: false} {
		for _, stream := range []bool{false, true} {
			f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Long", strings.Repeat("h", size))
				if stream {
					hello()(w, r)
				} else {
					answer(http.StatusOK, "application/json", chatWhole)(w, r)
				}
			})
			p := newProviders(t, f.settings(provider.KindOpenAI))
			for range 2 { // the second on the same connection
				r := call(t.Context(), p, stream)
				if fits && (r.err != nil || r.text != "Hello") {
					t.Errorf("%d bytes, streamed %t: %q %v", size, stream, r.text, r.err)
				}
				if !fits && r.err == nil {
					t.Errorf("%d bytes are read", size)
				}
			}
			if n := f.connections.Load(); fits && n != 1 {
				t.Errorf("%d bytes, streamed %t: %d connections", size, stream, n)
			}
		}
	}
}
