package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"example.com/parley/bench/upstream/fake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// theatre answers each request with the next of its acts, and notes the keys.
type theatre struct {
	mu   sync.Mutex
	acts []func(http.ResponseWriter)
	keys []string
}

func (th *theatre) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	th.mu.Lock()
	th.keys = append(th.keys, r.Header.Get("Idempotency-Key"))
	act := th.acts[min(len(th.keys), len(th.acts))-1]
	th.mu.Unlock()
	act(w)
}

func says(status int, body string, headers ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for _, header := range headers {
			name, value, _ := strings.Cut(header, ": ")
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // a client that is gone fails itself
	}
}

// hangsUp shows something and then breaks the connection.
func hangsUp(body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		_, _ = io.WriteString(w, body)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// newStage returns one where acts are played.
func newStage(t *testing.T, acts ...func(http.ResponseWriter)) (*stage, *theatre) {
	t.Helper()
	played := &theatre{acts: acts}
	house := httptest.NewServer(played)
	t.Cleanup(house.Close)
	client := newClient(strings.TrimPrefix(house.URL, "http://"), "key", 4)
	t.Cleanup(client.close)
	s := &server{up: make(chan struct{})}
	s.open()
	return &stage{client: client, server: s, run: "run", after: func() {}}, played
}

const wholeResponse = `{"id":"resp_1","status":"completed","output":[{"type":"message","role":"assistant","content":[{"text":"one two"}]}]}`

func TestClientAsksAgainUnderTheSameKey(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(http.ResponseWriter){
		"when the connection breaks":    hangsUp(""),
		"when it breaks in the middle":  hangsUp(wholeResponse[:20]),
		"when the first try still runs": says(409, `{"error":{"code":"idempotency_key_in_use","message":"m"}}`, "Retry-After: 0"),
		"when the server is starting":   says(503, `{}`),
		"when the server says so":       says(400, `{}`, "X-Should-Retry: true"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, played := newStage(t, act, says(200, wholeResponse))
			c := s.play(t.Context(), script{Way: wayChain, Asks: []ask{{Question: "q", Model: "m"}}})
			got := c.Turns[0]
			if got.End != endWhole || got.Text != "one two" || got.Tries != 2 || got.Problem != "" {
				t.Errorf("got %+v", got)
			}
			if want := []string{"run-0-0", "run-0-0"}; !slices.Equal(played.keys, want) {
				t.Errorf("keys %q, want %q", played.keys, want)
			}
		})
	}
}

func TestClientGivesUpWhereAskingAgainCannotHelp(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		act   func(http.ResponseWriter)
		tries int
	}{
		"a fault of the request":    {says(422, `{"error":{"code":"idempotency_key_reused","message":"m"}}`), 1},
		"a server that says so":     {says(500, `{}`, "X-Should-Retry: false"), 1},
		"a reply that is none":      {says(200, `<html>`), 1},
		"a server that never gives": {hangsUp(""), maxTries},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := newStage(t, test.act)
			c := s.play(t.Context(), script{Way: wayChain, Asks: []ask{{Question: "q"}}})
			if got := c.Turns[0]; got.End != endUnknown || got.Tries != test.tries || got.Problem == "" {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestClientKeepsWhatItWasShownBeforeTheConnectionBroke(t *testing.T) {
	t.Parallel()
	stream := responseStream("completed", "one two", "one ", "two")
	begun, _, _ := strings.Cut(stream, "event: response.completed")
	s, _ := newStage(t, hangsUp(begun), says(200, responseStream("incomplete", "one", "one")))
	c := s.play(t.Context(), script{Way: wayChain, Asks: []ask{{Question: "q", Stream: true}}})
	got := c.Turns[0]
	if got.End != endCut || got.Text != "one" || len(got.Glimpses) != 1 {
		t.Fatalf("got %+v", got)
	}
	if g := got.Glimpses[0]; g.Response != "resp_1" || g.text() != "one two" || len(g.Pieces) != 2 {
		t.Errorf("it was shown %+v", g)
	}
}

func TestConversationIsHeldAsItsWaySays(t *testing.T) {
	t.Parallel()
	asks := []ask{{Question: "q1", Model: "m"}, {Question: "q2", Model: "m"}}
	created := says(200, `{"id":"conv_1","object":"conversation"}`)
	answered := says(200, wholeResponse)
	completed := says(200, `{"id":"chatcmpl-1","choices":[{"message":{"content":"one"},"finish_reason":"stop"}]}`)
	for w, acts := range map[way][]func(http.ResponseWriter){
		wayConversation: {created, answered},
		wayChain:        {answered},
		wayChat:         {created, completed},
	} {
		t.Run(w.String(), func(t *testing.T) {
			t.Parallel()
			s, _ := newStage(t, acts...)
			c := s.play(t.Context(), script{Way: w, Asks: asks})
			for _, turn := range c.Turns {
				if turn.End != endWhole {
					t.Fatalf("got %+v", turn)
				}
			}
			second := c.request(c.Turns[1], c.Turns[0].Response)
			var body map[string]any
			if err := json.Unmarshal(second.body, &body); err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprint(second.path, " ", body["conversation"], " ", body["previous_response_id"], " ", second.headers["X-Parley-Conversation"])
			want := map[way]string{
				wayConversation: "/v1/responses conv_1 <nil> ",
				wayChain:        "/v1/responses <nil> resp_1 ",
				wayChat:         "/v1/chat/completions <nil> <nil> conv_1",
			}[w]
			if got != want {
				t.Errorf("asked %s, want %s", got, want)
			}
		})
	}
}

func TestConversationThatCannotBeMadeLeavesItsTurnsUnanswered(t *testing.T) {
	t.Parallel()
	s, played := newStage(t, says(401, `{"error":{"code":"invalid_api_key","message":"m"}}`))
	c := s.play(t.Context(), script{Way: wayChat, Asks: []ask{{Question: "q1"}, {Question: "q2"}}})
	if len(played.keys) != 1 || c.Turns[1].End != endUnknown || !strings.Contains(c.Turns[1].Problem, "invalid_api_key") {
		t.Errorf("asked %d times; %+v", len(played.keys), c.Turns[1])
	}
}

func TestNobodyAsksWhileTheServerIsDown(t *testing.T) {
	t.Parallel()
	s, played := newStage(t, says(200, wholeResponse))
	s.server.up = make(chan struct{})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	c := s.play(ctx, script{Way: wayChain, Asks: []ask{{Question: "q"}}})
	if len(played.keys) != 0 || c.Turns[0].End != endUnknown {
		t.Errorf("asked %d times: %+v", len(played.keys), c.Turns[0])
	}
}

func TestKillsAreSpreadAndTheLastMeetsTheLastTurns(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kills, turns, concurrency int
		want                      []int
	}{
		{0, 100, 8, nil},
		{1, 100, 8, []int{96}},
		{2, 3080, 64, []int{1540, 3048}},
		{4, 100, 8, []int{25, 50, 75, 96}},
		{2, 3, 64, []int{1, 1}},
	} {
		if got := killsAt(test.kills, test.turns, test.concurrency); !slices.Equal(got, test.want) {
			t.Errorf("%+v: %v", test, got)
		}
	}
}

// The verdict on a reply rests on knowing what the upstream says.
func TestExpectedReplyIsWhatTheUpstreamSays(t *testing.T) {
	t.Parallel()
	upstream := fake.ForTest(t, fake.Config{})
	for name, history := range map[string][]line{
		"to a conversation":         said("What is a mutex?", "A lock.", "And a «channel»? 🧵"),
		"to a question asked twice": {{Role: "user", Text: "Why?"}, {Role: "user", Text: "Why?"}},
		"to a very long question":   said(strings.Repeat("why ", 2*replyWords)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := make([]chatMessage, len(history))
			for i, l := range history {
				asked[i] = chatMessage{l.Role, l.Text}
			}
			body, err := json.Marshal(map[string]any{"model": models[0], "messages": asked, "stream": true})
			if err != nil {
				t.Fatal(err)
			}
			s, _ := newStage(t, says(200, ""))
			s.client.base = "http://" + upstream.Address()
			got, err := s.try(t.Context(), &request{path: "/v1/chat/completions", body: body}, (*reply).readCompletionStream)
			if err != nil {
				t.Fatal(err)
			}
			if want := upstreamReply(models[0], history); got.text != want || len(got.pieces) != replyWords {
				t.Errorf("it said %q in %d pieces, want %q", got.text, len(got.pieces), want)
			}
			if other := upstreamReply(models[0], append(said("x", "y"), history...)); other == got.text {
				t.Error("the reply does not depend on the history")
			}
		})
	}
}

func TestBothUpstreamsHashAHistoryAlike(t *testing.T) {
	t.Parallel()
	twice := []line{{Role: "user", Text: "Why?"}, {Role: "user", Text: "Why?"}}
	hash := func(model string) string { return strings.Fields(upstreamReply(model, twice))[0] }
	if hash(models[0]) != hash(models[1]) {
		t.Errorf("%s and %s", hash(models[0]), hash(models[1]))
	}
}
