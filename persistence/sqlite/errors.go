package sqlite

import (
	"errors"
	"fmt"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"example.com/parley/messages"
)

// primaryCode masks SQLite's extended result codes.
const primaryCode = 0xff

// failure tells callers what they can do about err. A Failure is passed on as
// it is.
func failure(method string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*messages.Failure](err); ok {
		return err
	}
	cause := fmt.Errorf("%s: %w", method, err)
	if e, ok := errors.AsType[*sqlite.Error](err); ok && e.Code()&primaryCode == sqlite3.SQLITE_FULL {
		return &messages.Failure{
			Code: messages.CodeStoreFull, What: "the disk of the database is full",
			Do: "free some room on it; reading goes on meanwhile", RetryAfter: time.Minute, Cause: cause,
		}
	}
	return &messages.Failure{
		Code: messages.CodeStoreUnavailable, What: "the database could not be used",
		Do: "try again in a moment; the server's log has the cause", RetryAfter: time.Second, Cause: cause,
	}
}

func stale(ref messages.ConversationRef) error {
	return &messages.Failure{
		Code: messages.CodeStaleEpoch, What: "conversation " + string(ref.Conversation) + " is handled elsewhere by now",
		Do: "send the request again", RetryAfter: 100 * time.Millisecond,
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
