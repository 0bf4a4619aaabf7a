package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/parley/actors/conversation"
	"example.com/parley/bench/upstream/fake"
	"example.com/parley/messages"
)

// crew is clients that keep a server busy while its actors fail.
type crew struct {
	*process
	tenant        messages.TenantID
	conversations []messages.ConversationID
	clients       sync.WaitGroup
	stop          chan struct{}

	mu    sync.Mutex
	turns []told // of all clients
}

// told is what a client was told of one turn.
type told struct {
	conversation messages.ConversationID // empty for one that is kept nowhere
	began, ended time.Time
	text         string
	fault        string // empty where it is whole
	code         string
}

// drilledServer starts a server that may fail, with two providers whose replies have 20
// tokens at this interval.
func drilledServer(t *testing.T, interval time.Duration) *process {
	t.Helper()
	upstream := fake.ForTest(t, fake.Config{})
	provider := fmt.Sprintf("{base_url: %q, api_key: k}", upstream.URL())
	target := fmt.Sprintf("fake-tokens-20-interval-%s", interval)
	return configured(t, "drill: true\nproviders:\n  a: "+provider+"\n  b: "+provider+"\n"+
		"models:\n  m: [{target: a/"+target+", weight: 1}, {target: b/"+target+", weight: 1}]\n")
}

const (
	talkers  = 8 // clients with a conversation each
	strayers = 6 // clients whose turns are kept nowhere
)

// busy has clients ask until the crew is sent home.
func busy(t *testing.T, p *process) *crew {
	t.Helper()
	c := &crew{process: p, stop: make(chan struct{})}
	var tenants struct {
		Data []struct{ ID messages.TenantID }
	}
	if err := json.Unmarshal([]byte(p.operate("GET", "/admin/tenants", "").body), &tenants); err != nil || len(tenants.Data) != 1 {
		t.Fatalf("tenants: %v %v", tenants, err)
	}
	c.tenant = tenants.Data[0].ID
	for range talkers {
		c.conversations = append(c.conversations, messages.ConversationID(p.post("/v1/conversations", p.key, `{}`).id(t)))
	}
	for _, conversation := range c.conversations {
		c.repeat(func() told { return c.talk(conversation) })
	}
	for n := range strayers {
		c.repeat(func() told { return c.stray(n%2 == 0) })
	}
	return c
}

func (c *crew) repeat(ask func() told) {
	c.clients.Go(func() {
		for {
			select {
			case <-c.stop:
				return
			default:
			}
			began := time.Now()
			turn := ask()
			turn.began, turn.ended = began, time.Now()
			c.mu.Lock()
			c.turns = append(c.turns, turn)
			c.mu.Unlock()
		}
	})
}

func (c *crew) goHome() []told {
	close(c.stop)
	c.clients.Wait()
	return c.turns
}

// talk asks for a response in a conversation, as a stream.
func (c *crew) talk(conversation messages.ConversationID) (turn told) {
	turn.conversation = conversation
	r := c.openAt("/v1/responses", c.key, fmt.Sprintf(`{"model":"m","stream":true,"conversation":%q,"input":"Hello!"}`, conversation))
	defer r.Body.Close() //nolint:errcheck // read to its end
	if r.StatusCode != http.StatusOK {
		return turn.refused(r)
	}
	end := ""
	for lines := bufio.NewScanner(r.Body); lines.Scan(); {
		data, found := strings.CutPrefix(lines.Text(), "data: ")
		var event struct {
			Type, Delta string
			Response    struct{ Error struct{ Code string } }
		}
		if !found || json.Unmarshal([]byte(data), &event) != nil {
			continue
		}
		end, turn.code = event.Type, event.Response.Error.Code
		if event.Type == "response.output_text.delta" {
			turn.text += event.Delta
		}
	}
	if end != "response.completed" {
		turn.fault = "it ended with " + end
	}
	return turn
}

// stray asks for a chat completion that is kept nowhere.
func (c *crew) stray(stream bool) (turn told) {
	r := c.open(c.key, fmt.Sprintf(`{"model":"m","stream":%t,"messages":[{"role":"user","content":"Hello!"}]}`, stream))
	defer r.Body.Close() //nolint:errcheck // read to its end
	if r.StatusCode != http.StatusOK {
		return turn.refused(r)
	}
	body, err := io.ReadAll(r.Body)
	if turn.text = string(body); err != nil || stream && !strings.HasSuffix(turn.text, "data: [DONE]\n\n") {
		turn.fault = fmt.Sprintf("it broke off: %v", err)
	}
	return turn
}

func (t told) refused(r *http.Response) told {
	var body struct{ Error struct{ Code string } }
	_ = json.NewDecoder(r.Body).Decode(&body)
	t.fault, t.code = fmt.Sprintf("it was refused with %d, to be sent again: %s", r.StatusCode, r.Header.Get("x-should-retry")), body.Error.Code
	return t
}

// work waits until the crew has had so many turns more.
func (c *crew) work(turns int) {
	c.t.Helper()
	had := func() int {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.turns)
	}
	until := had() + turns
	eventually(c.t, "the crew to go on", func() bool { return had() >= until })
}

// fail has an actor fail while everybody is busy, and returns when.
func (c *crew) fail(actor string) time.Time {
	c.t.Helper()
	c.work(3 * (talkers + strayers))
	at := time.Now()
	c.wants(c.operate("POST", "/admin/drill", actor), 200, `"failed":true`)
	return at
}

func TestActorsFailAlone(t *testing.T) {
	t.Parallel()
	p := drilledServer(t, 5*time.Millisecond)
	c := busy(t, p)
	for _, actor := range []string{"provider-a", "router", "provider-b", "outliers", "tenants", "admission", "cache-0", "router", "provider-a"} {
		c.fail(fmt.Sprintf(`{"actor":%q}`, actor))
	}
	victim := c.conversations[0]
	name := fmt.Sprintf(`"tenant":%q,"conversation":%q}`, c.tenant, victim)
	conversationFailed := c.fail(`{"actor":"conversation",` + name)
	shardFailed := c.fail(`{"actor":"shard",` + name)
	c.work(3 * (talkers + strayers))
	turns := c.goHome()

	shardOf := func(id messages.ConversationID) messages.Shard {
		return messages.ShardOf(messages.ConversationRef{Tenant: c.tenant, Conversation: id})
	}
	type failure struct {
		at           time.Time
		conversation messages.ConversationID // the shard may have others
	}
	broken := make(map[failure]int)
	for _, turn := range turns {
		if turn.fault == "" {
			continue
		}
		at, its := conversationFailed, turn.conversation == victim
		if turn.ended.After(shardFailed) {
			at, its = shardFailed, turn.conversation != "" && shardOf(turn.conversation) == shardOf(victim)
		}
		if !its {
			t.Errorf("a turn of others failed: %+v", turn)
			continue
		}
		broken[failure{at, turn.conversation}]++
		t.Logf("%s after its actor failed a client of %s was told %q (%s)", turn.ended.Sub(at).Round(time.Millisecond), turn.conversation, turn.fault, turn.code)
		if turn.code != string(messages.CodeRestarted) && !strings.Contains(turn.fault, "response.incomplete") || turn.ended.Sub(at) > time.Second {
			t.Errorf("a turn of the failed actor: %+v", turn)
		}
	}
	for of, failed := range broken {
		if failed > 1 {
			t.Errorf("more than the running turn of %s failed: %d", of.conversation, failed)
		}
	}
	t.Logf("%d turns, %d conversations of which had one that failed", len(turns), len(broken))
	for _, conversation := range c.conversations {
		c.remembers(conversation, turns)
	}
	if got := p.readiness(); got != http.StatusOK {
		t.Errorf("it is at %d afterwards", got)
	}
	for _, provider := range []string{"a", "b"} {
		p.wants(p.operate("GET", "/admin/providers/"+provider, ""), 200, `"in_flight":0`)
	}
	p.terminate()
}

// TestTurnsEndWithTheirMemberAlone has each of the actors fail that run turns which
// are kept nowhere, one after the other. Turns last longer than a round of them, so
// that some are always hit.
func TestTurnsEndWithTheirMemberAlone(t *testing.T) {
	t.Parallel()
	p := drilledServer(t, 50*time.Millisecond)
	c := busy(t, p)
	c.work(2 * (talkers + strayers))
	began := time.Now()
	for member := range conversation.PoolSize {
		c.wants(c.operate("POST", "/admin/drill", fmt.Sprintf(`{"actor":"turns-%d"}`, member)), 200, `"failed":true`)
	}
	last := time.Now()
	c.work(3 * (talkers + strayers))
	failed := 0
	for _, turn := range c.goHome() {
		if turn.fault == "" {
			continue
		}
		failed++
		typed := turn.code == string(messages.CodeRestarted) || strings.Contains(turn.text, string(messages.CodeRestarted))
		if turn.conversation != "" || !typed || turn.ended.Before(began) || turn.ended.Sub(last) > time.Second {
			t.Errorf("a turn failed: %+v", turn)
		}
	}
	t.Logf("%d turns ended with the actors that ran them", failed)
	if failed == 0 || failed > conversation.PoolSize {
		t.Errorf("%d turns failed with %d actors", failed, conversation.PoolSize)
	}
	if got := p.readiness(); got != http.StatusOK {
		t.Errorf("it is at %d afterwards", got)
	}
	p.terminate()
}

// remembers compares what is kept of a conversation with what its client was told.
func (c *crew) remembers(conversation messages.ConversationID, turns []told) {
	c.t.Helper()
	var kept []string
	for after := ""; ; {
		var page struct {
			Data []struct {
				Role    string
				Content []struct{ Text string }
			}
			HasMore bool   `json:"has_more"`
			LastID  string `json:"last_id"`
		}
		r := c.get(fmt.Sprintf("/v1/conversations/%s/items?order=asc&limit=100%s", conversation, after), c.key)
		if err := json.Unmarshal([]byte(r.body), &page); err != nil {
			c.t.Fatalf("%v: %s", err, r.body)
		}
		for _, item := range page.Data {
			if item.Role == "assistant" {
				kept = append(kept, item.Content[0].Text)
			}
		}
		if !page.HasMore {
			break
		}
		after = "&after=" + page.LastID
	}
	next := 0
	for _, turn := range turns {
		if turn.conversation != conversation || turn.text == "" {
			continue
		}
		if next == len(kept) {
			c.t.Errorf("%s: a reply that its client saw is missing: %+v", conversation, turn)
			return
		}
		if whole := turn.fault == ""; whole && kept[next] != turn.text || !strings.HasPrefix(turn.text, kept[next]) {
			c.t.Errorf("%s: kept is %q, and its client saw %q (%s)", conversation, kept[next], turn.text, turn.fault)
		}
		next++
	}
	if next != len(kept) {
		c.t.Errorf("%s: %d replies are kept, and its client saw %d", conversation, len(kept), next)
	}
}

func TestActorThatFailsTooOftenIsNamed(t *testing.T) {
	t.Parallel()
	p := drilledServer(t, 5*time.Millisecond)
	for range 4 {
		p.wants(p.operate("POST", "/admin/drill", `{"actor":"outliers"}`), 200, `"failed":true`)
	}
	eventually(t, "the server to be not ready", func() bool { return p.readiness() == http.StatusServiceUnavailable })
	p.wants(p.get("/readyz", ""), 503, "were stopped: outliers")
	if !strings.Contains(p.metrics(), "chatbot_actors_missing 1") {
		t.Error("the metrics say nothing")
	}
	p.wants(p.ask(p.key, `{"model":"m","messages":[{"role":"user","content":"Hello!"}]}`), 200, "assistant")
	p.wants(p.operate("POST", "/admin/drill", `{"actor":"outliers"}`), 404, "name one of admission, budgets, cache-0")
}

func TestNothingFailsWhereDrillsAreNotAllowed(t *testing.T) {
	t.Parallel()
	p := start(t, launch{})
	p.wants(p.operate("POST", "/admin/drill", `{"actor":"router"}`), 404, "route_not_found")
}
