package openai

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"example.com/parley/messages"
)

// providerError is what a provider says of a failure, in whatever shape.
type providerError struct {
	message string
	kind    string // type
	code    string
}

// DecodeError turns a provider's answer that is no success into a failure. It
// understands the shapes that servers of this format use: {"error":{...}},
// {"error":"text"}, {"message":...}, {"detail":...}, and pages of HTML, of which
// it says nothing. What the provider says of a 4xx is passed on, without
// anything that looks like a key.
func DecodeError(status int, retryAfter time.Duration, body []byte) *messages.Failure {
	f := readProviderError(body).failure(status)
	f.RetryAfter = retryAfter
	return f
}

// decodeStreamError does the same for an error inside a stream, whose status is
// lost.
func decodeStreamError(data []byte) *messages.Failure {
	e := readProviderError(data)
	f := e.failure(e.status())
	if f.Code == messages.CodeProviderFailed {
		f.What = "the provider's reply ended in an error"
	}
	return f
}

// status guesses the status that the error would have had.
func (e providerError) status() int {
	if code, err := strconv.Atoi(e.code); err == nil && code >= 400 && code < 600 {
		return code
	}
	switch said := e.kind + " " + e.code; {
	case has(said, "rate_limit", "insufficient_quota"):
		return http.StatusTooManyRequests
	case has(said, "authentication"):
		return http.StatusUnauthorized
	case has(said, "invalid_request", "context_length", "content_filter", "BadRequest"):
		return http.StatusBadRequest
	default:
		return http.StatusBadGateway
	}
}

func (e providerError) failure(status int) *messages.Failure {
	said := e.kind + " " + e.code
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return e.keyRefused()
	case status == http.StatusRequestTimeout || status == http.StatusGatewayTimeout:
		return &messages.Failure{
			Code: messages.CodeProviderTimeout, What: "the provider did not answer in time", Do: "send the request again",
		}
	case status == http.StatusPaymentRequired || status == http.StatusTooManyRequests && has(said, "insufficient_quota", "billing", "credit"):
		return &messages.Failure{
			Code: messages.CodeProviderQuota, NoRetry: true,
			What: "the server's account with the provider has run out", Do: "ask the operator to raise it, or use another model",
		}
	case status == http.StatusTooManyRequests:
		return &messages.Failure{
			Code: messages.CodeProviderLimited, What: "the provider takes no more requests for now", Do: "send the request again later",
		}
	case status >= 400 && status < 500:
		return e.rejected(status)
	default:
		return &messages.Failure{
			Code: messages.CodeProviderFailed, What: "the provider failed with status " + strconv.Itoa(status),
			Do: "send the request again",
		}
	}
}

// keyRefused tells the client nothing and the operator what the provider said.
func (e providerError) keyRefused() *messages.Failure {
	return &messages.Failure{
		Code: messages.CodeProviderKey, NoRetry: true,
		What: "the provider refused the server's key", Do: "ask the operator to check it, or use another model",
		Cause: errors.New(e.text()),
	}
}

func (e providerError) rejected(status int) *messages.Failure {
	f := &messages.Failure{
		Code: messages.CodeProviderRejected, Status: status, NoRetry: true,
		What: "the provider refused the request: " + e.text(), Do: "change the request, or use another model",
	}
	said := e.kind + " " + e.code + " " + e.message
	switch {
	case has(said, "context_length", "context length", "context window", "maximum context", "prompt is too long", "too many tokens"):
		f.Code, f.Do = messages.CodeContextLength, "send less, or use a model with a longer context"
	case has(said, "content_filter", "content_policy", "ResponsibleAIPolicy", "data_inspection", "moderation"):
		f.Code, f.Do = messages.CodeContentFilter, "change what the request says"
	}
	return f
}

// text is what the provider said, fit for others to read.
func (e providerError) text() string {
	const longest = 500 // bytes; an error that is longer quotes the request
	if e.message == "" {
		return "it does not say why"
	}
	return oneLine(redact(e.message), longest)
}

// has tells whether s contains one of the words.
func has(s string, words ...string) bool {
	for _, word := range words {
		if strings.Contains(s, word) {
			return true
		}
	}
	return false
}

// readProviderError reads as much of an error as it finds.
func readProviderError(body []byte) (e providerError) {
	r := newLenientReader(body)
	defer r.release()
	if r.isArray() { // Google wraps its errors in an array
		_ = r.array(1, func(int) error { return r.errorMembers(&e) })
		return e
	}
	_ = r.errorMembers(&e) // what is no JSON, as a page of a proxy, says nothing that helps
	return e
}

func (r *reader) errorMembers(e *providerError) error {
	return r.object(func(name []byte) (err error) {
		switch string(name) {
		case "error", "detail":
			err = r.errorText(e)
		case "message", "msg":
			e.message, err = r.word()
		case "type":
			e.kind, err = r.word()
		case "code":
			e.code, err = r.wordOrNumber()
		default:
			err = r.skip()
		}
		return err
	})
}

// errorText reads an error that is a text, an object, or a list of those.
func (r *reader) errorText(e *providerError) (err error) {
	switch r.peek() {
	case '"':
		e.message, err = r.string()
		return err
	case '{':
		if r.depth >= maxDepth {
			return r.skip()
		}
		return r.errorMembers(e)
	case '[':
		return r.array(maxParts, func(int) error {
			if r.depth >= maxDepth {
				return r.skip()
			}
			return r.errorText(e)
		})
	default:
		return r.skip()
	}
}

func (r *reader) wordOrNumber() (string, error) {
	if !r.isNumber() {
		return r.word()
	}
	value, err := r.view()
	return string(value), err
}
