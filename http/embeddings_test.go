package http_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
)

// embedder says how long a text is.
type embedder struct{}

func (embedder) ID() string { return "lengths" }

func (embedder) Embed(_ context.Context, dst []float32, text string) ([]float32, error) {
	switch text {
	case "fail":
		return dst, errors.New("down")
	case "?":
		return dst, nil
	default:
		return append(dst, float32(len(text)), 1), nil
	}
}

func TestEmbeddings(t *testing.T) {
	t.Parallel()
	w := serve(t, says(hello()...))
	for body, want := range map[string]string{
		`{"model":"parley-embedding","input":["four","a"]}`:                         `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[4,1]},{"object":"embedding","index":1,"embedding":[1,1]}],"model":"parley-embedding","usage":{"prompt_tokens":2,"total_tokens":2}}`,
		`{"model":"lengths","input":"a","dimensions":2,"encoding_format":"base64"}`: `"embedding":"AACAPwAAgD8="`,
	} {
		if r := w.do(http.MethodPost, "/v1/embeddings", body); r.status != http.StatusOK || !strings.Contains(r.body, want) {
			t.Errorf("%s: %d %s", body, r.status, r.body)
		}
	}
	for body, want := range map[string]string{
		`{"model":"text-embedding-3-small","input":"a"}`:                     "model_not_found",
		`{"model":"lengths","input":"a","dimensions":3}`:                     "invalid_request",
		`{"model":"lengths","input":["a","?"]}`:                              "invalid_request",
		`{"model":"lengths","input":["a","fail"]}`:                           "provider_unavailable",
		`{"model":"lengths","input":[1]}`:                                    "unsupported",
		`{"model":"lengths","input":"` + strings.Repeat("x", 1300000) + `"}`: "invalid_request",
	} {
		if r := w.do(http.MethodPost, "/v1/embeddings", body); r.errorOf(t).Code != want {
			t.Errorf("%.60s: %d %s", body, r.status, r.body)
		}
	}
}
