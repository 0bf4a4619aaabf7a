package anthropic

import (
	"bytes"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"example.com/parley/messages"
)

// appendPassthrough writes body with another model and stream, and every other
// byte as it came.
func appendPassthrough(dst []byte, model string, stream bool, body []byte) ([]byte, error) {
	start := len(dst)
	dst, err := splice(dst, body, model, stream)
	if err != nil {
		return dst[:start], &messages.Failure{
			Code: messages.CodeInternal, What: "a request that was read before could not be read again",
			Do: "report this with the request's id", Cause: err,
		}
	}
	return dst, nil
}

// splice copies the object in body member by member. Names are compared as they
// are meant, not as they are spelled.
func splice(dst, body []byte, model string, stream bool) ([]byte, error) {
	d := jsontext.NewDecoder(bytes.NewReader(body))
	if opening, err := d.ReadToken(); err != nil || opening.Kind() != '{' {
		return dst, fmt.Errorf("read the original request: it is no object: %w", err)
	}
	w := begin(dst)
	w.string("model", model)
	w.bool("stream", stream)
	for d.PeekKind() != '}' {
		token, err := d.ReadToken()
		if err != nil {
			return w.dst, fmt.Errorf("read the original request: %w", err)
		}
		name := token.String()
		value, err := d.ReadValue()
		if err != nil {
			return w.dst, fmt.Errorf("read the original request: %w", err)
		}
		if name == "model" || name == "stream" {
			continue
		}
		w.dst = append(appendString(append(w.dst, ','), name), ':')
		w.dst = append(w.dst, value...)
	}
	return w.end(), nil
}
