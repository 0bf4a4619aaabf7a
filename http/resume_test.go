package http_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	parleyhttp "example.com/parley/http"
	"example.com/parley/messages"
)

const keptPath = "/v1/responses/resp_01020300000000000000000000000000"

// event is one of a response's stream.
type event struct {
	Type          string
	Sequence      int64  `json:"sequence_number"`
	Delta         string `json:"delta"`
	Code          string
	Message       string
	ResponseID    string `json:"response_id"`
	StartingAfter int64  `json:"starting_after"`
	Response      struct{ Status string }
}

// nextEvent reads one event; false at the end of the stream.
func nextEvent(t *testing.T, r *bufio.Reader) (e event, came bool) {
	t.Helper()
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return e, false
		}
		if data, is := strings.CutPrefix(line, "data: "); is {
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				t.Fatalf("%v: %s", err, data)
			}
			return e, true
		}
	}
}

func eventsOf(t *testing.T, body string) (events []event) {
	t.Helper()
	r := bufio.NewReader(strings.NewReader(body))
	for e, came := nextEvent(t, r); came; e, came = nextEvent(t, r) {
		events = append(events, e)
	}
	return events
}

// types are those of events, with the deltas' texts.
func types(events []event) string {
	names := make([]string, len(events))
	for i, e := range events {
		names[i] = strings.TrimPrefix(e.Type, "response.")
		if e.Delta != "" {
			names[i] += " " + e.Delta
		}
	}
	return strings.Join(names, ", ")
}

func TestAStoredResponseIsStreamedFromAnyEvent(t *testing.T) {
	t.Parallel()
	w := serve(t, says())
	w.library.put(keptTurn(messages.TurnComplete), keptItems()...)
	whole := w.do("GET", keptPath+"?stream=true", "")
	if whole.status != http.StatusOK || whole.header.Get("Content-Type") != "text/event-stream" || whole.header.Get("X-Parley-Conversation") != "conv_kept" {
		t.Fatalf("%d %v", whole.status, whole.header)
	}
	all := eventsOf(t, whole.body)
	if first, last := all[0], all[len(all)-1]; first.Type != "response.created" || last.Type != "response.completed" || first.Sequence != 0 {
		t.Fatalf("got %s", types(all))
	}
	if again := w.do("GET", strings.Replace(keptPath, "resp_", "chatcmpl-", 1)+"?stream=true", ""); again.body != whole.body {
		t.Errorf("by the chat completion's name: %s", again.body)
	}
	for i, e := range all {
		rest := w.do("GET", keptPath+"?stream=true&starting_after="+strconv.FormatInt(e.Sequence, 10), "")
		if got, want := types(eventsOf(t, rest.body)), types(all[i+1:]); rest.status != http.StatusOK || got != want {
			t.Errorf("behind %d: %d %s, want %s", e.Sequence, rest.status, got, want)
		}
	}
	if got := w.scrape(); !strings.Contains(got, `chatbot_resumes_total{source="store"} `+strconv.Itoa(len(all)+2)) {
		t.Error("resumes are not counted")
	}
}

func TestACursorThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	w := serve(t, says())
	w.library.put(keptTurn(messages.TurnComplete), keptItems()...)
	running := keptTurn(messages.TurnRunning)
	running.ID = messages.TurnID{9}
	turn := w.library.run(running, opened(), text("Hel"))
	for query, param := range map[string]string{
		"?stream=true&starting_after=-1":                          "starting_after",
		"?stream=true&starting_after=x":                           "starting_after",
		"?stream=true&starting_after=1.5":                         "starting_after",
		"?stream=true&starting_after=9223372036854775808":         "starting_after",
		"?stream=true&starting_after=9223372036854775807":         "starting_after",
		"?stream=true&starting_after=1000":                        "starting_after",
		"?starting_after=1":                                       "starting_after",
		"?stream=yes":                                             "stream",
		"?stream=false&starting_after=1":                          "starting_after",
		"?stream=true&starting_after=%00":                         "starting_after",
		"?stream=true&starting_after=" + strings.Repeat("9", 200): "starting_after",
	} {
		for _, path := range []string{keptPath, "/v1/responses/resp_09000000000000000000000000000000"} {
			if got := w.do("GET", path+query, ""); got.status != http.StatusBadRequest || got.errorOf(t).Param != param {
				t.Errorf("%s%s: %d %s", path, query, got.status, got.body)
			}
		}
	}
	if n := turn.watching(); n != 0 {
		t.Errorf("%d of those that were refused look on", n)
	}
	if got := w.do("GET", keptPath+"?stream=true", "", "Authorization", "Bearer "+otherKey); got.status != http.StatusNotFound {
		t.Errorf("another tenant's: %d %s", got.status, got.body)
	}
}

func TestACursorBehindWhatARestartLeftGetsTheEnd(t *testing.T) {
	t.Parallel()
	w := serve(t, says())
	record := keptTurn(messages.TurnPartial)
	record.Reason = messages.ReasonServerRestart
	w.library.put(record, keptItems()[:3]...)
	all := eventsOf(t, w.do("GET", keptPath+"?stream=true", "").body)
	end := all[len(all)-1]
	for _, after := range []int64{end.Sequence, end.Sequence + 1, 1 << 40} {
		got := eventsOf(t, w.do("GET", keptPath+"?stream=true&starting_after="+strconv.FormatInt(after, 10), "").body)
		if len(got) != 1 || got[0].Type != "response.incomplete" || got[0].Sequence != end.Sequence {
			t.Errorf("behind %d: %+v, want the end with number %d", after, got, end.Sequence)
		}
	}
	if got := w.scrape(); !strings.Contains(got, `chatbot_resumes_total{source="restart"} 2`) {
		t.Error("what a restart lost is not counted")
	}
}

func TestATurnWhoseEndNobodyWroteIsReadAsCutByARestart(t *testing.T) {
	t.Parallel()
	w := serve(t, says())
	w.library.put(keptTurn(messages.TurnRunning), keptItems()[:3]...)
	for path, want := range map[string]string{keptPath: `"reason":"server_restart"`, keptPath + "?stream=true": "event: response.incomplete"} {
		if got := w.do("GET", path, ""); got.status != http.StatusOK || !strings.Contains(got.body, want) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

func TestManyFollowATurnThatRuns(t *testing.T) {
	t.Parallel()
	w := serve(t, says())
	turn := w.library.run(keptTurn(messages.TurnRunning), opened(), text("Hel"))
	fromStart := w.open("GET", keptPath+"?stream=true", "")
	behindFour := w.open("GET", keptPath+"?stream=true&starting_after=5", "") // "He" is 4 and 5
	defer func() { _, _ = fromStart.Body.Close(), behindFour.Body.Close() }()
	a, b := bufio.NewReader(fromStart.Body), bufio.NewReader(behindFour.Body)
	for _, want := range []string{"response.created", "response.in_progress", "response.output_item.added", "response.content_part.added", "response.output_text.delta"} {
		if e, _ := nextEvent(t, a); e.Type != want {
			t.Errorf("got %+v, want %s", e, want)
		}
	}
	if e, _ := nextEvent(t, b); e.Delta != "l" || e.Sequence != 6 {
		t.Errorf("got %+v, want what is behind the cursor", e)
	}
	if got := w.do("GET", keptPath, ""); !strings.Contains(got.body, `"status":"in_progress"`) || !strings.Contains(got.body, `"text":"Hel"`) {
		t.Errorf("in one piece: %s", got.body)
	}
	if n := turn.watching(); n != 2 {
		t.Errorf("%d look on, want 2", n)
	}
	turn.say(text("lo"))
	for _, r := range []*bufio.Reader{a, b} {
		if e, _ := nextEvent(t, r); e.Delta != "lo" || e.Sequence != 8 {
			t.Errorf("got %+v", e)
		}
	}
	_ = fromStart.Body.Close()
	eventually(t, "who left looks on no more", func() bool { return turn.watching() == 1 })
	turn.say(finish(), usage(7, 5), end())
	var last event
	for e, came := nextEvent(t, b); came; e, came = nextEvent(t, b) {
		last = e
	}
	if last.Type != "response.completed" || last.Response.Status != "completed" {
		t.Errorf("the last is %+v", last)
	}
	eventually(t, "nobody looks on", func() bool { return turn.watching() == 0 })
}

func TestADrainCutsAStreamWithAHintToResume(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		begin func(w *world) *http.Response
		event string
		hint  string
	}{
		"that is looked at": {func(w *world) *http.Response {
			w.library.run(keptTurn(messages.TurnRunning), opened(), text("Hel"))
			return w.open("GET", keptPath+"?stream=true", "")
		}, "shutting_down", "GET /v1/responses/resp_01020300000000000000000000000000?stream=true&starting_after=6"},
		"that it began": {func(w *world) *http.Response {
			return w.open("POST", "/v1/responses", `{"model":"demo","input":"hi","stream":true}`)
		}, "shutting_down", "?stream=true&starting_after=6"},
		"that is kept nowhere": {func(w *world) *http.Response {
			return w.open("POST", "/v1/responses", `{"model":"demo","input":"hi","stream":true,"store":false}`)
		}, "shutting_down", "send the request again"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			turns, _, _ := holding(opened(), text("Hel"))
			w := serve(t, turns, configured(hurried))
			resp := test.begin(w)
			defer func() { _ = resp.Body.Close() }()
			r := bufio.NewReader(resp.Body)
			var seen []event
			for len(seen) < 5 {
				e, came := nextEvent(t, r)
				if !came {
					t.Fatal("it ended early")
				}
				seen = append(seen, e)
			}
			w.stop()
			e, _ := nextEvent(t, r)
			if e.Type != "error" || e.Code != test.event || !strings.Contains(e.Message, test.hint) || e.Sequence != seen[4].Sequence {
				t.Errorf("cut with %+v behind number %d", e, seen[4].Sequence)
			}
			if kept := name != "that is kept nowhere"; kept != strings.HasPrefix(e.ResponseID, "resp_") || kept && e.StartingAfter != 6 {
				t.Errorf("the hint is %+v", e)
			}
			if _, more := nextEvent(t, r); more {
				t.Error("there is more behind the error")
			}
		})
	}
}

// hurried has a drain wait for nobody.
func hurried(c *parleyhttp.Config) { c.DrainTimeout = 10 * time.Millisecond }

func TestADrainCutsAChatCompletionWithItsName(t *testing.T) {
	t.Parallel()
	turns, _, _ := holding(opened(), text("Hel"))
	w := serve(t, turns, configured(hurried))
	r := w.stream(strings.Replace(question, "{", `{"stream":true,"store":true,`, 1))
	if line, _ := r.ReadString('\n'); !strings.Contains(line, "Hel") {
		t.Fatal(line)
	}
	w.stop()
	_, _ = r.ReadString('\n')
	line, _ := r.ReadString('\n')
	if !strings.Contains(line, `"code":"shutting_down"`) || !strings.Contains(line, "GET /v1/responses/chatcmpl-") || !strings.Contains(line, `"response_id":"resp_`) {
		t.Errorf("cut with %s", line)
	}
}

func TestASlowClientIsToldToReadTheRest(t *testing.T) {
	t.Parallel()
	w := serve(t, func(m *messages.StartTurn) error {
		go func() {
			m.Answer(messages.TurnStarted{Conversation: m.Spec.Conversation})
			m.Show(opened())
			m.Show(text("Hel"))
			m.CloseChunks() // as a turn does that others look at
		}()
		return nil
	})
	events := eventsOf(t, w.do("POST", "/v1/responses", `{"model":"demo","input":"hi","stream":true}`).body)
	if last := events[len(events)-1]; last.Code != "slow_reader" || last.StartingAfter != 6 || !strings.HasPrefix(last.ResponseID, "resp_") {
		t.Errorf("it ends with %+v", last)
	}
	if !strings.Contains(w.scrape(), "chatbot_slow_readers_total 1") {
		t.Error("it is not counted")
	}
}

func TestAResponseIsMadeInTheBackground(t *testing.T) {
	t.Parallel()
	started := make(chan *messages.StartTurn, 1)
	w := serve(t, func(m *messages.StartTurn) error {
		m.Answer(messages.TurnStarted{Conversation: m.Spec.Conversation})
		started <- m
		return nil
	})
	got := w.do("POST", "/v1/responses", `{"model":"demo","input":"hi","background":true}`)
	m := <-started
	if got.status != http.StatusOK || !strings.Contains(got.body, `"status":"in_progress"`) || !strings.Contains(got.body, `"background":true`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	if !m.Spec.Background || m.Chunks != nil {
		t.Errorf("the turn is %+v", m.Spec)
	}
	for body, param := range map[string]string{
		`{"model":"demo","input":"hi","background":true,"store":false}`:           "background",
		`{"model":"demo","input":"hi","background":1}`:                            "background",
		`{"model":"demo","input":"hi","background":true,"conversation":"conv_x"}`: "conversation",
	} {
		if got := w.do("POST", "/v1/responses", body); got.status < 400 || got.errorOf(t).Param != param {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
}

func TestAResponseIsStreamedFromTheBackground(t *testing.T) {
	t.Parallel()
	turns := make(chan *liveTurn, 1)
	var w *world
	w = serve(t, func(m *messages.StartTurn) error {
		record := keptTurn(messages.TurnRunning)
		record.ID, record.Background = m.Spec.ID, true
		turns <- w.library.run(record, opened(), text("Hel"))
		m.Answer(messages.TurnStarted{Conversation: m.Spec.Conversation})
		return nil
	})
	resp := w.open("POST", "/v1/responses", `{"model":"demo","input":"hi","background":true,"stream":true}`)
	defer func() { _ = resp.Body.Close() }()
	turn := <-turns
	turn.say(text("lo"), finish(), usage(3, 2), end())
	r := bufio.NewReader(resp.Body)
	var last event
	for e, came := nextEvent(t, r); came; e, came = nextEvent(t, r) {
		last = e
	}
	if last.Type != "response.completed" {
		t.Errorf("the last is %+v", last)
	}
	if strings.Contains(w.scrape(), `chatbot_resumes_total{source="turn"} 1`) {
		t.Error("who asks first is counted as one who resumes")
	}
}

func TestAResponseIsCancelled(t *testing.T) {
	t.Parallel()
	w := serve(t, says())
	turn := w.library.run(keptTurn(messages.TurnRunning), opened(), text("Hel"))
	resp := w.open("GET", keptPath+"?stream=true", "")
	defer func() { _ = resp.Body.Close() }()
	eventually(t, "somebody looks on", func() bool { return turn.watching() == 1 })
	for range 2 { // it may be repeated
		got := w.do("POST", keptPath+"/cancel", "")
		if got.status != http.StatusOK || !strings.Contains(got.body, `"status":"cancelled"`) || !strings.Contains(got.body, `"text":"Hel"`) {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
	r := bufio.NewReader(resp.Body)
	var last event
	for e, came := nextEvent(t, r); came; e, came = nextEvent(t, r) {
		last = e
	}
	if last.Type != "response.incomplete" || last.Response.Status != "cancelled" {
		t.Errorf("who looks on reads %+v", last)
	}
	for path, want := range map[string]int{keptPath + "/cancel": http.StatusNotFound, "/v1/responses/resp_x/cancel": http.StatusNotFound} {
		if got := w.do("POST", path, "", "Authorization", "Bearer "+otherKey); got.status != want {
			t.Errorf("%s by another tenant: %d %s", path, got.status, got.body)
		}
	}
}

func TestATurnThatHasEndedIsNotCancelled(t *testing.T) {
	t.Parallel()
	w := serve(t, says())
	w.library.put(keptTurn(messages.TurnComplete), keptItems()...)
	if got := w.do("POST", keptPath+"/cancel", ""); got.status != http.StatusOK || !strings.Contains(got.body, `"status":"completed"`) {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestARetryUnderAKeyJoinsTheTurnThatRuns(t *testing.T) {
	t.Parallel()
	chat := strings.Replace(question, "{", `{"store":true,`, 1)
	for name, test := range map[string]struct{ path, body, want string }{
		"a chat completion's stream": {"/v1/chat/completions", streamed(chat), "data: [DONE]"},
		"a chat completion":          {"/v1/chat/completions", chat, `"content":"Hello"`},
		"a response's stream":        {"/v1/responses", `{"model":"demo","input":"hi","stream":true}`, "event: response.completed"},
		"a response":                 {"/v1/responses", `{"model":"demo","input":"hi"}`, `"text":"Hello"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			turns, begun, _ := holding(opened(), text("Hel"))
			counted, asked := counting(turns)
			w := serve(t, counted)
			conn := w.dialTo(test.path, test.body, keyHeader+": k1")
			defer func() { _ = conn.Close() }()
			record := keptTurn(messages.TurnRunning)
			record.ID = (<-begun).Spec.ID
			turn := w.library.run(record, opened(), text("Hel"))
			answers := make(chan reply, 1)
			go func() { answers <- w.do("POST", test.path, test.body, keyHeader, "k1") }()
			eventually(t, "the retry looks on", func() bool { return turn.watching() == 1 })
			turn.say(text("lo"), finish(), usage(3, 2), end())
			again := <-answers
			if again.status != http.StatusOK || !strings.Contains(again.body, test.want) || !strings.Contains(again.body, "Hel") {
				t.Errorf("%d %s", again.status, again.body)
			}
			if again.header.Get("Idempotent-Replayed") != "true" || asked.Load() != 1 {
				t.Errorf("%d turns; %v", asked.Load(), again.header)
			}
			if !w.claims.has() {
				t.Error("the key was taken from the first request")
			}
		})
	}
}

// Whoever looks on at a turn by way of a node that has lost sight of it is told to look
// anew, and not that the turn has ended: the next owner may go on with it.
func TestStreamThatLosesSightOfItsTurnIsToBeReadOn(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]bool{"while it is read": true, "before it is": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := serve(t, says())
			running := keptTurn(messages.TurnRunning)
			turn := w.library.run(running, opened(), text("Hel"))
			if late {
				time.AfterFunc(100*time.Millisecond, func() { turn.say(lost()) })
			} else {
				turn.say(lost())
			}
			got := eventsOf(t, w.do("GET", keptPath+"?stream=true", "").body)
			last := got[len(got)-1]
			if last.Type != "error" || last.Sequence != got[len(got)-2].Sequence {
				t.Fatalf("it ended with %+v behind %+v", last, got[len(got)-2])
			}
			for _, e := range got {
				if e.Type == "response.incomplete" || e.Type == "response.failed" {
					t.Errorf("it is said to have ended: %+v", e)
				}
			}
			if n := turn.watching(); n != 0 {
				t.Errorf("%d look on", n)
			}
		})
	}
}

// So is the client of a stream that comes by way of another node than its turn's: it was
// told once that its response was incomplete, which the store then had whole. Its key
// stays with the turn.
func TestStreamThatLosesSightOfItsOwnTurnIsToBeReadOn(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ path, body, hint string }{
		"a response":        {"/v1/responses", `{"model":"demo","input":"hi","stream":true}`, `"starting_after":6`},
		"a chat completion": {"/v1/chat/completions", strings.Replace(question, "{", `{"store":true,"stream":true,`, 1), `"response_id":"resp_`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			turns, asked := counting(says(opened(), text("Hel"), lost()))
			w := serve(t, turns)
			first := w.do("POST", tt.path, tt.body, keyHeader, "k1")
			if !strings.Contains(first.body, "conversation_restarted") || !strings.Contains(first.body, tt.hint) {
				t.Errorf("it is not said how to read on: %s", first.body)
			}
			for _, end := range []string{"response.incomplete", "response.failed", "response.completed", "[DONE]"} {
				if strings.Contains(first.body, end) {
					t.Errorf("it is said to have ended: %s", first.body)
				}
			}
			record := keptTurn(messages.TurnComplete)
			record.ID, _ = messages.ParseTurnID(first.header.Get("X-Request-Id"))
			w.library.put(record, keptItems()...)
			again := w.do("POST", tt.path, tt.body, keyHeader, "k1")
			if again.status != http.StatusOK || !strings.Contains(again.body, "kept answer") || asked.Load() != 1 {
				t.Errorf("%d turns, then %d %s", asked.Load(), again.status, again.body)
			}
		})
	}
}
