package provider

import (
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for said, want := range map[string]time.Duration{
		"":                              0,
		"7":                             7 * time.Second,
		"0.5":                           500 * time.Millisecond,
		"0":                             0,
		"-1":                            0,
		"NaN":                           0,
		"Inf":                           0,
		"99999999999":                   0,
		"soon":                          0,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute,
		"Fri, 02 Jan 2026 03:04:05 GMT": 0,
		"Fri, 02 Jan 2099 03:04:05 GMT": 0,
	} {
		var h fasthttp.ResponseHeader
		h.Set("Retry-After", said)
		if got := retryAfter(&h, now); got != want {
			t.Errorf("Retry-After %q is %s, want %s", said, got, want)
		}
	}
	for said, want := range map[string]time.Duration{"1500": 1500 * time.Millisecond, "x": 2 * time.Second, "-3": 2 * time.Second} {
		var h fasthttp.ResponseHeader
		h.Set("Retry-After", "2")
		h.Set("Retry-After-Ms", said)
		if got := retryAfter(&h, now); got != want {
			t.Errorf("Retry-After-Ms %q is %s, want %s", said, got, want)
		}
	}
}
