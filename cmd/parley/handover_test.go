package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/parley/bench/socket"
)

var turnsHandedOver = regexp.MustCompile(`(?m)^chatbot_cluster_handed_over_total (\d+)$`)

// handedOver is how many turns the nodes that are left had go on elsewhere.
func (f *fleet) handedOver() (sum int) {
	f.t.Helper()
	for _, p := range f.nodes {
		if !p.hasExited() {
			found := turnsHandedOver.FindStringSubmatch(p.metrics())
			if found == nil {
				f.t.Fatal("the metric is not there")
			}
			n, _ := strconv.Atoi(found[1])
			sum += n
		}
	}
	return sum
}

// readers are clients of two nodes whose conversations are on all three.
const readers = 24

// Whoever reads a reply by way of another node does not notice that its owner is
// killed, or stopped before the reply is whole: each event comes once, and the store has
// what was read.
func TestStreamsOutliveTheirOwner(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*process){"killed": (*process).kill, "stopped": (*process).terminate} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			streamsOutlive(t, end)
		})
	}
}

func streamsOutlive(t *testing.T, end func(*process)) {
	t.Helper()
	const victim = 2
	f := startFleet(t, "PARLEY_HTTP_CONTINUE=true", "PARLEY_PROVIDERS_SIMULATED_TOKEN_INTERVAL=5ms", "PARLEY_HTTP_DRAIN_TIMEOUT=1s")
	text := prose(400)
	streams, sockets := make([]*listener, readers), make([]*socket.Reader, 2)
	var reading sync.WaitGroup
	for i := range streams {
		streams[i] = newListener(f.nodes[i%2], f.key)
		reading.Go(func() {
			if ended, err := streams[i].hear(t.Context(), request(t, text, ""), 1<<30); err != nil || !ended {
				t.Errorf("stream %d: ended %t, %v", i, ended, err)
			}
		})
	}
	for i := range sockets {
		sockets[i] = socket.NewReader()
		reading.Go(func() {
			c, ended, err := sockets[i].Hear(t.Context(), f.nodes[i].socketOptions(f.key), socket.Create("simulated/echo", text, ""), 1<<30)
			if err != nil || !ended {
				t.Errorf("socket %d: ended %t, %v", i, ended, err)
				return
			}
			c.Close()
		})
	}
	time.Sleep(time.Second)
	end(f.nodes[victim])
	reading.Wait()
	if f.handedOver() == 0 {
		t.Error("no turn was handed over")
	}
	for i, l := range streams {
		l.p = f.nodes[1-i%2]
		for _, fault := range l.check(t.Context(), text) {
			t.Errorf("stream %d: %s", i, fault)
		}
	}
	for i, r := range sockets {
		for _, fault := range r.Check(t.Context(), f.nodes[1-i].socketOptions(f.key), text) {
			t.Errorf("socket %d: %s", i, fault)
		}
	}
}

// Of a reply in one piece nobody has seen anything: the next owner begins anew.
func TestRepliesInOnePieceOutliveTheirOwner(t *testing.T) {
	t.Parallel()
	const victim = 2
	f := startFleet(t, "PARLEY_PROVIDERS_SIMULATED_TOKEN_INTERVAL=5ms")
	text := prose(200)
	input, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	conversations := make([]string, readers)
	for i := range conversations {
		conversations[i] = f.converse(i % 2)
	}
	var asking sync.WaitGroup
	for i, conversation := range conversations {
		asking.Go(func() {
			for _, f := range f.whole(i%2, conversation, fmt.Sprintf(`{"model":"simulated/echo","conversation":%q,"input":%s}`, conversation, input), text) {
				t.Errorf("conversation %d: %s", i, f)
			}
		})
	}
	time.Sleep(time.Second)
	f.nodes[victim].kill()
	asking.Wait()
	if f.handedOver() == 0 {
		t.Error("no turn was handed over")
	}
	for i, conversation := range conversations {
		if said := f.said(1-i%2, conversation); len(said) != 1 || said[0] != text {
			t.Errorf("conversation %d: it was asked %d times", i, len(said))
		}
	}
}

// whole asks a node, with a key that it is asked with again afterwards.
func (f *fleet) whole(node int, key, body, text string) (faults []string) {
	var first string
	for try := range 2 {
		request, err := http.NewRequestWithContext(f.t.Context(), http.MethodPost, f.nodes[node].url+"/v1/responses", strings.NewReader(body))
		if err != nil {
			return append(faults, err.Error())
		}
		request.Header.Set("Authorization", "Bearer "+f.key)
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Idempotency-Key", key)
		response, err := f.nodes[node].client().Do(request)
		if err != nil {
			return append(faults, err.Error())
		}
		read, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		var answer struct {
			ID     string
			Output []struct{ Content []struct{ Text string } }
		}
		if err != nil || response.StatusCode != http.StatusOK || json.Unmarshal(read, &answer) != nil || len(answer.Output) != 1 || answer.Output[0].Content[0].Text != text {
			return append(faults, fmt.Sprintf("try %d: %d %s", try, response.StatusCode, read))
		}
		if try == 0 {
			first = answer.ID
		} else if answer.ID != first {
			faults = append(faults, "the same key has another answer")
		}
	}
	return faults
}
