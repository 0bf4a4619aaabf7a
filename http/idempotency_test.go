package http_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/parley/messages"
)

// counting counts the turns.
func counting(turns conversations) (conversations, *atomic.Int64) {
	n := new(atomic.Int64)
	return func(m *messages.StartTurn) error {
		n.Add(1)
		return turns(m)
	}, n
}

const keyHeader = "Idempotency-Key"

func TestAReplyIsRepeatedUnderItsKey(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]struct{ path, body string }{
		"a chat completion":          {"/v1/chat/completions", question},
		"a chat completion's stream": {"/v1/chat/completions", streamed(question)},
		"a response":                 {"/v1/responses", `{"model":"demo","input":"hi"}`},
		"a response's stream":        {"/v1/responses", `{"model":"demo","input":"hi","stream":true}`},
		"a conversation":             {"/v1/conversations", `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			turns, asked := counting(says(hello()...))
			w := serve(t, turns)
			first := w.do("POST", request.path, request.body, keyHeader, "k1")
			again := w.do("POST", request.path, request.body, keyHeader, "k1")
			if first.status != http.StatusOK || again.status != first.status || again.body != first.body {
				t.Errorf("first %d %s\nagain %d %s", first.status, first.body, again.status, again.body)
			}
			if again.header.Get("Content-Type") != first.header.Get("Content-Type") {
				t.Errorf("content type %q, then %q", first.header.Get("Content-Type"), again.header.Get("Content-Type"))
			}
			if first.header.Get("Idempotent-Replayed") != "" || again.header.Get("Idempotent-Replayed") != "true" {
				t.Errorf("replayed: %q, then %q", first.header.Get("Idempotent-Replayed"), again.header.Get("Idempotent-Replayed"))
			}
			if n := asked.Load(); n > 1 {
				t.Errorf("%d turns ran", n)
			}
			w.do("POST", request.path, request.body, keyHeader, "k1", "Authorization", "Bearer "+otherKey)
			if !strings.HasPrefix(request.path, "/v1/conv") && asked.Load() != 2 {
				t.Error("another tenant's key of the same name is not its own")
			}
		})
	}
}

func TestAKeyIsRefused(t *testing.T) {
	t.Parallel()
	turns, begun, _ := holding(opened())
	w := serve(t, turns)
	w.stream(streamed(question), keyHeader, "running")
	<-begun
	for name, test := range map[string]struct {
		key, body string
		status    int
		code      string
	}{
		"with another body":          {"running", streamed(strings.Replace(question, "canary", "other", 1)), 422, "idempotency_key_reused"},
		"while the first still runs": {"running", streamed(question), 409, "idempotency_key_in_use"},
		"that is too long":           {strings.Repeat("k", 256), question, 400, "invalid_request"},
		"with blanks":                {"a b", question, 400, "invalid_request"},
	} {
		got := w.do("POST", "/v1/chat/completions", test.body, keyHeader, test.key)
		if got.status != test.status || got.errorOf(t).Code != test.code {
			t.Errorf("%s: status %d: %s", name, got.status, got.body)
		}
		if test.status == http.StatusConflict && (got.header.Get("Retry-After") != "1" || got.header.Get("X-Should-Retry") != "true") {
			t.Errorf("%s: no advice in %v", name, got.header)
		}
	}
}

func TestARequestThatFailsFreesItsKey(t *testing.T) {
	t.Parallel()
	failure := &messages.Failure{Code: messages.CodeProviderFailed, What: "it failed", Do: "again"}
	for name, test := range map[string]struct {
		turns conversations
		body  string
	}{
		"refused":             {func(m *messages.StartTurn) error { m.Refuse(failure); return nil }, question},
		"failed":              {says(opened(), text("a"), brokenBy(failure)), question},
		"panicked":            {func(*messages.StartTurn) error { panic("boom") }, question},
		"a stream broken off": {says(opened(), text("a"), brokenBy(failure)), streamed(question)},
		"not well-formed":     {says(hello()...), `{`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := serve(t, test.turns)
			w.do("POST", "/v1/chat/completions", test.body, keyHeader, "k1")
			eventually(t, "the key is free", func() bool { return !w.claims.has() })
		})
	}
}

// A key that could not be settled, since the store was away when its request ended,
// is settled once it is back.
func TestAKeyIsSettledWhenTheStoreIsBack(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		chunks []messages.Chunk
		first  int
		again  string // of whom the header tells
	}{
		"a reply is repeated":                 {hello(), 200, "true"},
		"a request that failed is free again": {[]messages.Chunk{brokenBy(&messages.Failure{Code: messages.CodeProviderFailed, What: "broken"})}, 502, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := serve(t, says(tt.chunks...))
			w.claims.goAway(true)
			if first := w.do("POST", "/v1/chat/completions", question, keyHeader, "k1"); first.status != tt.first {
				t.Fatalf("first %d: %s", first.status, first.body)
			}
			if early := w.do("POST", "/v1/chat/completions", question, keyHeader, "k1"); early.status != http.StatusConflict {
				t.Errorf("while the store is away: %d %s", early.status, early.body)
			}
			w.claims.goAway(false)
			again := reply{status: http.StatusConflict}
			for deadline := time.Now().Add(10 * time.Second); again.status == http.StatusConflict && time.Now().Before(deadline); {
				again = w.do("POST", "/v1/chat/completions", question, keyHeader, "k1")
			}
			if again.status != tt.first || again.header.Get("Idempotent-Replayed") != tt.again {
				t.Errorf("again %d, replayed %q: %s", again.status, again.header.Get("Idempotent-Replayed"), again.body)
			}
		})
	}
}

// A store that breaks off in the middle may have given the key to a request that never
// heard of it: a new one, or that of a request that died.
func TestAKeyThatNobodyHeardOfIsFreeAgain(t *testing.T) {
	t.Parallel()
	for name, died := range map[string]bool{"a new one": false, "of a request that died": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			turns, asked := counting(says(hello()...))
			w := serve(t, turns)
			if died {
				w.do("POST", "/v1/chat/completions", question, keyHeader, "k1")
				w.claims.die(w.claims.holder())
			}
			before := asked.Load()
			w.claims.loseAnswers(true)
			if lost := w.do("POST", "/v1/chat/completions", question, keyHeader, "k1"); lost.status < 500 || asked.Load() != before {
				t.Fatalf("%d %s, %d turns", lost.status, lost.body, asked.Load())
			}
			w.claims.loseAnswers(false)
			eventually(t, "the key is free", func() bool { return !w.claims.has() })
			if again := w.do("POST", "/v1/chat/completions", question, keyHeader, "k1"); again.status != http.StatusOK || asked.Load() != before+1 {
				t.Errorf("%d %s, %d turns", again.status, again.body, asked.Load())
			}
		})
	}
}

func TestAClientThatLeavesAStreamFreesItsKey(t *testing.T) {
	t.Parallel()
	turns, begun, left := holding(opened(), text("a"))
	w := serve(t, turns)
	resp := w.open("POST", "/v1/chat/completions", streamed(question), keyHeader, "k1")
	<-begun
	_ = resp.Body.Close()
	<-left
	eventually(t, "the key is free", func() bool { return !w.claims.has() })
}

func TestATurnThatGoesOnWithoutItsClientKeepsItsKey(t *testing.T) {
	t.Parallel()
	whole := strings.Replace(question, "{", `{"store":true,`, 1)
	for name, body := range map[string]string{"a stream": streamed(whole), "an answer in one piece": whole} {
		for fate, test := range map[string]struct {
			ended  messages.TurnStatus
			status int
			holds  bool
		}{
			"and nobody starts another while it runs":    {messages.TurnRunning, 409, true},
			"and answers whoever comes back when it has": {messages.TurnComplete, 200, true},
			"until it is known to have come to nothing":  {messages.TurnFailed, 409, false},
		} {
			t.Run(name+" "+fate, func(t *testing.T) {
				t.Parallel()
				held, begun, left := holding(opened(), text("a"))
				var asked atomic.Int64
				w := serve(t, func(m *messages.StartTurn) error {
					if asked.Add(1) == 1 {
						return held(m)
					}
					return says(hello()...)(m)
				})
				conn := w.dial(body, keyHeader+": k1")
				record := keptTurn(test.ended)
				record.ID = (<-begun).Spec.ID
				_ = conn.Close()
				<-left
				eventually(t, "the first request is over", func() bool { return strings.Contains(w.scrape(), "_duration_seconds_count") })
				w.library.put(record, keptItems()...)
				again := w.do("POST", "/v1/chat/completions", body, keyHeader, "k1")
				if again.status != test.status || asked.Load() != 1 || w.claims.has() != test.holds {
					t.Errorf("got %d %s; %d turns, key held: %t", again.status, again.body, asked.Load(), w.claims.has())
				}
				if test.status == 200 && !strings.Contains(again.body, "kept answer") {
					t.Errorf("got %s", again.body)
				}
			})
		}
	}
}

// A turn whose client left while it waited for its place may begin all the same.
func TestAKeyIsFreeOnceItsTurnIsKnownNotToBegin(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		started messages.TurnStarted
		holds   bool
	}{
		"refused":  {messages.TurnStarted{Err: &messages.Failure{Code: messages.CodeCancelled, What: "its client left"}}, false},
		"accepted": {messages.TurnStarted{Conversation: "conv_1"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			waiting := make(chan *messages.StartTurn, 1)
			w := serve(t, func(m *messages.StartTurn) error { waiting <- m; return nil })
			conn := w.dial(strings.Replace(question, "{", `{"store":true,`, 1), keyHeader+": k1")
			m := <-waiting
			_ = conn.Close()
			<-m.Client.Done()
			if !w.claims.has() {
				t.Error("the key was free while the turn might still begin")
			}
			m.Answer(test.started)
			eventually(t, "the request is over", func() bool { return strings.Contains(w.scrape(), `status="499"} 1`) })
			if w.claims.has() != test.holds {
				t.Errorf("the key is held: %t", w.claims.has())
			}
		})
	}
}

// A node that cannot be reached any more may have carried out what it was asked all the
// same. Who comes with the key again is answered with that.
func TestATurnThatWasLostSightOfIsNotBegunAgain(t *testing.T) {
	t.Parallel()
	waiting := make(chan *messages.StartTurn, 1)
	turns, asked := counting(func(m *messages.StartTurn) error {
		select {
		case waiting <- m:
			return nil
		default:
			return says(hello()...)(m)
		}
	})
	w := serve(t, turns)
	body := strings.Replace(question, "{", `{"store":true,`, 1)
	conn := w.dial(body, keyHeader+": k1")
	eventually(t, "the turn waits", func() bool { return len(waiting) == 1 })
	m := <-waiting
	waiting <- m
	_ = conn.Close()
	<-m.Client.Done()
	m.Answer(messages.TurnStarted{Err: &messages.Failure{Code: messages.CodeRestarted, What: "the node is gone"}})
	eventually(t, "the request is over", func() bool { return strings.Contains(w.scrape(), `status="499"} 1`) })
	record := keptTurn(messages.TurnComplete)
	record.ID = m.Spec.ID
	w.library.put(record, keptItems()...)
	again := w.do("POST", "/v1/chat/completions", body, keyHeader, "k1")
	if again.status != http.StatusOK || !strings.Contains(again.body, "kept answer") || asked.Load() != 1 {
		t.Errorf("%d turns, then %d %s", asked.Load(), again.status, again.body)
	}
}

// keptTurn is a turn that an earlier process kept.
func keptTurn(status messages.TurnStatus) messages.TurnRecord {
	return messages.TurnRecord{
		ID: messages.TurnID{1, 2, 3}, Ref: messages.ConversationRef{Tenant: "acme", Conversation: "conv_kept"}, Private: true,
		Status: status, Model: "demo", Served: messages.Served{Provider: "demo", Model: "demo-1"}, FirstSeq: 1, Inputs: 1, Outputs: 3,
		Finish: messages.FinishStop, Usage: messages.Usage{Input: 3, Output: 2}, Created: time.Unix(1000, 0), Ended: time.Unix(1001, 0),
	}
}

func keptItems() []messages.Item {
	return []messages.Item{
		messages.TextMessage(messages.RoleUser, "canary-prompt"),
		{Kind: messages.ItemReasoning, Parts: []messages.Part{messages.TextPart("hm")}},
		messages.TextMessage(messages.RoleAssistant, "kept answer"),
		{Kind: messages.ItemToolCall, CallID: "call_1", Name: "look", Args: "{}"},
	}
}

func TestAReplyThatDiedWithItsProcessIsRebuilt(t *testing.T) {
	t.Parallel()
	chat := strings.Replace(question, "{", `{"store":true,`, 1)
	for name, test := range map[string]struct {
		path, body string
		want       []string
	}{
		"a chat completion":          {"/v1/chat/completions", chat, []string{`"content":"kept answer"`, `"chatcmpl-010203`, `"total_tokens":5`, `"name":"look"`}},
		"a chat completion's stream": {"/v1/chat/completions", streamed(chat), []string{`"content":"kept answer"`, `"chatcmpl-010203`, "data: [DONE]"}},
		"a response":                 {"/v1/responses", `{"model":"demo","input":"hi"}`, []string{`"kept answer"`, `"resp_010203`, `"completed_at":1001`}},
		"a response's stream":        {"/v1/responses", `{"model":"demo","input":"hi","stream":true}`, []string{`"kept answer"`, "event: response.completed"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			turns, asked := counting(says(hello()...))
			w := serve(t, turns)
			w.do("POST", test.path, test.body, keyHeader, "k1") // to be forgotten:
			w.claims.die(keptTurn("").ID)
			w.library.put(keptTurn(messages.TurnComplete), keptItems()...)
			again := w.do("POST", test.path, test.body, keyHeader, "k1")
			for _, want := range test.want {
				if !strings.Contains(again.body, want) {
					t.Errorf("%s is not in %d %s", want, again.status, again.body)
				}
			}
			if asked.Load() != 1 {
				t.Errorf("%d turns ran", asked.Load())
			}
			if third := w.do("POST", test.path, test.body, keyHeader, "k1"); third.body != again.body {
				t.Errorf("the rebuilt reply was not kept: %s", third.body)
			}
		})
	}
}

func TestATurnThatDidNotEndWellRunsAnew(t *testing.T) {
	t.Parallel()
	restarted := keptTurn(messages.TurnPartial)
	restarted.Reason = messages.ReasonServerRestart
	for name, record := range map[string]messages.TurnRecord{
		"cut by the restart": restarted, "failed": keptTurn(messages.TurnFailed), "cancelled": keptTurn(messages.TurnCancelled),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			turns, asked := counting(says(hello()...))
			w := serve(t, turns)
			w.do("POST", "/v1/chat/completions", question, keyHeader, "k1")
			w.claims.die(record.ID)
			w.library.put(record, keptItems()...)
			again := w.do("POST", "/v1/chat/completions", question, keyHeader, "k1")
			if !strings.Contains(again.body, `"Hello"`) || asked.Load() != 2 {
				t.Errorf("%d turns: %s", asked.Load(), again.body)
			}
			if holder := w.claims.holder().String(); holder != again.header.Get("X-Request-Id") {
				t.Errorf("the key is held by %s: who comes next would look at what came to nothing", holder)
			}
		})
	}
}

// A try that finds the store away leaves the key as it found it: the next one is not
// told for minutes that the first still runs.
func TestAKeyThatCouldNotBeTakenUpIsTheNextTrys(t *testing.T) {
	t.Parallel()
	restarted := keptTurn(messages.TurnPartial)
	restarted.Reason = messages.ReasonServerRestart
	turns, asked := counting(says(hello()...))
	w := serve(t, turns)
	w.do("POST", "/v1/chat/completions", question, keyHeader, "k1")
	w.claims.die(restarted.ID)
	w.claims.dead, w.claims.lapsed["acme/k1"] = false, true
	w.library.put(restarted, keptItems()...)
	w.library.fail(&messages.Failure{Code: messages.CodeStoreUnavailable, What: "the store is away", Do: "wait"})
	if again := w.do("POST", "/v1/chat/completions", question, keyHeader, "k1"); again.status != http.StatusServiceUnavailable {
		t.Errorf("while the store is away: %d %s", again.status, again.body)
	}
	w.library.fail(nil)
	if again := w.do("POST", "/v1/chat/completions", question, keyHeader, "k1"); again.status != http.StatusOK || asked.Load() != 2 {
		t.Errorf("%d turns, then %d %s", asked.Load(), again.status, again.body)
	}
}

func TestAConversationIsCreatedOnceUnderItsKey(t *testing.T) {
	t.Parallel()
	w := serve(t, says())
	first := w.do("POST", "/v1/conversations", "{}", keyHeader, "k1")
	id, _ := messages.ParseTurnID(first.header.Get("X-Request-Id"))
	w.claims.die(id)
	if again := w.do("POST", "/v1/conversations", "{}", keyHeader, "k1"); again.body != first.body {
		t.Errorf("first %s, again %s", first.body, again.body)
	}
}

func TestALongStreamIsRebuiltFromTheStoreOrForgotten(t *testing.T) {
	t.Parallel()
	long := []messages.Chunk{opened(), text(strings.Repeat("x", 1<<20)), text("y"), finish(), end()}
	for name, test := range map[string]struct {
		body string
		kept bool
	}{
		"kept":     {strings.Replace(question, "{", `{"store":true,"stream":true,`, 1), true},
		"not kept": {streamed(question), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := serve(t, says(long...))
			first := w.do("POST", "/v1/chat/completions", test.body, keyHeader, "k1")
			if w.claims.has() != test.kept {
				t.Fatalf("the key is held: %t", !test.kept)
			}
			if !test.kept {
				return
			}
			record := keptTurn(messages.TurnComplete)
			record.ID, _ = messages.ParseTurnID(first.header.Get("X-Request-Id"))
			w.library.put(record, keptItems()...)
			if again := w.do("POST", "/v1/chat/completions", test.body, keyHeader, "k1"); !strings.Contains(again.body, "kept answer") {
				t.Errorf("it was not rebuilt: %d %.200s", again.status, again.body)
			}
		})
	}
}
