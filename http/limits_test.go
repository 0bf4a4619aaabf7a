package http_test

import (
	"net/http"
	"testing"
	"time"

	"example.com/parley/messages"
)

// limits have room for one request of ten tokens.
type limits struct {
	full bool
	use  messages.LimitUse
}

func (l *limits) Begin(use messages.LimitUse, tokens int) (messages.LimitHold, messages.Rates, error) {
	l.use = use
	rates := messages.Rates{Tokens: messages.Rate{Limit: 10, Remaining: int64(10 - tokens), Reset: time.Second}}
	if l.full {
		return nil, messages.Rates{Tokens: messages.Rate{Limit: 10, Reset: time.Minute}}, limited()
	}
	l.full = true
	return l, rates, nil
}

// Settle implements messages.LimitHold.
func (l *limits) Settle(int) { l.full = false }

func limited() error {
	return &messages.Failure{Code: messages.CodeRateLimited, What: "the limit is used up", Do: "try again", RetryAfter: 1500 * time.Millisecond}
}

var someRates = messages.Rates{
	Requests: messages.Rate{Limit: 600, Remaining: 599, Reset: 100 * time.Millisecond},
	Tokens:   messages.Rate{Limit: 60_000, Remaining: 0, Reset: 6 * time.Minute},
}

// showsRates checks the headers of someRates.
func showsRates(t *testing.T, h http.Header) {
	t.Helper()
	for name, want := range map[string]string{
		"x-ratelimit-limit-requests": "600", "x-ratelimit-remaining-requests": "599", "x-ratelimit-reset-requests": "100ms",
		"x-ratelimit-limit-tokens": "60000", "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestRepliesTellWhatLimitsLeave(t *testing.T) {
	t.Parallel()
	w := serve(t, func(m *messages.StartTurn) error {
		m.Rates = someRates
		return says(hello()...)(m)
	})
	for path, body := range map[string]string{
		"/v1/chat/completions": question, "/v1/responses": `{"model":"demo","input":"Hi"}`,
	} {
		for _, body := range []string{body, streamed(body)} {
			r := w.do(http.MethodPost, path, body)
			if r.status != http.StatusOK {
				t.Fatalf("%s: %d %s", path, r.status, r.body)
			}
			showsRates(t, r.header)
		}
	}
}

func TestRepliesWithoutLimitsTellNothingOfThem(t *testing.T) {
	t.Parallel()
	r := serve(t, says(hello()...)).do(http.MethodPost, "/v1/chat/completions", question)
	if h := r.header; h.Get("x-ratelimit-limit-requests") != "" || h.Get("x-ratelimit-remaining-tokens") != "" {
		t.Errorf("got %v", h)
	}
}

func TestRefusedAndFailedTurnsTellWhatLimitsLeave(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]conversations{
		"refused": func(m *messages.StartTurn) error {
			m.Rates = someRates
			m.Refuse(limited())
			return nil
		},
		"failed": func(m *messages.StartTurn) error {
			m.Rates = someRates
			return says(brokenBy(limited()))(m)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := serve(t, answer).do(http.MethodPost, "/v1/chat/completions", streamed(question))
			if r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") != "2" || r.header.Get("retry-after-ms") != "1500" || r.header.Get("x-should-retry") != "true" {
				t.Errorf("got %d %v", r.status, r.header)
			}
			if shown := r.errorOf(t); shown.Code != "rate_limit_exceeded" || shown.Type != "rate_limit_error" {
				t.Errorf("got %+v", shown)
			}
			showsRates(t, r.header)
		})
	}
}

func TestTurnKnowsItsClientsAddress(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 1)
	w := serve(t, func(m *messages.StartTurn) error {
		seen <- m.Spec.Address
		return says(hello()...)(m)
	})
	w.do(http.MethodPost, "/v1/chat/completions", question, "X-Forwarded-For", "203.0.113.9")
	if address := <-seen; address != "127.0.0.1" {
		t.Errorf("whoever sends the header chooses its address: %q", address)
	}
}

func TestEmbeddingsAreLimited(t *testing.T) {
	t.Parallel()
	l := &limits{}
	w := serve(t, says(), func(w *world) { w.limits = l })
	const body = `{"model":"parley-embedding","input":["some text here"]}`
	for range 2 { // the first is given back
		r := w.do(http.MethodPost, "/v1/embeddings", body)
		if r.status != http.StatusOK || r.header.Get("x-ratelimit-remaining-tokens") != "6" {
			t.Errorf("got %d %v %s", r.status, r.header, r.body)
		}
	}
	if want := (messages.LimitUse{Tenant: "acme", Key: "member", Model: "parley-embedding", Address: "127.0.0.1"}); l.use != want {
		t.Errorf("counted for %+v, want %+v", l.use, want)
	}
	l.full = true
	r := w.do(http.MethodPost, "/v1/embeddings", body)
	if r.status != http.StatusTooManyRequests || r.header.Get("x-ratelimit-reset-tokens") != "1m0s" {
		t.Errorf("got %d %v", r.status, r.header)
	}
}
