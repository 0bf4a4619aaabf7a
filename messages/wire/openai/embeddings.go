package openai

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"example.com/parley/messages"
)

// maxEmbeddingInputs is how many texts one request may have, as with OpenAI.
const maxEmbeddingInputs = 2048

// EmbeddingsRequest is a request to POST /v1/embeddings.
type EmbeddingsRequest struct {
	Model      string
	Inputs     []string
	Base64     bool // vectors as base64 of float32, little-endian
	Dimensions *int // that are wanted; nil leaves it to the model
}

// DecodeEmbeddingsRequest reads a request. Its errors are *messages.Failure.
func DecodeEmbeddingsRequest(body []byte) (*EmbeddingsRequest, error) {
	q := new(EmbeddingsRequest)
	r := newReader(body)
	defer r.release()
	err := r.object(func(name []byte) (err error) {
		switch string(name) {
		case "model":
			q.Model, err = r.string()
		case "input":
			q.Inputs, err = r.inputs()
		case "encoding_format":
			q.Base64, err = r.isBase64()
		case "dimensions":
			q.Dimensions, err = r.count(1, math.MaxInt32)
		default:
			err = r.skip()
		}
		return err
	})
	if err == nil {
		err = r.end()
	}
	if err == nil {
		err = q.check()
	}
	if err != nil {
		return nil, refusal(err, body)
	}
	return q, nil
}

func (q *EmbeddingsRequest) check() error {
	switch {
	case q.Model == "":
		return invalid("model", "is missing", "name a model")
	case len(q.Inputs) == 0:
		return invalid("input", "is missing or empty", "send a text, or a list of texts")
	}
	for i, text := range q.Inputs {
		if text == "" {
			return invalid("input["+strconv.Itoa(i)+"]", "is empty", "send a text of at least one character")
		}
	}
	return nil
}

// inputs reads a text, or a list of texts. Lists of tokens are of a tokenizer that
// only its own model has.
func (r *reader) inputs() (texts []string, err error) {
	if r.peek() == '"' {
		text, err := r.string()
		return []string{text}, err
	}
	err = r.array(maxEmbeddingInputs, func(int) error {
		if next := r.peek(); next != '"' {
			f := invalid(r.path(), "is no text", "send texts, and not tokens")
			f.Code = messages.CodeUnsupported
			return f
		}
		text, err := r.string()
		texts = append(texts, text)
		return err
	})
	return texts, err
}

func (r *reader) isBase64() (bool, error) {
	format, err := r.string()
	if err == nil && format != "float" && format != "base64" {
		err = invalid("encoding_format", "is neither float nor base64", "send one of them")
	}
	return format == "base64", err
}

// AppendEmbeddings writes the answer to a request: its vectors in the order of its
// texts, and how many tokens the texts have.
func AppendEmbeddings(dst []byte, model string, vectors [][]float32, asBase64 bool, tokens int) []byte {
	w := begin(dst)
	w.string("object", "list")
	w.array("data", len(vectors), func(dst []byte, i int) []byte {
		e := begin(dst)
		e.string("object", "embedding")
		e.int("index", int64(i))
		if asBase64 {
			e.string("embedding", packVector(vectors[i]))
		} else {
			e.array("embedding", len(vectors[i]), func(dst []byte, j int) []byte {
				return strconv.AppendFloat(dst, float64(vectors[i][j]), 'g', -1, 32)
			})
		}
		return e.end()
	})
	w.string("model", model)
	w.name("usage")
	u := begin(w.dst)
	u.int("prompt_tokens", int64(tokens))
	u.int("total_tokens", int64(tokens))
	w.dst = u.end()
	return w.end()
}

func packVector(v []float32) string {
	packed := make([]byte, 0, 4*len(v))
	for _, x := range v {
		packed = binary.LittleEndian.AppendUint32(packed, math.Float32bits(x))
	}
	return base64.StdEncoding.EncodeToString(packed)
}

// AppendEmbeddingsCall writes a request to a server of this format.
func AppendEmbeddingsCall(dst []byte, model string, texts []string) []byte {
	w := begin(dst)
	w.string("model", model)
	w.array("input", len(texts), func(dst []byte, i int) []byte { return appendString(dst, texts[i]) })
	w.string("encoding_format", "float")
	return w.end()
}

// DecodeEmbeddings reads what a server of this format answered: n vectors, in the
// order of the texts.
func DecodeEmbeddings(body []byte, n int) (vectors [][]float32, err error) {
	vectors = make([][]float32, n)
	r := newReader(body)
	defer r.release()
	err = r.object(func(name []byte) error {
		if string(name) != "data" {
			return r.skip()
		}
		return r.array(n, func(i int) error { return r.vector(vectors, i) })
	})
	if err == nil {
		err = r.end()
	}
	for i := range vectors {
		if err == nil && len(vectors[i]) == 0 {
			err = fmt.Errorf("there is no vector of text %d", i)
		}
	}
	if err != nil {
		return nil, &messages.Failure{
			Code: messages.CodeProviderFailed, What: "the embedder's answer cannot be read", Do: "see whether it speaks OpenAI's format", Cause: err,
		}
	}
	return vectors, nil
}

// maxDimensions bounds the vectors that are read.
const maxDimensions = 16384

// vector reads an element of "data" into its place.
func (r *reader) vector(into [][]float32, place int) error {
	var values []float32
	err := r.object(func(name []byte) error {
		switch string(name) {
		case "index":
			index, err := r.count(0, int64(len(into)-1))
			if err == nil {
				place = *index
			}
			return err
		case "embedding":
			return r.array(maxDimensions, func(int) error {
				x, err := r.number()
				values = append(values, float32(x))
				return err
			})
		default:
			return r.skip()
		}
	})
	into[place] = values
	return err
}
