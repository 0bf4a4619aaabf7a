package provider

import (
	"net/http"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

// retryAfter reads how long the provider wants to be left alone; zero where it
// does not say, or says nonsense. Retry-After-Ms is OpenAI's own.
func retryAfter(h *fasthttp.ResponseHeader, now time.Time) time.Duration {
	const most = 24 * time.Hour // whatever is longer is no time to wait for
	if ms, err := strconv.ParseFloat(string(h.Peek("Retry-After-Ms")), 64); err == nil && ms > 0 && ms < float64(most/time.Millisecond) {
		return time.Duration(ms * float64(time.Millisecond))
	}
	said := string(h.Peek("Retry-After"))
	if s, err := strconv.ParseFloat(said, 64); err == nil && s > 0 && s < most.Seconds() {
		return time.Duration(s * float64(time.Second))
	}
	if at, err := http.ParseTime(said); err == nil && at.After(now) && at.Before(now.Add(most)) {
		return at.Sub(now)
	}
	return 0
}
