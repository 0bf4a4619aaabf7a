package http_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/messages"
)

func TestRequestsSayWhoAnswersThem(t *testing.T) {
	t.Parallel()
	turns, specs := recording(hello()...)
	w := serve(t, turns)
	for name, tt := range map[string]struct {
		headers []string
		want    messages.RouteOverride
	}{
		"nothing": {nil, messages.RouteOverride{}},
		"a target": {
			[]string{"x-parley-route", "openai/gpt-5"},
			messages.RouteOverride{Targets: []messages.Target{{Provider: "openai", Model: "gpt-5"}}},
		},
		"targets in order": {
			[]string{"x-parley-route", "openai/gpt-5, local/meta/llama-4,a/b"},
			messages.RouteOverride{Targets: []messages.Target{
				{Provider: "openai", Model: "gpt-5"}, {Provider: "local", Model: "meta/llama-4"}, {Provider: "a", Model: "b"},
			}},
		},
		"a strategy": {[]string{"x-parley-strategy", "cheapest"}, messages.RouteOverride{Strategy: messages.StrategyCheapest}},
		"both": {
			[]string{"x-parley-strategy", "latency", "x-parley-route", "a/b"},
			messages.RouteOverride{Strategy: messages.StrategyLatency, Targets: []messages.Target{{Provider: "a", Model: "b"}}},
		},
	} {
		got := w.do("POST", "/v1/chat/completions", question, append(tt.headers, "Authorization", "Bearer "+routerKey)...)
		if got.status != http.StatusOK {
			t.Fatalf("%s: status %d: %s", name, got.status, got.body)
		}
		if diff := cmp.Diff(tt.want, (<-specs).Override); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestRequestsThatCannotSayWhoAnswersThem(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...))
	for name, tt := range map[string]struct {
		key, header, value string
		status             int
		code               string
	}{
		"a tenant that may not name targets":    {memberKey, "x-parley-route", "openai/gpt-5", 403, "permission_denied"},
		"a tenant that may not name a strategy": {memberKey, "x-parley-strategy", "latency", 403, "permission_denied"},
		"no model":                              {routerKey, "x-parley-route", "openai", 400, "invalid_request"},
		"nothing behind a comma":                {routerKey, "x-parley-route", "openai/gpt-5,", 400, "invalid_request"},
		"no text":                               {routerKey, "x-parley-route", "openai/gpt\xff", 400, "invalid_request"},
		"a name without end":                    {routerKey, "x-parley-route", "openai/" + strings.Repeat("x", 300), 400, "invalid_request"},
		"too many":                              {routerKey, "x-parley-route", strings.Repeat("a/b,", 8) + "a/b", 400, "invalid_request"},
		"a strategy that there is not":          {routerKey, "x-parley-strategy", "fastest", 400, "invalid_request"},
	} {
		got := w.do("POST", "/v1/chat/completions", question, "Authorization", "Bearer "+tt.key, tt.header, tt.value)
		if e := got.errorOf(t); got.status != tt.status || e.Code != tt.code {
			t.Errorf("%s: status %d: %s", name, got.status, got.body)
		}
	}
}
