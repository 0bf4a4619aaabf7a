package anthropic_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/anthropic"
)

func TestDecodeError(t *testing.T) {
	t.Parallel()
	body := func(kind, message string) string {
		return `{"type":"error","error":{"type":"` + kind + `","message":"` + message + `"},"request_id":"req_011CSHoEeqs5C35K2UUqR7Fy"}`
	}
	for name, tt := range map[string]struct {
		status int
		body   string
		want   messages.Code
		shown  int  // status that the client gets
		says   bool // the provider's own words are shown
	}{
		"a bad request":            {400, body("invalid_request_error", "max_tokens: words"), messages.CodeProviderRejected, 400, true},
		"too long a prompt":        {400, body("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum words"), messages.CodeContextLength, 0, true},
		"too long with the answer": {400, body("invalid_request_error", "input length and `max_tokens` exceed context limit: words"), messages.CodeContextLength, 0, true},
		"no credit":                {400, body("invalid_request_error", "Your credit balance is too low words"), messages.CodeProviderQuota, 0, false},
		"no credit, by its type":   {402, body("billing_error", "words"), messages.CodeProviderQuota, 0, false},
		"a wrong key":              {401, body("authentication_error", "invalid x-api-key words"), messages.CodeProviderKey, 0, false},
		"a key without the right":  {403, body("permission_error", "words"), messages.CodeProviderKey, 0, false},
		"no such model":            {404, body("not_found_error", "model: claude-words"), messages.CodeModelNotFound, 0, true},
		"no such address":          {404, body("not_found_error", "words"), messages.CodeProviderRejected, 404, true},
		"too large":                {413, body("request_too_large", "words"), messages.CodeBodyTooLarge, 0, true},
		"limited":                  {429, body("rate_limit_error", "words"), messages.CodeProviderLimited, 0, false},
		"failed":                   {500, body("api_error", "words"), messages.CodeProviderFailed, 0, true},
		"out of time":              {504, body("timeout_error", "words"), messages.CodeProviderTimeout, 0, false},
		"overloaded":               {529, body("overloaded_error", "words"), messages.CodeProviderFailed, 0, false},
		"a type of its own, 4xx":   {400, body("brand_new_error", "words"), messages.CodeProviderRejected, 400, true},
		"a type of its own, 5xx":   {500, body("brand_new_error", "words"), messages.CodeProviderFailed, 0, true},
		"a proxy's page":           {502, `<html>words</html>`, messages.CodeProviderFailed, 0, false},
		"a proxy's limit":          {429, `words`, messages.CodeProviderLimited, 0, false},
		"a tea pot":                {418, ``, messages.CodeProviderRejected, 418, false},
		"a wait that was too long": {408, ``, messages.CodeProviderTimeout, 0, false},
		"an error of another form": {400, `{"error":"words"}`, messages.CodeProviderRejected, 400, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := anthropic.DecodeError(tt.status, 3*time.Second, []byte(tt.body))
			if got.Code != tt.want || got.Status != tt.shown || got.RetryAfter != 3*time.Second {
				t.Errorf("got %+v, want %s", got, tt.want)
			}
			if got.What == "" || got.Do == "" {
				t.Errorf("%+v says too little", got)
			}
			if says := strings.Contains(got.What, "words"); says != tt.says {
				t.Errorf("%q: shows the provider's words: %t, want %t", got.What, says, tt.says)
			}
		})
	}
}

func TestDecodeErrorShowsNotMoreThanALine(t *testing.T) {
	t.Parallel()
	got := anthropic.DecodeError(400, 0, []byte(`{"error":{"type":"invalid_request_error","message":"`+strings.Repeat("ü", 5000)+`"}}`))
	if len(got.What) > 600 || strings.Contains(got.What, "\ufffd") {
		t.Errorf("%d bytes: %s", len(got.What), got.What)
	}
}

func TestDecodeReplyFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		body string
		want messages.Code
	}{
		"with an error's body":  {`{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, messages.CodeProviderFailed},
		"with a limit's body":   {`{"type":"error","error":{"type":"rate_limit_error","message":"Slow down"}}`, messages.CodeProviderLimited},
		"with another format":   {`{"object":"chat.completion"}`, messages.CodeProviderFailed},
		"with a page":           {`<html>`, messages.CodeProviderFailed},
		"with nothing":          {``, messages.CodeProviderFailed},
		"with a cut reply":      {`{"type":"message","content":[{"type":"te`, messages.CodeProviderFailed},
		"with content of a map": {`{"type":"message","content":{}}`, messages.CodeProviderFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			chunks, err := anthropic.DecodeReply([]byte(tt.body))
			if messages.CodeOf(err) != tt.want || chunks != nil {
				t.Errorf("got %v and %v, want %s", chunks, err, tt.want)
			}
		})
	}
}

func TestAppendErrorIsWhatDecodeErrorReads(t *testing.T) {
	t.Parallel()
	body := anthropic.AppendError(nil, anthropic.ErrorKind(529), `over"loaded`)
	if diff := cmp.Diff(`{"type":"error","error":{"type":"overloaded_error","message":"over\"loaded"}}`, string(body)); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	if got := anthropic.DecodeError(0, 0, body); got.Code != messages.CodeProviderFailed {
		t.Errorf("got %+v", got)
	}
}
