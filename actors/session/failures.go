package session

import (
	"fmt"

	"example.com/parley/messages"
)

func errTooManyFlying() error {
	return &messages.Failure{
		Code: messages.CodeStreamLimit, What: fmt.Sprintf("%d responses run or wait on this connection", maxFlying),
		Do: "wait until one has ended, or open another connection",
	}
}

func errTooManyLanes() error {
	return &messages.Failure{
		Code: messages.CodeStreamLimit, What: fmt.Sprintf("this connection has %d streams with a name", maxLanes), Param: "stream_id",
		Do: "use one of them again, or open another connection",
	}
}

func errNothingToCancel(m *messages.CancelLane) error {
	if m.Response == "" {
		return &messages.Failure{
			Code: messages.CodeResponseAbsent, What: "no response runs on this stream", Param: "stream_id",
			Do: "check the stream's name, or name the response",
		}
	}
	return &messages.Failure{
		Code: messages.CodeResponseAbsent, What: "no response of this id runs on this connection", Param: "response_id",
		Do: "check the id, which begins with resp_; it may have ended",
	}
}
