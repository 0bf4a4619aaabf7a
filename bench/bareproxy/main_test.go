package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"example.com/parley/bench/upstream/fake"
)

// fasthttp's caretakers sleep for up to ten seconds before they see that they are
// not needed any more, or live as long as the process.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*HostClient).connsCleaner"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*TCPDialer).tcpAddrsClean"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
	)
}

// proxy runs one until the test ends, and returns its address.
func proxy(t *testing.T, upstream string) (url string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	log, told := io.Pipe()
	ended := make(chan error, 1)
	go func() { // stop ends it
		ended <- run(ctx, []string{"-listen", "127.0.0.1:0", "-upstream", upstream}, told)
	}()
	line, err := bufio.NewReader(log).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return strings.TrimSpace(line)
}

// answer is a response whose body the test's end closes.
type answer struct {
	status int
	header http.Header
	length int64 // as announced
	body   io.Reader
}

func ask(t *testing.T, url, model, rest string) answer {
	t.Helper()
	body := `{"model":"` + model + `","messages":[{"role":"user","content":"hello there"}]` + rest + `}`
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer sk-test")
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	response, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return answer{response.StatusCode, response.Header, response.ContentLength, response.Body}
}

func read(t *testing.T, r io.Reader) string {
	t.Helper()
	body, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestRelaysPlainReplies(t *testing.T) {
	t.Parallel()
	upstream := fake.ForTest(t, fake.Config{})
	url := proxy(t, upstream.Address())
	for range 3 { // over one connection, which the first leaves fit for use
		response := ask(t, url, "gpt-4o", "")
		if body := read(t, response.body); response.status != http.StatusOK || !strings.Contains(body, "] hello there") || response.length != int64(len(body)) {
			t.Errorf("%d, %d bytes announced: %s", response.status, response.length, body)
		}
	}
	if n := upstream.Calls(); n.Calls != 3 || n.ByKey["sk-test"] != 3 || n.Connections != 1 {
		t.Errorf("upstream counted %+v", n)
	}
}

func TestRelaysLargeReplies(t *testing.T) {
	t.Parallel()
	upstream := fake.ForTest(t, fake.Config{})
	body := read(t, ask(t, proxy(t, upstream.Address()), "fake-tokens-50000", "").body)
	if !strings.Contains(body, "word50000") || !strings.HasSuffix(body, "}") {
		t.Errorf("%d bytes, ending in %q", len(body), body[max(0, len(body)-80):])
	}
}

func TestRelaysErrors(t *testing.T) {
	t.Parallel()
	upstream := fake.ForTest(t, fake.Config{})
	response := ask(t, proxy(t, upstream.Address()), "fake-fault-429-retry-2", "")
	if body := read(t, response.body); response.status != 429 || response.header.Get("Retry-After") != "2" || !strings.Contains(body, "rate_limit_error") {
		t.Errorf("%d, %v: %s", response.status, response.header, body)
	}
}

// The first words are there while the model still speaks.
func TestRelaysStreamsAsTheyCome(t *testing.T) {
	t.Parallel()
	upstream := fake.ForTest(t, fake.Config{})
	response := ask(t, proxy(t, upstream.Address()), "fake-fault-stall-after-2", `,"stream":true`)
	lines := bufio.NewReader(response.body)
	words := 0
	for words < 2 {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("after %d words: %v", words, err)
		}
		if strings.Contains(line, `"content":"`) {
			words++
		}
	}
	if n := upstream.Calls(); n.Running != 1 {
		t.Errorf("upstream counted %+v: the stream was over before it was shown", n)
	}
}

func TestRelaysWholeStreams(t *testing.T) {
	t.Parallel()
	upstream := fake.ForTest(t, fake.Config{})
	url := proxy(t, upstream.Address())
	for range 2 {
		body := read(t, ask(t, url, "fake-tokens-20", `,"stream":true`).body)
		if words := strings.Count(body, `"content":"`); words != 20 || !strings.HasSuffix(body, "data: [DONE]\n\n") {
			t.Errorf("%d words: %s", words, body)
		}
	}
	if n := upstream.Calls(); n.Streams != 2 || n.Connections != 1 {
		t.Errorf("upstream counted %+v", n)
	}
}

func TestSaysWhenTheUpstreamIsAway(t *testing.T) {
	t.Parallel()
	upstream := fake.ForTest(t, fake.Config{})
	address := upstream.Address()
	if err := upstream.Close(); err != nil {
		t.Fatal(err)
	}
	if response := ask(t, proxy(t, address), "gpt-4o", ""); response.status != http.StatusBadGateway {
		t.Errorf("status %d", response.status)
	}
}

func TestRunRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	if err := run(t.Context(), []string{"-listen", "nowhere"}, io.Discard); err == nil {
		t.Error("it listens nowhere")
	}
	if err := run(t.Context(), []string{"-h"}, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h gave %v", err)
	}
}
