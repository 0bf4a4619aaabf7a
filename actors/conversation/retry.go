package conversation

import (
	"context"
	"math/rand/v2"
	"time"

	"example.com/parley/messages"
)

// retries is what the same providers may be asked again: a tenth of all calls,
// and ten a second where there are few. Ten seconds' worth are saved up.
var retries = allowance{share: 0.1, floor: 10, most: 100}

const (
	firstPause   = 100 * time.Millisecond // before the first retry, at most; doubled for each
	longestPause = 2 * time.Second
)

// mayRetry tells whether the provider that failed is worth a second call: it
// broke, and did not say that it would rather be left alone. One that was too
// slow has had its time.
func mayRetry(err error) bool {
	f := messages.AsFailure(err)
	return f.Code == messages.CodeProviderFailed && !f.NoRetry && f.RetryAfter <= longestPause
}

// pause waits before retry number n, counted from 0, and tells whether it is
// still wanted then: not when its client has left, nor when the turn would end
// before. How long it waits is random over the whole interval ("full jitter"), so
// that those who failed together do not come back together.
func (t *turn) pause(ctx context.Context, n int) bool {
	limit := min(firstPause<<n, longestPause)
	wait := time.NewTimer(rand.N(limit)) // #nosec G404 -- spreads load; nobody gains by guessing it
	defer wait.Stop()
	if time.Until(t.spec.Deadline) <= limit {
		return false
	}
	select {
	case <-wait.C:
		return t.kept == nil || !t.presence.isEmpty()
	case <-t.left():
		return false
	case <-ctx.Done():
		return false
	}
}
