package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestRepliesAreFetchedAhead by a server that may: a popular one before it expires,
// and that to the usual next question.
func TestRepliesAreFetchedAhead(t *testing.T) {
	t.Parallel()
	p := caching(t, "PARLEY_CACHE_AHEAD_REFRESH=true", "PARLEY_CACHE_AHEAD_NEXT=true")
	const chat, question = "/v1/chat/completions", "What is the best way to sharpen a chisel?"
	count := func(why string) bool {
		return strings.Contains(p.metrics(), fmt.Sprintf(`chatbot_cache_ahead_total{result="kept",why=%q} 1`, why))
	}
	ask := func() (tier, reply string) {
		_, header, said := p.asks(chat, chatOf(question), "x-parley-cache-ttl", "10")
		var body struct {
			Choices []struct{ Message struct{ Content string } }
		}
		if err := json.Unmarshal([]byte(said), &body); err != nil || len(body.Choices) != 1 {
			t.Fatalf("%v %s", err, said)
		}
		return header.Get("x-parley-cache"), body.Choices[0].Message.Content
	}
	ask()
	eventually(t, "the popular reply to be renewed", func() bool {
		ask()
		return count("refresh")
	})

	_, reply := ask()
	behind := func(next string) string {
		said, err := json.Marshal(reply)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf(`{"model":"simulated/m","messages":[{"role":"user","content":%q},{"role":"assistant","content":%s},{"role":"user","content":%q}]}`, question, said, next)
	}
	for range 3 {
		p.asks(chat, behind("Which stone?"), "Cache-Control", "no-cache", "x-parley-cache-ttl", "1")
	}
	eventually(t, "the next question to be asked", func() bool {
		ask()
		return count("next")
	})
	if _, header, _ := p.asks(chat, behind("Which stone?")); header.Get("x-parley-cache") != "exact" {
		t.Errorf("%v", header)
	}
}
