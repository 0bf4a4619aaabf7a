package openai_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"
	"testing"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
)

func TestEmbeddingsRequest(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][]string{
		`{"model":"m","input":"one"}`:                                                       {"one"},
		`{"model":"m","input":["one","two"],"encoding_format":"base64"}`:                    {"one", "two"},
		`{"model":"m","input":["é"],"user":"u","dimensions":256,"encoding_format":"float"}`: {"é"},
	} {
		q, err := openai.DecodeEmbeddingsRequest([]byte(body))
		if err != nil || !slices.Equal(q.Inputs, want) || q.Model != "m" || q.Base64 != (len(want) == 2) {
			t.Errorf("%s: %+v, %v", body, q, err)
		}
	}
	for body, code := range map[string]messages.Code{
		`{"model":"m"}`:                                     messages.CodeInvalidRequest,
		`{"input":"x"}`:                                     messages.CodeInvalidRequest,
		`{"model":"m","input":[]}`:                          messages.CodeInvalidRequest,
		`{"model":"m","input":["a",""]}`:                    messages.CodeInvalidRequest,
		`{"model":"m","input":[1,2]}`:                       messages.CodeUnsupported,
		`{"model":"m","input":[[1]]}`:                       messages.CodeUnsupported,
		`{"model":"m","input":"x","dimensions":0}`:          messages.CodeInvalidRequest,
		`{"model":"m","input":"x","encoding_format":"hex"}`: messages.CodeInvalidRequest,
		`{"model":"m","input":"x"`:                          messages.CodeInvalidJSON,
	} {
		if _, err := openai.DecodeEmbeddingsRequest([]byte(body)); messages.CodeOf(err) != code {
			t.Errorf("%s: %v, want %s", body, err, code)
		}
	}
}

func TestEmbeddingsAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	want := [][]float32{{0.25, -1, 3e-7}, {1, 0, 0.1}}
	got, err := openai.DecodeEmbeddings(openai.AppendEmbeddings(nil, "m", want, false, 7), 2)
	if err != nil || !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("%v, %v", got, err)
	}
	var packed struct {
		Data  []struct{ Embedding string }
		Usage struct {
			Prompt int `json:"prompt_tokens"`
		}
	}
	if err := json.Unmarshal(openai.AppendEmbeddings(nil, "m", want, true, 7), &packed); err != nil || packed.Usage.Prompt != 7 {
		t.Fatalf("%+v, %v", packed, err)
	}
	raw, err := base64.StdEncoding.DecodeString(packed.Data[1].Embedding)
	if err != nil || len(raw) != 12 || math.Float32frombits(binary.LittleEndian.Uint32(raw[8:])) != 0.1 {
		t.Errorf("%x, %v", raw, err)
	}
}

func TestEmbeddingsThatAreNone(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		``, `{}`, `{"data":[]}`, `{"data":[{"index":0,"embedding":[1]}]}`, `{"data":[{"index":2,"embedding":[1]},{"index":0,"embedding":[1]}]}`,
		`{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}`, `{"data":[{"embedding":["a"]},{"embedding":[1]}]}`, `{"data":[{"embedding":[1]},{"embedding":[1]},{"embedding":[1]}]}`,
	} {
		if got, err := openai.DecodeEmbeddings([]byte(body), 2); messages.CodeOf(err) != messages.CodeProviderFailed {
			t.Errorf("%s: %v, %v", body, got, err)
		}
	}
	out := `{"data":[{"index":1,"embedding":[2]},{"index":0,"embedding":[1]}],"model":"x"}`
	if got, err := openai.DecodeEmbeddings([]byte(out), 2); err != nil || got[0][0] != 1 || got[1][0] != 2 {
		t.Errorf("out of order: %v, %v", got, err)
	}
}
