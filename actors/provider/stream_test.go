package provider_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/parley/actors/provider"
	"example.com/parley/messages"
)

func TestStreamThatGoesWrong(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1000)
	for name, tt := range map[string]struct {
		server http.HandlerFunc
		change func(*provider.Settings)
		code   messages.Code
		text   string
		says   string
	}{
		"is cut": {
			server: data(delta("Hel")), code: messages.CodeProviderFailed, text: "Hel", says: "broke off",
		},
		"is cut in a chunk": {
			server: func(w http.ResponseWriter, r *http.Request) {
				data(delta("Hel"))(w, r)
				panic(http.ErrAbortHandler)
			},
			code: messages.CodeProviderFailed, text: "Hel",
		},
		"ends without a reason": {
			server: data(delta("Hel"), chatDone), code: messages.CodeProviderFailed, text: "Hel", says: "broke off",
		},
		"says that it failed": {
			server: data(delta("Hel"), `{"error":{"message":"overloaded, `+secretKey+`","type":"server_error"}}`),
			code:   messages.CodeProviderFailed, text: "Hel",
		},
		"is nonsense four times in a row": {
			server: data(delta("Hel"), "a", "b", "c", "d", delta("lo"), chatFinish, chatDone),
			code:   messages.CodeProviderFailed, text: "Hel", says: "no reply",
		},
		"has no end": {
			server: func(w http.ResponseWriter, r *http.Request) {
				for r.Context().Err() == nil {
					data(delta(long))(w, r)
				}
			},
			change: func(s *provider.Settings) { s.MaxReply = 8 << 10 },
			code:   messages.CodeProviderFailed, text: strings.Repeat(long, 8), says: "longer than 8192 bytes",
		},
		"has no end of empty events": {
			server: func(w http.ResponseWriter, r *http.Request) {
				for r.Context().Err() == nil {
					data(`{"choices":[]}`)(w, r)
				}
			},
			change: func(s *provider.Settings) { s.MaxReply = 8 << 10 },
			code:   messages.CodeProviderFailed, says: "longer than 8192 bytes",
		},
		"has an event that is too long": {
			server: data(delta(strings.Repeat("x", 9<<10))),
			change: func(s *provider.Settings) { s.MaxReply = 8 << 10 },
			code:   messages.CodeProviderFailed, says: "longer than 8192 bytes",
		},
		"stalls as this model may not": {
			server: func(w http.ResponseWriter, r *http.Request) {
				data(delta("Hel"))(w, r)
				<-r.Context().Done()
			},
			change: func(s *provider.Settings) {
				s.ModelTimeouts = map[string]provider.Timeouts{"m": {Stall: 500 * time.Millisecond}}
			},
			code: messages.CodeProviderTimeout, text: "Hel", says: "nothing more within 500ms",
		},
		"goes on for longer than it may": {
			server: func(w http.ResponseWriter, r *http.Request) {
				for r.Context().Err() == nil {
					data(delta(""))(w, r)
					time.Sleep(10 * time.Millisecond)
				}
			},
			change: func(s *provider.Settings) { s.Total = 500 * time.Millisecond },
			code:   messages.CodeProviderTimeout, says: "did not end within 500ms",
		},
		"stalls": {
			server: func(w http.ResponseWriter, r *http.Request) {
				data(delta("Hel"))(w, r)
				<-r.Context().Done()
			},
			change: func(s *provider.Settings) { s.Stall = 500 * time.Millisecond },
			code:   messages.CodeProviderTimeout, text: "Hel", says: "nothing more within 500ms",
		},
		"drips comments": {
			server: func(w http.ResponseWriter, r *http.Request) {
				data(delta("Hel"))(w, r)
				for r.Context().Err() == nil {
					events(": ping")(w, r)
					time.Sleep(5 * time.Millisecond)
				}
			},
			change: func(s *provider.Settings) { s.Stall = 500 * time.Millisecond },
			code:   messages.CodeProviderTimeout, text: "Hel",
		},
		"does not begin": {
			server: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			change: func(s *provider.Settings) { s.FirstByte = 50 * time.Millisecond },
			code:   messages.CodeProviderTimeout, says: "did not begin to answer within 50ms",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, tt.server)
			s := f.settings(provider.KindOpenAI)
			if tt.change != nil {
				tt.change(&s)
			}
			var r reply
			within(t, 5*time.Second, "the failure", func() { r = call(t.Context(), newProviders(t, s), true) })
			failure := checkFailure(t, r.err, tt.code)
			if !strings.Contains(failure.What, tt.says) {
				t.Errorf("%q does not say %q", failure.What, tt.says)
			}
			if r.text != tt.text {
				t.Errorf("%d bytes came before, want %d", len(r.text), len(tt.text))
			}
		})
	}
}

func TestWholeReplyThatGoesWrong(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		server http.HandlerFunc
		change func(*provider.Settings)
		code   messages.Code
		says   string
	}{
		"is too long": {
			server: answer(200, "application/json", chatWhole+strings.Repeat(" ", 8<<10)),
			change: func(s *provider.Settings) { s.MaxReply = 8 << 10 },
			code:   messages.CodeProviderFailed, says: "longer than 8192 bytes",
		},
		"is cut": {
			server: answer(200, "application/json", chatWhole[:20], "Content-Length", "300"),
			code:   messages.CodeProviderFailed, says: "broke off",
		},
		"does not come": {
			server: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			change: func(s *provider.Settings) { s.WholeReply = 50 * time.Millisecond },
			code:   messages.CodeProviderTimeout, says: "did not answer within 50ms",
		},
		"does not go on": {
			server: func(w http.ResponseWriter, r *http.Request) {
				answer(200, "application/json", chatWhole[:20], "Content-Length", "300")(w, r)
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			},
			change: func(s *provider.Settings) { s.WholeReply = 50 * time.Millisecond },
			code:   messages.CodeProviderTimeout,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, tt.server)
			s := f.settings(provider.KindOpenAI)
			if tt.change != nil {
				tt.change(&s)
			}
			r := call(t.Context(), newProviders(t, s), false)
			if failure := checkFailure(t, r.err, tt.code); !strings.Contains(failure.What, tt.says) {
				t.Errorf("%q does not say %q", failure.What, tt.says)
			}
		})
	}
}

// A stream that Anthropic cut has told what its input costs.
func TestCutStreamTellsWhatItHasCost(t *testing.T) {
	t.Parallel()
	f := newFake(t, events(
		`event: message_start`+"\n"+`data: {"type":"message_start","message":{"id":"msg_1","model":"m","content":[],"usage":{"input_tokens":300,"output_tokens":1}}}`,
		`event: content_block_start`+"\n"+`data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`,
		`event: content_block_delta`+"\n"+`data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"`+strings.Repeat("word", 10)+`"}}`,
		`event: error`+"\n"+`data: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`,
	))
	r := call(t.Context(), newProviders(t, f.settings(provider.KindAnthropic)), true)
	checkFailure(t, r.err, messages.CodeProviderFailed)
	if r.usage == nil || *r.usage != (messages.Usage{Input: 300, Output: 10, Estimated: true}) {
		t.Errorf("got %+v", r.usage)
	}
}

func TestCancelledCallFreesTheProvider(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		stream, begun bool
	}{
		"a stream that has begun":           {true, true},
		"a stream that has not":             {true, false},
		"a whole reply":                     {false, false},
		"a whole reply whose head has come": {false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked, left := make(chan struct{}), make(chan struct{})
			f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
				if tt.begun && tt.stream {
					data(delta("Hel"))(w, r)
				} else if tt.begun {
					answer(200, "application/json", chatWhole[:20])(w, r)
					w.(http.Flusher).Flush()
				}
				close(asked)
				<-r.Context().Done()
				close(left)
			})
			p := newProviders(t, f.settings(provider.KindOpenAI))
			ctx, cancel := context.WithCancelCause(t.Context())
			gone := errors.New("the client has gone")
			go func() {
				<-asked
				cancel(gone)
			}()
			within(t, promptly, "the end of the call", func() {
				r := call(ctx, p, tt.stream)
				checkFailure(t, r.err, messages.CodeCancelled)
				if !errors.Is(r.err, gone) {
					t.Errorf("%v does not say why", r.err)
				}
			})
			within(t, promptly, "the end at the provider", func() { <-left })
		})
	}
}

func TestCallEndsWithItsDeadline(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		data(delta("Hel"))(w, r)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	within(t, promptly, "the end of the call", func() {
		r := call(ctx, newProviders(t, f.settings(provider.KindOpenAI)), true)
		checkFailure(t, r.err, messages.CodeDeadline)
	})
}

func TestReaderThatLosesInterestFreesTheProvider(t *testing.T) {
	t.Parallel()
	left := make(chan struct{})
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		data(delta("Hel"))(w, r)
		<-r.Context().Done()
		close(left)
	})
	p := newProviders(t, f.settings(provider.KindOpenAI))
	a, err := p.Open(t.Context(), messages.Target{Provider: "p", Model: "m"}, &messages.Call{Stream: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Next(); err != nil {
		t.Fatal(err)
	}
	_ = a.Close()
	within(t, promptly, "the end at the provider", func() { <-left })
	if n := p.Handles()[0].Snapshot().InFlight; n != 0 {
		t.Errorf("%d calls run", n)
	}
}

func TestUnknownProvider(t *testing.T) {
	t.Parallel()
	p := newProviders(t, provider.Settings{BaseURL: "http://127.0.0.1:1/v1"})
	target := messages.Target{Provider: "nobody", Model: "m"}
	_, err := p.Open(t.Context(), target, &messages.Call{})
	checkFailure(t, err, messages.CodeProviderUnavailable)
	checkFailure(t, p.Refusal(target), messages.CodeProviderUnavailable)
}

func TestAnswerStaysAtItsEnd(t *testing.T) {
	t.Parallel()
	f := newFake(t, hello())
	p := newProviders(t, f.settings(provider.KindOpenAI))
	for _, stream := range []bool{true, false} {
		if !stream {
			f.Config.Handler = answer(200, "application/json", chatWhole)
		}
		a, err := p.Open(t.Context(), messages.Target{Provider: "p", Model: "m"}, &messages.Call{Stream: stream})
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = a.Next()
		}
		if _, again := a.Next(); !errors.Is(err, io.EOF) || !errors.Is(again, io.EOF) {
			t.Errorf("got %v, then %v", err, again)
		}
		_, _ = a.Close(), a.Close()
	}
}
