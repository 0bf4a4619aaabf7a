package main

import (
	"strings"
	"testing"

	"example.com/parley/bench/upstream/fake"
)

func TestAnswersAreToldApart(t *testing.T) {
	t.Parallel()
	upstream := fake.ForTest(t, fake.Config{})
	c := newClient(upstream.Address(), "key")
	t.Cleanup(c.close)
	for name, tt := range map[string]struct {
		model  string
		stream bool
		goOn   bool
		want   end
		why    string
	}{
		"whole stream":               {model: "fake", stream: true},
		"whole in one piece":         {model: "fake"},
		"error after text":           {model: "fake-fault-error-after-2", stream: true, want: told, why: "a fault of the fake"},
		"error before text":          {model: "fake-fault-error", stream: true, want: lost, why: "a fault of the fake"},
		"status":                     {model: "fake-fault-500", stream: true, want: lost, why: "status 500"},
		"torn off":                   {model: "fake-fault-cut-after-2", stream: true, want: lost, why: "torn off"},
		"ended without saying so":    {model: "fake-fault-eof-after-2", stream: true, want: lost, why: "torn off"},
		"torn off in one piece":      {model: "fake-fault-cut", want: lost, why: "EOF"},
		"no answer":                  {model: "fake-fault-reset", want: lost, why: "reset"},
		"event that is no JSON":      {model: "fake-fault-malformed-after-1", stream: true, want: lost, why: "no JSON"},
		"page that is no JSON":       {model: "fake-fault-garbage", want: lost, why: "no JSON"},
		"another text":               {model: "fake-tokens-2", stream: true, want: lost, why: "instead of"},
		"other end":                  {model: "fake-tokens-9", stream: true, want: lost, why: "instead of"},
		"other end, as it may be":    {model: "fake-tokens-9", stream: true, goOn: true},
		"no end":                     {model: "fake-tokens-3", stream: true, goOn: true, want: lost, why: "instead of"},
		"another text, in one piece": {model: "fake-tokens-2", want: lost, why: "instead of"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := c.ask(t.Context(), request{tt.model, tt.stream, tt.goOn})
			if got.end != tt.want || !strings.Contains(got.why, tt.why) || got.took <= 0 {
				t.Errorf("got %+v, want end %d because of %q", got, tt.want, tt.why)
			}
		})
	}
}
