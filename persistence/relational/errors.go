package relational

import (
	"errors"
	"fmt"
	"time"

	"example.com/parley/messages"
)

// Unavailable is the failure of a database that cannot be used for now. A
// Failure is passed on as it is.
func Unavailable(method string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*messages.Failure](err); ok {
		return err
	}
	return &messages.Failure{
		Code: messages.CodeStoreUnavailable, What: "the database could not be used",
		Do: "try again in a moment; the server's log has the cause", RetryAfter: time.Second, Cause: fmt.Errorf("%s: %w", method, err),
	}
}

// Full is the failure of a database whose disk is full.
func Full(method string, err error) error {
	return &messages.Failure{
		Code: messages.CodeStoreFull, What: "the disk of the database is full",
		Do: "free some room on it; reading goes on meanwhile", RetryAfter: time.Minute, Cause: fmt.Errorf("%s: %w", method, err),
	}
}

func stale(ref messages.ConversationRef) error {
	return &messages.Failure{
		Code: messages.CodeStaleEpoch, What: "conversation " + string(ref.Conversation) + " is handled elsewhere by now",
		Do: "send the request again", RetryAfter: 100 * time.Millisecond,
	}
}

// wentOn is for a turn whose conversation has not waited for it.
func wentOn(ref messages.ConversationRef) error {
	return &messages.Failure{
		Code: messages.CodeRestarted, What: "the node that answered is gone, and conversation " + string(ref.Conversation) + " has changed since",
		Do: "send the request again", RetryAfter: 100 * time.Millisecond,
	}
}

func beingAnswered() error {
	return &messages.Failure{
		Code: messages.CodeIdempotencyRunning, What: "this request is being answered already", Do: "wait for its reply", RetryAfter: time.Second,
	}
}

func conversationAbsent(id messages.ConversationID) error {
	return &messages.Failure{
		Code: messages.CodeConversationAbsent, What: "there is no conversation " + string(id), Param: "conversation",
		Do: "create one with POST /v1/conversations, or list them with GET /v1/conversations",
	}
}

func responseAbsent() error {
	return &messages.Failure{
		Code: messages.CodeResponseAbsent, What: "there is no such response",
		Do: "check the id; responses that were asked for with store=false are not kept",
	}
}

func itemAbsent(id messages.ItemID) error {
	return &messages.Failure{
		Code: messages.CodeItemAbsent, What: "there is no item " + string(id), Do: "list the conversation's items to see their ids",
	}
}
