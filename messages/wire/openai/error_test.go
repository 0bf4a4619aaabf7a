package openai_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

func TestAppendError(t *testing.T) {
	t.Parallel()
	got := string(openai.AppendError(nil, openai.Error{Message: `a "b"`, Type: "invalid_request_error", Param: "messages[0]", Code: "c"}))
	if diff := cmp.Diff(`{"error":{"message":"a \"b\"","type":"invalid_request_error","param":"messages[0]","code":"c"}}`, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got = string(openai.AppendError(nil, openai.Error{Message: "a", Type: "server_error"}))
	if diff := cmp.Diff(`{"error":{"message":"a","type":"server_error","param":null,"code":null}}`, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestErrorOfTellsWhatAClientMayKnow(t *testing.T) {
	t.Parallel()
	for code, kind := range map[messages.Code]string{
		messages.CodeInvalidKey: "authentication_error", messages.CodePermission: "permission_error",
		messages.CodeModelNotFound: "not_found_error", messages.CodeConversationAbsent: "not_found_error", messages.CodeItemAbsent: "not_found_error",
		messages.CodeTooManyTurns: "rate_limit_error", messages.CodeProviderLimited: "rate_limit_error", messages.CodeProviderQuota: "insufficient_quota",
		messages.CodeInvalidRequest: "invalid_request_error", messages.CodeProviderRejected: "invalid_request_error", messages.CodeIdempotencyReuse: "invalid_request_error",
		messages.CodeInternal: "server_error", messages.CodeProviderFailed: "server_error", messages.CodeProviderKey: "server_error", messages.CodeDeadline: "server_error",
	} {
		got := openai.ErrorOf(&messages.Failure{Code: code, What: "w", Do: "d", Param: "p", Cause: fmt.Errorf("secret")})
		if diff := cmp.Diff(openai.Error{Message: "w; d", Type: kind, Param: "p", Code: string(code)}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", code, diff)
		}
	}
	if got := openai.ErrorOf(&messages.Failure{What: "w"}).Message; got != "w" {
		t.Errorf("with nothing to do about it: %q", got)
	}
}

func TestDecodeErrorUnderstandsManyServers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status int
		body   string
		code   messages.Code
		says   string // what the client reads
	}{
		"OpenAI, wrong key":         {401, `{"error":{"message":"Incorrect API key provided: sk-proj-abc***xyz. You can find your API key at https://platform.openai.com","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`, messages.CodeProviderKey, "the provider refused the server's key"},
		"OpenAI, no access":         {403, `{"error":{"message":"Country, region, or territory not supported","code":"unsupported_country_region_territory"}}`, messages.CodeProviderKey, "the provider refused the server's key"},
		"OpenAI, unknown model":     {404, `{"error":{"message":"The model gpt-9 does not exist or you do not have access to it.","type":"invalid_request_error","code":"model_not_found"}}`, messages.CodeProviderRejected, "the provider refused the request: The model gpt-9 does not exist or you do not have access to it."},
		"OpenAI, bad request":       {400, `{"error":{"message":"Unsupported parameter: 'max_tokens'","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}}`, messages.CodeProviderRejected, "the provider refused the request: Unsupported parameter: 'max_tokens'"},
		"OpenAI, too long":          {400, `{"error":{"message":"This model's maximum context length is 8192 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`, messages.CodeContextLength, "maximum context length is 8192"},
		"OpenAI, rate":              {429, `{"error":{"message":"Rate limit reached for gpt-4o in organization org-abc","type":"tokens","code":"rate_limit_exceeded"}}`, messages.CodeProviderLimited, "the provider takes no more requests for now"},
		"OpenAI, quota":             {429, `{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}`, messages.CodeProviderQuota, "has run out"},
		"OpenAI, failure":           {500, `{"error":{"message":"The server had an error","type":"server_error"}}`, messages.CodeProviderFailed, "the provider failed with status 500"},
		"Azure, filter":             {400, `{"error":{"message":"The response was filtered","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}`, messages.CodeContentFilter, "The response was filtered"},
		"DeepSeek, balance":         {402, `{"error":{"message":"Insufficient Balance","type":"unknown_error"}}`, messages.CodeProviderQuota, "has run out"},
		"vLLM, too long":            {400, `{"object":"error","message":"This model's maximum context length is 4096 tokens.","type":"BadRequestError","param":null,"code":400}`, messages.CodeContextLength, "4096"},
		"Ollama":                    {404, `{"error":"model 'x' not found"}`, messages.CodeProviderRejected, "model 'x' not found"},
		"FastAPI":                   {422, `{"detail":[{"loc":["body","model"],"msg":"field required","type":"value_error.missing"}]}`, messages.CodeProviderRejected, "field required"},
		"FastAPI, a text":           {400, `{"detail":"no"}`, messages.CodeProviderRejected, "refused the request: no"},
		"Google, in an array":       {400, `[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT"}}]`, messages.CodeProviderRejected, "API key not valid."},
		"a gateway, a message":      {418, `{"message":"short and stout"}`, messages.CodeProviderRejected, "short and stout"},
		"a proxy's page":            {502, `<html><body><h1>502 Bad Gateway</h1></body></html>`, messages.CodeProviderFailed, "the provider failed with status 502"},
		"a proxy's page, 4xx":       {403, `<html>`, messages.CodeProviderKey, "refused the server's key"},
		"a page that is refused":    {400, `<html>very secret</html>`, messages.CodeProviderRejected, "it does not say why"},
		"nothing":                   {400, ``, messages.CodeProviderRejected, "it does not say why"},
		"other types":               {400, `{"error":{"message":5,"type":[],"code":{}}}`, messages.CodeProviderRejected, "it does not say why"},
		"another type":              {400, `{"error":7}`, messages.CodeProviderRejected, "it does not say why"},
		"deep":                      {400, strings.Repeat(`{"error":`, 1000) + `"x"` + strings.Repeat(`}`, 1000), messages.CodeProviderRejected, "it does not say why"},
		"a time-out":                {408, ``, messages.CodeProviderTimeout, "did not answer in time"},
		"a gateway's time-out":      {504, `upstream request timeout`, messages.CodeProviderTimeout, "did not answer in time"},
		"overload":                  {529, `{"error":{"message":"overloaded"}}`, messages.CodeProviderFailed, "529"},
		"a redirect":                {302, ``, messages.CodeProviderFailed, "302"},
		"a moderator":               {400, `{"error":{"code":"data_inspection_failed","message":"Output data may contain inappropriate content."}}`, messages.CodeContentFilter, "inappropriate"},
		"credit":                    {429, `{"error":{"code":"billing_hard_limit_reached","message":"x"}}`, messages.CodeProviderQuota, "has run out"},
		"several lines":             {400, `{"error":{"message":"a\n\tb\u0000c"}}`, messages.CodeProviderRejected, "refused the request: a b c"},
		"cut off before its end":    {400, `{"error":{"message":"half`, messages.CodeProviderRejected, "it does not say why"},
		"what came before a cut":    {400, `{"error":{"message":"told","code":`, messages.CodeProviderRejected, "told"},
		"a body that is not UTF-8":  {400, "{\"error\":{\"message\":\"caf\xe9\"}}", messages.CodeProviderRejected, "caf\uFFFD"},
		"a message beside an error": {400, `{"success":false,"error":{"message":"inner"}}`, messages.CodeProviderRejected, "inner"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := openai.DecodeError(tt.status, 3*time.Second, []byte(tt.body))
			if f.Code != tt.code || !strings.Contains(f.What, tt.says) {
				t.Errorf("got %s: %q, want %s: %q", f.Code, f.What, tt.code, tt.says)
			}
			if f.RetryAfter != 3*time.Second || f.Do == "" {
				t.Errorf("got %+v", f)
			}
			if f.Code == messages.CodeProviderRejected && f.Status != tt.status {
				t.Errorf("the status is %d", f.Status)
			}
		})
	}
}

func TestDecodeErrorTellsNoKeys(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"bad key sk-proj-Ab_12***9":                                "bad key [redacted]",
		"(sk-ant-api03-xyz), retry":                                "([redacted]), retry",
		"key=gsk_abc123 and xai-123":                               "key=[redacted] and [redacted]",
		"AIzaSyD-abc":                                              "[redacted]",
		"token 0123456789abcdef0123456789abcdef":                   "token [redacted]",
		"Bearer pk_12_34":                                          "Bearer [redacted]",
		"model gpt-4o-realtime-preview-2024-12-17 at meta-llama/X": "model gpt-4o-realtime-preview-2024-12-17 at meta-llama/X",
		"a task-sk thing, risk-free, sk- and aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": "a task-sk thing, risk-free, sk- and aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		strings.Repeat("é", 400): strings.Repeat("é", 250) + "...",
	} {
		f := openai.DecodeError(400, 0, openai.AppendError(nil, openai.Error{Message: said}))
		if got := strings.TrimPrefix(f.What, "the provider refused the request: "); got != want {
			t.Errorf("%q is told as %q, want %q", said, got, want)
		}
	}
	f := openai.DecodeError(401, 0, []byte(`{"error":{"message":"Incorrect API key provided: sk-abc***xyz."}}`))
	if f.Cause == nil || strings.Contains(f.Error(), "sk-abc") || !strings.Contains(f.Error(), "Incorrect API key") {
		t.Errorf("the operator reads %v", f)
	}
}

func TestErrorsInsideAStreamAreToldApart(t *testing.T) {
	t.Parallel()
	for payload, code := range map[string]messages.Code{
		`{"error":{"message":"m","type":"server_error","param":null,"code":null}}`: messages.CodeProviderFailed,
		`{"error":{"message":"m","code":502,"metadata":{}},"choices":[]}`:          messages.CodeProviderFailed,
		`{"error":{"message":"m","code":429}}`:                                     messages.CodeProviderLimited,
		`{"error":{"message":"m","type":"rate_limit_error"}}`:                      messages.CodeProviderLimited,
		`{"error":{"message":"m","code":"insufficient_quota"}}`:                    messages.CodeProviderQuota,
		`{"error":{"message":"m","type":"invalid_request_error"}}`:                 messages.CodeProviderRejected,
		`{"error":{"message":"m","code":"context_length_exceeded"}}`:               messages.CodeContextLength,
		`{"error":{"message":"m","type":"authentication_error"}}`:                  messages.CodeProviderKey,
		`{"error":"it broke"}`: messages.CodeProviderFailed,
		`{"choices":[{"index":0,"delta":{},"finish_reason":"error"}]}`:              messages.CodeProviderFailed,
		`{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"abort"}]}`: messages.CodeProviderFailed,
	} {
		var d openai.ChatDecoder
		done, err := d.Decode([]byte(payload), func(c messages.Chunk) { t.Errorf("%s says %s", payload, line(c)) })
		if messages.CodeOf(err) != code || done {
			t.Errorf("%s: %v, want %s", payload, err, code)
		}
	}
}

func TestFinishReasonsOfManyServers(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]messages.FinishReason{
		"stop": messages.FinishStop, "length": messages.FinishLength, "tool_calls": messages.FinishToolCalls, "content_filter": messages.FinishContentFilter,
		"eos": messages.FinishStop, "end_turn": messages.FinishStop, "STOP": messages.FinishStop, "something new": messages.FinishStop,
		"max_tokens": messages.FinishLength, "model_length": messages.FinishLength, "tool_use": messages.FinishToolCalls,
		"SAFETY": messages.FinishContentFilter, "function_call": "function_call",
	} {
		chunks, err := openai.DecodeChatReply([]byte(`{"choices":[{"message":{"content":"a"},"finish_reason":"` + said + `"}]}`))
		if err != nil || len(chunks) != 3 || chunks[2].Finish != want {
			t.Errorf("%s: %v, %v", said, chunks, err)
		}
	}
}
