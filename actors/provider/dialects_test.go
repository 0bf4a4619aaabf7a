package provider_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/actors/provider"
	"example.com/parley/messages"
)

func TestReplyComesAsChunks(t *testing.T) {
	t.Parallel()
	const claude = `{"id":"msg_1","type":"message","role":"assistant","model":"m-2025","content":[{"type":"text","text":"Hello"}],` +
		`"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":2}}`
	claudeEvents := events(
		`event: message_start`+"\n"+`data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m-2025","content":[],"usage":{"input_tokens":3,"output_tokens":1}}}`,
		`event: content_block_start`+"\n"+`data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`,
		`event: ping`+"\n"+`data: {"type":"ping"}`,
		`event: content_block_delta`+"\n"+`data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hel"}}`,
		`event: content_block_delta`+"\n"+`data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"lo"}}`,
		`event: content_block_stop`+"\n"+`data: {"type":"content_block_stop","index":0}`,
		`event: message_delta`+"\n"+`data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}`,
		`event: message_stop`+"\n"+`data: {"type":"message_stop"}`,
	)
	for name, tt := range map[string]struct {
		kind   provider.Kind
		stream bool
		server http.HandlerFunc
	}{
		"from OpenAI, streamed":                       {provider.KindOpenAI, true, hello()},
		"from OpenAI, whole":                          {provider.KindOpenAI, false, answer(200, "application/json", chatWhole)},
		"from a server that cannot stream":            {provider.KindOpenAI, true, answer(200, "application/json; charset=utf-8", chatWhole)},
		"from a server that closes without [DONE]":    {provider.KindOpenAI, true, data(delta("Hel"), delta("lo"), chatFinish, chatUsage)},
		"from a server that sends comments":           {provider.KindOpenAI, true, events(": PROCESSING", "data: "+delta("Hel"), ": ping", "data: "+delta("lo"), "data: "+chatFinish, "data: "+chatUsage, "data: "+chatDone)},
		"from a server that sends a line of nonsense": {provider.KindOpenAI, true, data(delta("Hel"), `{"choices":[{`, delta("lo"), `nonsense`, chatFinish, chatUsage, chatDone)},
		"from Anthropic, streamed":                    {provider.KindAnthropic, true, claudeEvents},
		"from Anthropic, whole":                       {provider.KindAnthropic, false, answer(200, "application/json", claude)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, tt.server)
			r := call(t.Context(), newProviders(t, f.settings(tt.kind)), tt.stream)
			if r.err != nil {
				t.Fatal(r.err)
			}
			want := reply{
				served: messages.Served{Provider: "p", Model: "m-2025"}, text: "Hello", finish: messages.FinishStop,
				usage: &messages.Usage{Input: 3, Output: 2},
			}
			if diff := cmp.Diff(want.served, r.served); diff != "" {
				t.Errorf("served (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(want.usage, r.usage); diff != "" {
				t.Errorf("usage (-want +got):\n%s", diff)
			}
			if r.text != want.text || r.finish != want.finish || r.chunks[0].Kind != messages.ChunkOpened {
				t.Errorf("got %q, %s, first chunk %d", r.text, r.finish, r.chunks[0].Kind)
			}
		})
	}
}

func TestRequestCarriesWhatTheProviderWants(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change  func(*provider.Settings)
		path    string
		headers map[string]string
	}{
		"OpenAI": {
			func(*provider.Settings) {}, "/v1/chat/completions",
			map[string]string{"Authorization": "Bearer " + secretKey, "Content-Type": "application/json", "Accept-Encoding": ""},
		},
		"OpenAI without a key": {
			func(s *provider.Settings) { s.APIKey = "" }, "/v1/chat/completions",
			map[string]string{"Authorization": ""},
		},
		"Azure": {
			func(s *provider.Settings) { s.AuthHeader, s.APIVersion = "api-key", "2024-10-21" }, "/v1/chat/completions?api-version=2024-10-21",
			map[string]string{"Api-Key": secretKey, "Authorization": ""},
		},
		"headers of the operator's own": {
			func(s *provider.Settings) { s.Headers = map[string]string{"X-Team": "blue"} }, "/v1/chat/completions",
			map[string]string{"X-Team": "blue"},
		},
		"Anthropic": {
			func(s *provider.Settings) {
				s.Kind, s.BaseURL = provider.KindAnthropic, strings.TrimSuffix(s.BaseURL, "/v1")
			}, "/v1/messages",
			map[string]string{"X-Api-Key": secretKey, "Anthropic-Version": "2023-06-01", "Authorization": ""},
		},
		"Anthropic behind a proxy with tokens": {
			func(s *provider.Settings) {
				s.Kind, s.BaseURL, s.AuthHeader, s.APIVersion = provider.KindAnthropic, strings.TrimSuffix(s.BaseURL, "/v1"), "x-proxy-token", "2026-01-01"
			}, "/v1/messages",
			map[string]string{"X-Proxy-Token": secretKey, "X-Api-Key": "", "Anthropic-Version": "2026-01-01"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, answer(500, "text/plain", ""))
			s := f.settings(provider.KindOpenAI)
			tt.change(&s)
			call(t.Context(), newProviders(t, s), false)
			request, body := f.last()
			if request.Method != http.MethodPost || request.URL.String() != tt.path || request.Host != strings.TrimPrefix(f.URL, "http://") {
				t.Errorf("%s %s at %s, want %s", request.Method, request.URL, request.Host, tt.path)
			}
			for header, want := range tt.headers {
				if got := request.Header.Get(header); got != want {
					t.Errorf("%s is %q, want %q", header, got, want)
				}
			}
			var asked struct{ Model string }
			if err := json.Unmarshal([]byte(body), &asked); err != nil || asked.Model != "m" {
				t.Errorf("the body %s asks for %q (%v)", body, asked.Model, err)
			}
		})
	}
}

func TestErrorsOfProviders(t *testing.T) {
	t.Parallel()
	const said = `{"error":{"message":"the key ` + secretKey + ` is wrong","type":"invalid_request_error","code":"x"}}`
	for name, tt := range map[string]struct {
		server http.HandlerFunc
		code   messages.Code
	}{
		"a rejected request":       {answer(400, "application/json", said), messages.CodeProviderRejected},
		"a refused key":            {answer(401, "application/json", said), messages.CodeProviderKey},
		"an unknown model":         {answer(404, "application/json", said), messages.CodeProviderRejected},
		"a limit":                  {answer(429, "application/json", said, "Retry-After", "7"), messages.CodeProviderLimited},
		"a fault":                  {answer(500, "application/json", said), messages.CodeProviderFailed},
		"a proxy's page":           {answer(502, "text/html", "<html>Bad Gateway</html>"), messages.CodeProviderFailed},
		"a redirection":            {answer(302, "text/html", "", "Location", "https://example.com/"), messages.CodeProviderFailed},
		"no content":               {answer(204, "application/json", ""), messages.CodeProviderFailed},
		"nonsense":                 {answer(200, "application/json", "<html>"), messages.CodeProviderFailed},
		"a reply without anything": {answer(200, "application/json", `{}`), messages.CodeProviderFailed},
	} {
		for _, stream := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFake(t, tt.server)
				r := call(t.Context(), newProviders(t, f.settings(provider.KindOpenAI)), stream)
				checkFailure(t, r.err, tt.code)
			})
		}
	}
}
