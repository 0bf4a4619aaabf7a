package openai

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json/jsontext"

	"example.com/parley/messages"
)

// appendPassthrough writes body with another model, stream and stream_options,
// and every other member as it came.
func appendPassthrough(dst []byte, model string, stream bool, body []byte) ([]byte, error) {
	w := begin(dst)
	w.string("model", model)
	w.bool("stream", stream)
	var options []byte
	err := skim(body, func(name, member, value []byte) {
		switch string(name) {
		case "model", "stream":
		case "stream_options":
			options = value
		default:
			w.members(member)
		}
	})
	if err == nil && stream {
		w.name("stream_options")
		w.dst, err = appendStreamOptions(w.dst, options)
	}
	if err != nil {
		return dst, &messages.Failure{
			Code: messages.CodeInternal, What: "a request that was read before could not be read again",
			Do: "report this with the request's id", Cause: err,
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
	err := skim(options, func(name, member, _ []byte) {
		if string(name) != "include_usage" {
			w.members(member)
		}
	})
	return w.end(), err
}

var errNotRead = errors.New("the text is no object that was read before")

// skim calls visit for each member of an object that was read and checked
// before: its name, the whole of it (`"name":value`), and its value. It looks
// for strings' ends and nothing else, which takes a tenth of reading it again.
func skim(text []byte, visit func(name, member, value []byte)) error {
	at := valueStart(text, 0)
	if at == len(text) || text[at] != '{' {
		return errNotRead
	}
	rest := text[at+1:]
	for {
		rest = rest[valueStart(rest, 0):]
		if len(rest) > 0 && rest[0] == '}' {
			return nil
		}
		nameEnd := valueEnd(rest)
		start := valueStart(rest, nameEnd)
		end := start + valueEnd(rest[start:])
		if nameEnd < len(`""`) || rest[0] != '"' || end == start {
			return errNotRead
		}
		visit(nameOf(rest[:nameEnd]), rest[:end], rest[start:end])
		rest = rest[end:]
	}
}

// nameOf is a name without quotes and escapes.
func nameOf(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	name, _ := jsontext.AppendUnquote(nil, quoted)
	return name
}

// valueStart is where the next name or value begins at or behind a place.
func valueStart(b []byte, at int) int {
	for ; at < len(b); at++ {
		switch b[at] {
		case ' ', '\t', '\r', '\n', ',', ':':
		default:
			return at
		}
	}
	return at
}

// valueEnd is where the value ends that b begins with.
func valueEnd(b []byte) int {
	level := 0
	for at := 0; at < len(b); {
		switch b[at] {
		case '"':
			at += stringEnd(b[at:])
		case '{', '[':
			level++
			at++
			continue
		case '}', ']':
			if level == 0 { // of what the value is in
				return at
			}
			level--
			at++
		case ',', ':', ' ', '\t', '\r', '\n':
			if level == 0 {
				return at
			}
			at++
			continue
		default: // of a number, true, false or null
			at++
			continue
		}
		if level == 0 {
			return at
		}
	}
	return len(b)
}
