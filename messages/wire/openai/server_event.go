package openai

import (
	"time"

	"example.com/parley/messages"
)

// AppendErrorMessage writes an error as a WebSocket has it: nested, with the
// status that a request would have had. stream is empty where no lane is meant.
func AppendErrorMessage(dst []byte, e Error, status int, stream string) []byte {
	w := begin(dst)
	w.string("type", "error")
	w.int("status", int64(status))
	w.stream(stream)
	w.name("error")
	o := begin(w.dst)
	o.error(e)
	w.dst = o.end()
	return w.end()
}

func (o *object) stream(name string) {
	if name != "" {
		o.string("stream_id", name)
	}
}

// AppendDraining writes that a server stops: the client is to connect again after
// a while, which is of its own.
func AppendDraining(dst []byte, reconnectAfter time.Duration) []byte {
	w := begin(dst)
	w.string("type", "session.draining")
	w.int("reconnect_after_ms", reconnectAfter.Milliseconds())
	return w.end()
}

// SteerID is a steering's name.
func SteerID(id messages.TurnID) string { return "steer_" + id.String() }

// AppendSteered writes what became of a steering.
func AppendSteered(dst []byte, s *messages.Steering, step messages.SteerStep) []byte {
	w := begin(dst)
	sequence, stream := int64(0), ""
	if s.Turn != nil {
		sequence, stream = s.Turn.Shown.Load(), s.Turn.Lane.Name
	}
	switch step {
	case messages.SteerAccepted:
		w.string("type", "response.steer.accepted")
	case messages.SteerWaits:
		w.string("type", "response.steer.pending")
		w.string("reason", "waiting_for_required_input")
		w.array("required_input", len(s.Missing), func(dst []byte, i int) []byte { return appendStub(dst, &s.Missing[i]) })
	default:
		w.string("type", "response.steer.failed")
		w.steerError(step)
	}
	w.int("sequence_number", sequence)
	w.stream(stream)
	w.steer(s, step)
	return w.end()
}

// appendStub writes what identifies the output of a call, without the output.
func appendStub(dst []byte, call *messages.Item) []byte {
	w := begin(dst)
	w.string("type", string(messages.ItemToolOutput))
	w.string("call_id", call.CallID)
	return w.end()
}

func (o *object) steer(s *messages.Steering, step messages.SteerStep) {
	o.name("steer")
	w := begin(o.dst)
	switch step {
	case messages.SteerAccepted, messages.SteerWaits, messages.SteerUnfounded:
		w.string("id", SteerID(s.ID))
	default: // it was never accepted, so it has none
	}
	w.string("previous_response_id", s.Response)
	if step != messages.SteerAccepted && step != messages.SteerWaits {
		w.raw("input", s.Raw)
	}
	o.dst = w.end()
}

// steerErrors are OpenAI's words for a steering that failed.
var steerErrors = map[messages.SteerStep]Error{
	messages.SteerUnknown:   {Code: "response_not_found", Message: "there is no such response on this connection; steer one that runs here"},
	messages.SteerLate:      {Code: "response_already_completed", Message: "the response has ended; send the input with response.create"},
	messages.SteerTooMany:   {Code: "too_many_pending_steers", Message: "too much input waits for this response; wait until it has ended"},
	messages.SteerUnfounded: {Code: "successor_creation_failed", Message: "the response failed or was cancelled; send the input with response.create"},
}

func (o *object) steerError(step messages.SteerStep) {
	shown := steerErrors[step]
	o.name("error")
	w := begin(o.dst)
	w.string("type", "invalid_request_error")
	w.string("code", shown.Code)
	w.string("message", shown.Message)
	o.dst = w.end()
}
