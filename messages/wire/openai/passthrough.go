package openai

import (
	"fmt"

	"example.com/parley/messages"
)

// appendPassthrough writes body with another model, stream and stream_options,
// and every other member as it came.
func appendPassthrough(dst []byte, model string, stream bool, body []byte) ([]byte, error) {
	r := newReader(body)
	defer r.release()
	w := begin(dst)
	w.string("model", model)
	w.bool("stream", stream)
	var options []byte
	err := r.members(func(name, quoted, value []byte) {
		switch string(name) {
		case "model", "stream":
		case "stream_options":
			options = value
		default:
			w.dst = append(append(append(append(w.dst, ','), quoted...), ':'), value...)
		}
	})
	if err == nil && stream {
		w.name("stream_options")
		w.dst, err = appendStreamOptions(w.dst, options)
	}
	if err != nil {
		return dst, &messages.Failure{
			Code: messages.CodeInternal, What: "a request that was read before could not be read again",
			Do: "report this with the request's id", Cause: fmt.Errorf("splice the original request: %w", err),
		}
	}
	return w.end(), nil
}

// appendStreamOptions asks for usage, and for what else the client asked.
func appendStreamOptions(dst, options []byte) ([]byte, error) {
	w := begin(dst)
	w.bool("include_usage", true)
	if len(options) == 0 || options[0] != '{' {
		return w.end(), nil
	}
	r := newReader(options)
	defer r.release()
	err := r.members(func(name, quoted, value []byte) {
		if string(name) != "include_usage" {
			w.dst = append(append(append(append(w.dst, ','), quoted...), ':'), value...)
		}
	})
	return w.end(), err
}

// members calls member for each member of an object. The quoted name and the
// value are as they were sent, and part of the text.
func (r *reader) members(member func(name, quoted, value []byte)) error {
	if err := r.open('{', "an object"); err != nil {
		return err
	}
	for r.decoder.PeekKind() != '}' {
		start := r.start()
		name, err := r.name()
		if err != nil {
			return err
		}
		quoted := r.text[start:r.decoder.InputOffset()]
		start = r.start()
		if err := r.decoder.SkipValue(); err != nil {
			return err
		}
		member(name, quoted, r.text[start:r.decoder.InputOffset()])
	}
	_, err := r.decoder.ReadToken()
	return err
}
