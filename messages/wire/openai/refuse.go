package openai

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"example.com/parley/messages"
)

// invalid is the failure of a request's field. It reads: the path, what is wrong
// with it; what to do.
func invalid(path, wrong, do string) *messages.Failure {
	return &messages.Failure{
		Code: messages.CodeInvalidRequest, Param: path, What: subject(path) + " " + wrong, Do: do, NoRetry: true,
	}
}

// sentence lists words as a person would.
func sentence(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

func subject(path string) string {
	if path == "" {
		return "the request"
	}
	return path
}

// refusal turns what went wrong while body was read into what its sender may
// know. It never says what the body holds.
func refusal(err error, body []byte) *messages.Failure {
	if f, ok := errors.AsType[*messages.Failure](err); ok {
		return f
	}
	if kind, ok := errors.AsType[*kindError](err); ok {
		return invalid(kind.path, "is "+kind.got+", not "+kind.want, "send "+kind.want)
	}
	if count, ok := errors.AsType[*countError](err); ok {
		return invalid(count.path, fmt.Sprintf("is one more than the %d that are allowed", count.limit), "send fewer")
	}
	if deep, ok := errors.AsType[*depthError](err); ok {
		return malformed(deep.path, fmt.Sprintf("is nested deeper than %d levels", maxDepth), "send a flatter value")
	}
	return notJSON(explain(body), body)
}

// notJSON says why body cannot be read at all.
func notJSON(err error, body []byte) *messages.Failure {
	var path string
	var offset int64
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		path, offset = pathOf(syntax.JSONPointer), syntax.ByteOffset
	}
	where := fmt.Sprintf(" at byte %d", offset)
	switch {
	case !utf8.Valid(body):
		return malformed(path, "is not valid UTF-8"+where, "encode the body as UTF-8")
	case errors.Is(err, jsontext.ErrDuplicateName):
		return malformed(path, "has a member that was there before"+where, "send each member once")
	case len(strings.TrimSpace(string(body))) == 0:
		return malformed("", "has no body", "send a JSON object")
	case errors.Is(err, errTrailing):
		return malformed("", "goes on behind its JSON object", "send one JSON object alone")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return malformed(path, "ends in the middle of its JSON", "send the whole body; check its Content-Length")
	default:
		return malformed(path, "is not valid JSON"+where, "send valid JSON")
	}
}

func malformed(path, wrong, do string) *messages.Failure {
	f := invalid(path, wrong, do)
	f.Code = messages.CodeInvalidJSON
	return f
}
