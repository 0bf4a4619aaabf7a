package http_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/parley/messages"
)

func TestAWebSocketHasTheEventsOfAStream(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...))
	streamed := w.do("POST", "/v1/responses", `{"model":"demo","input":"hi","stream":true}`)
	c := w.socket()
	c.say(`{"type":"response.create","model":"demo","input":"hi","stream_id":"lane.1"}`)
	got := c.until("response.completed")
	var want []string
	for line := range strings.Lines(streamed.body) {
		if data, found := strings.CutPrefix(line, "data: "); found {
			want = append(want, strings.TrimSpace(data))
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d messages, and %d events", len(got), len(want))
	}
	own := strings.TrimPrefix(got[0].Response.ID, "resp_")
	theirs := streamed.header.Get("X-Request-Id")
	for i, m := range got {
		if m.StreamID != "lane.1" {
			t.Errorf("message %d names lane %q", i, m.StreamID)
		}
		plain := strings.ReplaceAll(strings.Replace(m.raw, `,"stream_id":"lane.1"}`, "}", 1), own, theirs)
		if digits(plain) != digits(want[i]) {
			t.Errorf("message %d is\n%s, the event\n%s", i, plain, want[i])
		}
	}
}

// digits makes times alike.
func digits(s string) string {
	for _, name := range []string{`"created_at":`, `"completed_at":`} {
		before, behind, found := strings.Cut(s, name)
		if found {
			s = before + name + strings.TrimLeft(behind, "0123456789")
		}
	}
	return s
}

func TestALaneWithoutANameHasNone(t *testing.T) {
	t.Parallel()
	c := serve(t, says(hello()...)).socket()
	c.say(ask)
	for _, m := range c.until("response.completed") {
		if strings.Contains(m.raw, "stream_id") {
			t.Errorf("there is a name in %s", m.raw)
		}
	}
}

func TestATurnOverAWebSocketIsLikeThatOfARequest(t *testing.T) {
	t.Parallel()
	turns, specs := recording(hello()...)
	w := serve(t, turns)
	w.library.put(keptTurn(messages.TurnComplete), keptItems()...)
	c := w.socket("x-parley-priority", "interactive")
	for _, members := range []string{``, `,"store":false`, `,"conversation":"conv_kept"`, `,"previous_response_id":"resp_01020300000000000000000000000000"`} {
		c.say(`{"type":"response.create","model":"demo","input":"hi","instructions":"be brief"` + members + `}`)
		c.until("response.completed")
		over := <-specs
		if got := w.do("POST", "/v1/responses", `{"stream":true,"model":"demo","input":"hi","instructions":"be brief"`+members+`}`, "x-parley-priority", "interactive"); got.status != http.StatusOK {
			t.Fatalf("%s: status %d: %s", members, got.status, got.body)
		}
		by := <-specs
		if left := time.Until(over.Deadline); left < time.Minute {
			t.Errorf("%s: it has %s", members, left)
		}
		over.Deadline = by.Deadline
		if over.Create {
			over.Conversation = messages.NewConversationID(by.ID)
		}
		over.ID = by.ID
		if fmt.Sprintf("%+v", over) != fmt.Sprintf("%+v", by) {
			t.Errorf("%s: the turn is\n%+v, by a request\n%+v", members, over, by)
		}
	}
}

func TestWhatIsStoredNowhereCanBeContinued(t *testing.T) {
	t.Parallel()
	turns, specs := recording(hello()...)
	c := serve(t, turns).socket()
	c.say(`{"type":"response.create","model":"demo","input":"first","store":false}`)
	first := c.until("response.completed")
	<-specs
	previous := first[0].Response.ID
	for i, store := range []string{"false", "true"} {
		c.say(`{"type":"response.create","model":"demo","input":"second","store":` + store + `,"previous_response_id":"` + previous + `"}`)
		second := c.until("response.completed")
		if second[0].Response.PreviousResponseID != previous {
			t.Errorf("store %s: the response before it is %q", store, second[0].Response.PreviousResponseID)
		}
		spec := <-specs
		if len(spec.Input) != 3+2*i || spec.Input[0].Text() != "first" || spec.Input[1].Text() != "Hello" || spec.Input[2].Text() != "second" {
			t.Errorf("store %s: the input is %+v", store, spec.Input)
		}
		if spec.Keep != (store == "true") || spec.Create != spec.Keep {
			t.Errorf("store %s: kept %t, created %t", store, spec.Keep, spec.Create)
		}
		previous = second[0].Response.ID
	}
}

func TestAWarmUpGeneratesNothing(t *testing.T) {
	t.Parallel()
	turns, specs := recording(hello()...)
	c := serve(t, turns).socket()
	c.say(`{"type":"response.create","model":"demo","input":"prepare","generate":false}`)
	warm := c.until("response.completed")
	if len(warm) != 3 || len(specs) != 0 {
		t.Fatalf("%d messages, %d turns", len(warm), len(specs))
	}
	c.say(`{"type":"response.create","model":"demo","input":"go","store":false,"previous_response_id":"` + warm[0].Response.ID + `"}`)
	c.until("response.completed")
	if spec := <-specs; len(spec.Input) != 2 || spec.Input[0].Text() != "prepare" {
		t.Errorf("the input is %+v", spec.Input)
	}
}

func TestErrorsAreNestedAndNameTheirLane(t *testing.T) {
	t.Parallel()
	quota := &messages.Failure{Code: messages.CodeProviderQuota, What: "no money", Do: "pay"}
	w := serve(t, says(brokenBy(quota)))
	c := w.socket()
	const named = `,"stream_id":"a"`
	for text, want := range map[string]message{
		`{"type":"response.create","model":"demo","input":"hi"` + named + `}`:   {Status: 429, StreamID: "a"},
		`{"type":"response.create"` + named + `}`:                               {Status: 400, StreamID: "a"},
		`{"type":"response.create","model":"demo","input":"hi","stream_id":""}`: {Status: 400},
		`{"type":"bogus"` + named + `}`:                                         {Status: 400, StreamID: "a"},
		`{`:                                                                     {Status: 400},
		`{"type":"response.create","model":"demo","input":"hi","previous_response_id":"resp_nonsense"}`: {Status: 400},
		`{"type":"response.create","model":"demo","input":"hi","background":true}`:                      {Status: 400},
		`{"type":"response.create","model":"demo","input":"hi","conversation":"conv_of_another"}`:       {Status: 404},
	} {
		c.say(text)
		m := c.message()
		if m.Type != "error" || m.Status != want.Status || m.StreamID != want.StreamID || m.Error.Code == "" || m.Error.Message == "" {
			t.Errorf("%s: %s", text, m.raw)
		}
	}
	c.say(`{"type":"response.create","model":"demo","input":"hi","stream_id":"a b"}`)
	if m := c.message(); m.Error.Code != "invalid_stream_id" || m.Error.Param != "stream_id" {
		t.Errorf("a wrong name of a lane: %s", m.raw)
	}
}

func TestAFailureInTheMiddleIsTheResponsesEnd(t *testing.T) {
	t.Parallel()
	c := serve(t, says(opened(), text("Hel"), brokenBy(&messages.Failure{Code: messages.CodeProviderFailed, What: "cut off", Do: "again"}))).socket()
	c.say(ask)
	all := c.until("response.failed")
	if last := all[len(all)-1]; last.Response.Status != "failed" {
		t.Errorf("it ends with %s", last.raw)
	}
}

// Nobody knows what becomes of the turn any more: its client is to read on, and not told
// that it has ended.
func TestALaneThatLosesSightOfItsTurnSaysSo(t *testing.T) {
	t.Parallel()
	c := serve(t, says(opened(), text("Hel"), lost())).socket()
	c.say(ask)
	all := c.until("error", "response.incomplete", "response.failed")
	last := all[len(all)-1]
	if last.Error.Code != string(messages.CodeRestarted) || all[len(all)-2].Delta != "Hel" {
		t.Errorf("it ends with %s behind %s", last.raw, all[len(all)-2].raw)
	}
}

func TestACancelledTurnSaysSo(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	c := serve(t, func(m *messages.StartTurn) error {
		go func() {
			defer m.CloseChunks()
			m.Answer(messages.TurnStarted{})
			m.Show(opened())
			m.Show(text("Hel"))
			<-m.Client.Done()
			close(gone)
		}()
		return nil
	}).socket()
	c.say(`{"type":"response.create","model":"demo","input":"hi","store":false}`)
	c.until("response.output_text.delta")
	c.say(`{"type":"response.cancel"}`)
	all := c.until("response.incomplete")
	if last := all[len(all)-1]; last.Response.Status != "cancelled" {
		t.Errorf("it ends with %s", last.raw)
	}
	<-gone
}

func TestATurnThatEndsItsStreamEarlySaysWhy(t *testing.T) {
	t.Parallel()
	c := serve(t, func(m *messages.StartTurn) error {
		go func() {
			m.Answer(messages.TurnStarted{Conversation: m.Spec.Conversation})
			m.Show(opened())
			m.Show(text("Hel"))
			m.CloseChunks() // as a turn does whose client was too slow for others who look on
		}()
		return nil
	}).socket()
	for code, body := range map[messages.Code]string{
		messages.CodeSlowReader: ask,
		messages.CodeRestarted:  `{"type":"response.create","model":"demo","input":"hi","store":false}`,
	} {
		c.say(body)
		all := c.until("error", "response.failed")
		if last := all[len(all)-1]; last.Error.Code != string(code) {
			t.Errorf("want %s: it ends with %s", code, last.raw)
		}
	}
}

func TestACancelledTurnThatIsKeptSaysSoItself(t *testing.T) {
	t.Parallel()
	cancelled := make(chan messages.TurnID, 1)
	c := serve(t, func(m *messages.StartTurn) error {
		go func() {
			defer m.CloseChunks()
			m.Answer(messages.TurnStarted{Conversation: m.Spec.Conversation})
			m.Show(opened())
			m.Show(text("Hel"))
			if id := <-cancelled; id != m.Spec.ID {
				t.Errorf("%s is cancelled", id)
			}
			m.Show(text("lo"))
			m.Show(messages.Chunk{Kind: messages.ChunkEnd, End: &messages.TurnOutcome{Status: messages.TurnCancelled}})
		}()
		return nil
	}, func(w *world) { w.cancelled = cancelled }).socket()
	c.say(ask)
	c.until("response.output_text.delta")
	c.say(`{"type":"response.cancel"}`)
	all := c.until("response.incomplete")
	if last := all[len(all)-1]; last.Response.Status != "cancelled" || all[0].Delta != "lo" {
		t.Errorf("it ends with %s", last.raw)
	}
}

func TestAClientThatLeavesEndsItsTurns(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	w := serve(t, func(m *messages.StartTurn) error {
		go func() {
			defer m.CloseChunks()
			m.Answer(messages.TurnStarted{})
			<-m.Client.Done()
			close(gone)
		}()
		return nil
	})
	c := w.socket()
	c.say(ask)
	eventually(t, "the turn runs", func() bool { return strings.Contains(w.scrape(), "chatbot_active_streams 1") })
	_ = c.Close()
	<-gone
	eventually(t, "no connection is left", func() bool {
		all := w.scrape()
		return strings.Contains(all, "chatbot_active_websockets 0") && strings.Contains(all, "chatbot_active_streams 0")
	})
}

func TestLimitsOfATenantHoldForConnectionsAndMessages(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...), func(w *world) { w.socketLimits.connections, w.socketLimits.messages = 1, 1 })
	c := w.socket()
	if other, refused := w.tryDial(nil); other != nil || refused.status != http.StatusTooManyRequests {
		t.Errorf("a second connection gets %d", refused.status)
	}
	c.say(ask)
	c.until("response.completed")
	c.say(ask)
	if m := c.message(); m.Status != http.StatusTooManyRequests || m.Error.Code != "rate_limit_exceeded" {
		t.Errorf("a second message gets %s", m.raw)
	}
	_ = c.Close()
	eventually(t, "there is room again", func() bool {
		again, _ := w.tryDial(nil)
		return again != nil
	})
}

func TestAResponseIsResumedWhereItStillComes(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...))
	record := keptTurn(messages.TurnComplete)
	turn := w.library.run(record, opened(), text("Hel"))
	c := w.socket()
	c.say(`{"type":"response.resume","response_id":"resp_` + record.ID.String() + `","stream_id":"a"}`)
	first := c.until("response.output_text.delta")
	turn.say(text("lo"), finish(), usage(3, 2), end())
	rest := c.until("response.completed")
	if first[0].Type != "response.created" || first[len(first)-1].Delta != "Hel" || rest[0].Delta != "lo" || rest[0].StreamID != "a" {
		t.Errorf("got %+v and %+v", first, rest)
	}
	c.say(`{"type":"response.create","model":"demo","input":"hi","stream_id":"a"}`)
	c.until("response.completed")
}

func TestAResponseIsResumedBehindAnyOfItsEvents(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...))
	record := keptTurn(messages.TurnComplete)
	w.library.put(record, keptItems()...)
	c := w.socket()
	name := "resp_" + record.ID.String()
	c.say(`{"type":"response.resume","response_id":"` + name + `"}`)
	all := c.until("response.completed")
	for i, m := range all[:len(all)-1] {
		c.say(fmt.Sprintf(`{"type":"response.resume","response_id":%q,"starting_after":%d}`, name, m.Sequence))
		rest := c.until("response.completed")
		if len(rest) != len(all)-i-1 || rest[0].raw != all[i+1].raw {
			t.Errorf("behind %d come %d messages, from %s", m.Sequence, len(rest), rest[0].raw)
		}
	}
	for text, code := range map[string]string{
		`{"type":"response.resume","response_id":"` + name + `","starting_after":100000}`:     "invalid_request",
		`{"type":"response.resume","response_id":"resp_` + messages.TurnID{9}.String() + `"}`: "previous_response_not_found",
	} {
		c.say(text)
		if m := c.message(); m.Type != "error" || m.Status != http.StatusBadRequest || m.Error.Code != code || m.Error.Param == "" {
			t.Errorf("%s: %s", text, m.raw)
		}
	}
	stranger := w.socket("Authorization", "Bearer "+otherKey)
	stranger.say(`{"type":"response.resume","response_id":"` + name + `"}`)
	if m := stranger.message(); m.Error.Code != "previous_response_not_found" {
		t.Errorf("another tenant gets %s", m.raw)
	}
}
