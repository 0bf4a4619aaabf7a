package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// keyed are responses in the background that are asked for under keys of their own,
// each in a conversation of its own: a second turn would be seen there.
type keyed struct {
	t             *testing.T
	key           string // of the tenant
	text          string
	conversations []string
	ids           []string // of those that were answered
}

// asks sends one of them to a server. An answer that is none says why.
func (k *keyed) asks(p *process, i int) (id, fault string) {
	body := fmt.Sprintf(`{"model":"simulated/echo","background":true,"conversation":%q,"input":%q}`, k.conversations[i], k.text)
	request, err := http.NewRequestWithContext(k.t.Context(), http.MethodPost, p.url+"/v1/responses", strings.NewReader(body))
	if err != nil {
		return "", err.Error()
	}
	request.Header.Set("Authorization", "Bearer "+k.key)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", "once-"+k.conversations[i])
	request.Header.Set("X-Parley-Continue", "true")
	response, err := p.client().Do(request)
	if err != nil {
		return "", err.Error()
	}
	defer response.Body.Close() //nolint:errcheck // it is read
	read, err := io.ReadAll(response.Body)
	var a aside
	if err == nil {
		err = json.Unmarshal(read, &a)
	}
	if err != nil || response.StatusCode != http.StatusOK || a.ID == "" {
		return "", fmt.Sprintf("%d %s %v", response.StatusCode, read, err)
	}
	return a.ID, ""
}

// killAmid asks for all at once, and ends a server once one of them is answered.
func (k *keyed) killAmid(at func(i int) *process, victim *process) {
	k.ids = make([]string, len(k.conversations))
	var asking sync.WaitGroup
	var answered atomic.Int32
	one := make(chan struct{})
	for i := range k.conversations {
		asking.Go(func() {
			if k.ids[i], _ = k.asks(at(i), i); k.ids[i] != "" && int(answered.Add(1)) == 1 {
				close(one)
			}
		})
	}
	select {
	case <-one:
	case <-time.After(patience):
		k.t.Error("none of them is answered")
	}
	victim.kill()
	asking.Wait()
}

// retried asks for all of them again under their keys, until each is answered, and has
// come to its end: as what it was the first time, and once.
func (k *keyed) retried(f *fleet, at func(i int) *process) {
	k.t.Helper()
	unheard := 0
	for i, first := range k.ids {
		if first == "" {
			unheard++
		}
		for try := range 3 {
			id := k.answered(at(i+try), i)
			if first == "" {
				first = id
			}
			if id != first {
				k.t.Errorf("try %d of %d is %s, and was %s", try, i, id, first)
			}
		}
		a := &aside{ID: first}
		a.await(k.t, at(i), k.key, hasEnded)
		if again := k.answered(at(i), i); again != first || a.text() != k.text {
			k.t.Errorf("%d is %s with %q behind its end, and was %s", i, again, a.text(), first)
		}
		if said := f.said(0, k.conversations[i]); len(said) != 1 {
			k.t.Errorf("%d was begun %d times", i, len(said))
		}
	}
	k.t.Logf("%d of %d had not been answered", unheard, len(k.ids))
}

// answered asks until it is answered, as SDKs do.
func (k *keyed) answered(p *process, i int) (id string) {
	k.t.Helper()
	fault := ""
	for begun := time.Now(); time.Since(begun) < patience; time.Sleep(50 * time.Millisecond) {
		if id, fault = k.asks(p, i); id != "" {
			return id
		}
		if !strings.HasPrefix(fault, "409 ") && !strings.HasPrefix(fault, "503 ") {
			break
		}
	}
	k.t.Fatalf("%d is not answered: %s", i, fault)
	return ""
}

// A response in the background that is asked for again under its key, since its server
// was killed, is the one that the first try began, also where that was not answered.
func TestBackgroundResponsesAreBegunOnce(t *testing.T) {
	t.Parallel()
	const asides = 24
	text := prose(150)
	interval := "PARLEY_PROVIDERS_SIMULATED_TOKEN_INTERVAL=5ms"
	for name, postgres := range map[string]bool{"SQLite": false, "PostgreSQL": true} {
		t.Run("of a server that is alone, with "+name, func(t *testing.T) {
			t.Parallel()
			launched := launch{env: []string{interval}}
			if postgres {
				launched.env = append(launched.env, "PARLEY_STORE_POSTGRES_URL="+database(t))
			}
			p := start(t, launched)
			launched.data = p.data
			k := &keyed{t: t, key: p.key, text: text}
			for range asides {
				k.conversations = append(k.conversations, p.post("/v1/conversations", p.key, `{}`).id(t))
			}
			k.killAmid(func(int) *process { return p }, p)
			next := start(t, launched)
			k.retried(&fleet{t: t, key: p.key, nodes: []*process{next}}, func(int) *process { return next })
		})
	}
	t.Run("of a node of a cluster", func(t *testing.T) {
		t.Parallel()
		const victim = 2
		f := startFleet(t, interval)
		k := &keyed{t: t, key: f.key, text: text}
		for i := range asides {
			k.conversations = append(k.conversations, f.converse(i%servers))
		}
		k.killAmid(func(i int) *process { return f.nodes[i%servers] }, f.nodes[victim])
		k.retried(f, func(i int) *process { return f.nodes[i%victim] })
	})
}
