package admission

import (
	"time"

	"example.com/parley/messages"
)

// retryAfter is what a refused client is told to wait at least. A place comes free
// when any turn ends, and turns last seconds.
const retryAfter = time.Second

// overloaded refuses a turn for want of room, which is nobody's own fault; wait is
// how long those take who wait already, where that is known.
func overloaded(wait time.Duration) error {
	return &messages.Failure{
		Code: messages.CodeOverloaded, What: "the server has as many turns running and waiting as it may",
		Do: "try again in a moment; an operator can raise admission.max_running", RetryAfter: max(wait, retryAfter),
	}
}

// shortOfMemory refuses a class while the process holds nearly as much memory as it
// may.
func shortOfMemory(class messages.Priority) error {
	return &messages.Failure{
		Code: messages.CodeOverloaded, What: "the server is short of memory, and takes no requests of the class " + class.String() + " for now",
		Do: "try again in a moment; an operator can give it more", RetryAfter: 2 * retryAfter,
	}
}

// tenantQueueFull refuses a turn of a tenant that has its part of the queue: the
// others are not to be kept from theirs.
func tenantQueueFull() error {
	return &messages.Failure{
		Code: messages.CodeTenantQueueFull, What: "as many turns of the tenant wait as may",
		Do: "send fewer at a time; an operator can raise admission.tenant_share", RetryAfter: retryAfter,
	}
}

// tooLate refuses a turn that would wait for longer than it has time. Its client
// may come again once those before it have gone.
func tooLate(wait, left time.Duration) error {
	return &messages.Failure{
		Code: messages.CodeProviderBusy, What: "the providers of the model are at their limit, and the turn's time would be over before its place came",
		Do: "try again later, or use another model", RetryAfter: max(wait-left, retryAfter),
	}
}

// tooLateHere is tooLate where the server itself is full.
func tooLateHere(wait, left time.Duration) error {
	return &messages.Failure{
		Code: messages.CodeOverloaded, What: "the turn's time would be over before there was a place for it",
		Do: "try again later, or give it more time", RetryAfter: max(wait-left, retryAfter),
	}
}

func shuttingDown() error {
	return &messages.Failure{
		Code: messages.CodeShuttingDown, What: "the server is shutting down",
		Do: "send the request again; another server, or this one after its restart, will take it", RetryAfter: retryAfter,
	}
}

// gaveUp is why a turn is let in no more, where it is not.
func gaveUp(m *messages.StartTurn) error {
	switch {
	case m.Client.Err() != nil:
		return &messages.Failure{Code: messages.CodeCancelled, What: "the client left while its turn waited"}
	case !time.Now().Before(m.Spec.Deadline):
		return &messages.Failure{
			Code: messages.CodeDeadline, What: "the turn waited in the queue until its deadline",
			Do: "try again, or give it more time", RetryAfter: retryAfter,
		}
	default:
		return nil
	}
}
