package conversation

import (
	"errors"
	"time"

	"example.com/parley/messages"
)

// Why a turn's context ended, beside a *messages.Failure.
var (
	errClientGone = errors.New("the client has gone")
	errDeadline   = errors.New("the turn's deadline has passed")
	errErased     = errors.New("the response was deleted while it ran")
	errCancelled  = errors.New("somebody asked for its end")
)

// withdrawn refuses a turn that was cancelled before it began.
func withdrawn() error {
	return &messages.Failure{
		Code: messages.CodeCancelled, What: "the turn was cancelled: " + errCancelled.Error(), Do: "send the request again", NoRetry: true,
	}
}

func tooManyTurns(ref messages.ConversationRef) error {
	return &messages.Failure{
		Code: messages.CodeTooManyTurns, What: "conversation " + string(ref.Conversation) + " is answering, and 8 requests wait for it",
		Do: "wait for the running response to end before the next is asked for", RetryAfter: time.Second,
	}
}

func restarted(ref messages.ConversationRef) error {
	what := "the turn was interrupted inside the server"
	if ref.Conversation != "" {
		what = "conversation " + string(ref.Conversation) + " was interrupted inside the server"
	}
	return &messages.Failure{Code: messages.CodeRestarted, What: what, Do: "send the request again", RetryAfter: 100 * time.Millisecond}
}

func absent(ref messages.ConversationRef) error {
	return &messages.Failure{
		Code: messages.CodeConversationAbsent, What: "there is no conversation " + string(ref.Conversation),
		Do: "create one with POST /v1/conversations, or list them with GET /v1/conversations", Param: "conversation",
	}
}

func deadlinePassed() error {
	return &messages.Failure{
		Code: messages.CodeDeadline, What: "the turn did not end before its deadline",
		Do: "ask for less output, or raise the server's http.turn_timeout",
	}
}

func panicked(value any) error {
	return &messages.Failure{
		Code: messages.CodeInternal, What: "the reply could not be read", Do: "send the request again; the fault is in the server's log under the request's id",
		Cause: &panicError{value},
	}
}

// panicError keeps what was thrown for the log.
type panicError struct{ value any }

// Error implements error.
func (p *panicError) Error() string {
	if err, ok := p.value.(error); ok {
		return "panic: " + err.Error()
	}
	if text, ok := p.value.(string); ok {
		return "panic: " + text
	}
	return "panic"
}

// mayFallBack tells whether another provider may do better with the same call.
// What is wrong with the request is wrong everywhere. A budget that has no room for
// it may have some for a cheaper one: nobody was called to find that out.
func mayFallBack(err error) bool {
	switch messages.CodeOf(err) {
	case messages.CodeProviderFailed, messages.CodeProviderLimited, messages.CodeProviderQuota,
		messages.CodeProviderUnavailable, messages.CodeProviderKey, messages.CodeProviderTimeout, messages.CodeBudgetExceeded:
		return true
	default:
		return false
	}
}
