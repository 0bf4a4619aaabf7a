package provider_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/parley/actors/provider"
	"example.com/parley/messages"
)

// far is longer apart than events need be for a stream to be parked between them.
const far = 110 * time.Millisecond

// slowly says some deltas that are far apart, and then what last does.
func slowly(last func(w http.ResponseWriter, r *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, text := range []string{"H", "el", "lo"} {
			_, _ = w.Write([]byte("data: " + delta(text) + "\n\n"))
			w.(http.Flusher).Flush()
			time.Sleep(far)
		}
		last(w, r)
	}
}

// heard is what came of an answer.
type heard struct {
	text   string
	parked int // how often
	err    error
}

// hear takes an answer to its end.
func hear(t *testing.T, answer provider.Answer) (h heard) {
	t.Helper()
	defer answer.Close() //nolint:errcheck // there is nothing to be lost
	for h.err == nil {
		if await(answer) {
			h.parked++
			if await(answer) {
				t.Error("it is parked again before it was read")
			}
		}
		var c messages.Chunk
		c, h.err = answer.Next()
		h.text += c.Text
	}
	return h
}

func TestAStreamIsParkedBetweenEventsThatAreFarApart(t *testing.T) {
	t.Parallel()
	finish := slowly(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("data: " + chatFinish + "\n\ndata: " + chatDone + "\n\n"))
	})
	for _, secured := range []bool{false, true} {
		t.Run(fmt.Sprintf("TLS %t", secured), func(t *testing.T) {
			t.Parallel()
			checkParked(t, newSecured(t, secured, finish))
		})
	}
}

func checkParked(t *testing.T, f *fake) {
	t.Helper()
	p := newParking(t, f.settings(provider.KindOpenAI), newPoller(t))
	for range 3 { // on one connection
		answer, err := p.Open(t.Context(), messages.Target{Provider: "p", Model: "m"}, &messages.Call{Stream: true})
		if err != nil {
			t.Fatal(err)
		}
		h := hear(t, answer)
		if h.text != "Hello" || h.parked < 1 {
			t.Errorf("it says %q, and was parked %d times", h.text, h.parked)
		}
	}
	if n := f.connections.Load(); n != 1 {
		t.Errorf("%d connections were made", n)
	}
}

// However a stream ends while it is parked, its reader is told.
func TestAStreamThatEndsWhileItIsParkedIsResumed(t *testing.T) {
	t.Parallel()
	silent := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for name, tt := range map[string]struct {
		last func(http.ResponseWriter, *http.Request)
		stop time.Duration // when its caller loses interest; 0 for never
		code messages.Code
		what string
	}{
		"it stalls":         {last: silent, code: messages.CodeProviderTimeout, what: "sent nothing more"},
		"it is cancelled":   {last: silent, stop: 4 * far, code: messages.CodeCancelled},
		"its server goes":   {last: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, code: messages.CodeProviderFailed},
		"it ends too early": {last: func(http.ResponseWriter, *http.Request) {}, code: messages.CodeProviderFailed, what: "broke off"},
	} {
		for _, secured := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, TLS %t", name, secured), func(t *testing.T) {
				t.Parallel()
				s := newSecured(t, secured, slowly(tt.last)).settings(provider.KindOpenAI)
				s.Stall = time.Second
				p := newParking(t, s, newPoller(t))
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.stop > 0 {
					defer time.AfterFunc(tt.stop, cancel).Stop()
				}
				answer, err := p.Open(ctx, messages.Target{Provider: "p", Model: "m"}, &messages.Call{Stream: true})
				if err != nil {
					t.Fatal(err)
				}
				h := hear(t, answer)
				if h.text != "Hello" || h.parked < 1 || messages.CodeOf(h.err) != tt.code || !strings.Contains(h.err.Error(), tt.what) {
					t.Errorf("it says %q, was parked %d times, and ends with %v", h.text, h.parked, h.err)
				}
			})
		}
	}
}

// What comes fast is waited for by a goroutine: to park it would cost more.
func TestAStreamWhoseEventsComeFastIsNotParked(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for range 50 {
			_, _ = w.Write([]byte("data: " + delta("x") + "\n\n"))
			w.(http.Flusher).Flush()
			time.Sleep(time.Millisecond)
		}
		_, _ = w.Write([]byte("data: " + chatFinish + "\n\ndata: " + chatDone + "\n\n"))
	})
	p := newParking(t, f.settings(provider.KindOpenAI), newPoller(t))
	answer, err := p.Open(t.Context(), messages.Target{Provider: "p", Model: "m"}, &messages.Call{Stream: true})
	if err != nil {
		t.Fatal(err)
	}
	if h := hear(t, answer); len(h.text) != 50 || h.parked > 10 { // the machine may stand still for a moment
		t.Errorf("it says %q, and was parked %d times", h.text, h.parked)
	}
}
