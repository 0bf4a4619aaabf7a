package spool

import (
	"time"

	"example.com/parley/messages"
)

func full() error {
	return &messages.Failure{
		Code: messages.CodeStoreUnavailable, What: "the ledger's queue is full, because the store has taken no rows for a while",
		Do: "bring the store back; an operator can raise ledger.max_bytes meanwhile", RetryAfter: time.Second,
	}
}

func closed() error {
	return &messages.Failure{
		Code: messages.CodeShuttingDown, What: "the ledger is closed", Do: "send the request again", RetryAfter: time.Second,
	}
}

func unwritable(err error) error {
	return &messages.Failure{
		Code: messages.CodeStoreFull, What: "the ledger's queue could not be written", Do: "look at the disk of the data folder",
		RetryAfter: time.Minute, Cause: err,
	}
}

func tooLong() error {
	return &messages.Failure{
		Code: messages.CodeInvalidRequest, What: "the name of the model is longer than the ledger takes", Do: "ask for a model by its name",
		Param: "model", NoRetry: true,
	}
}
