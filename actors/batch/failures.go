package batch

import (
	"fmt"
	"time"

	"example.com/parley/messages"
)

func cancelled(why string) error {
	return &messages.Failure{Code: messages.CodeCancelled, What: "the batch was cancelled: " + why, Do: "send the request again"}
}

func tooMuch() error {
	return &messages.Failure{
		Code: messages.CodeBatchTooLarge, What: "the batches' requests and results take as much memory as they may",
		Do: "send fewer requests at a time, fetch and delete the results of earlier batches, or have batch.max_bytes raised", NoRetry: true,
	}
}

func tooManyBatches(all, own int) error {
	return &messages.Failure{
		Code: messages.CodeTooManyTurns, What: fmt.Sprintf("%d batches run, %d of them yours", all, own),
		Do: "wait for one to end, or cancel it", RetryAfter: 10 * time.Second,
	}
}

func noSuchBatch() error {
	return &messages.Failure{
		Code: messages.CodeBatchAbsent, What: "there is no such batch",
		Do: "give the id that the batch was answered with; its results may have expired, and a start of the server forgets them", NoRetry: true,
	}
}
