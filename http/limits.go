package http

import (
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// Limits bounds what is no turn and uses a model all the same. Turns are limited
// behind Conversations, whichever way they come. actors/tenant implements it.
type Limits interface {
	// Begin lets a request of so many tokens pass, or fails with CodeRateLimited.
	// The hold is nil where there is nothing to settle.
	Begin(use messages.LimitUse, tokens int) (messages.LimitHold, messages.Rates, error)
}

// showRates tells a client what its limits leave, in the headers that OpenAI's SDKs
// read.
func showRates(c *fiber.Ctx, rates *messages.Rates) {
	showRate(c, "requests", &rates.Requests)
	showRate(c, "tokens", &rates.Tokens)
}

func showRate(c *fiber.Ctx, of string, rate *messages.Rate) {
	if rate.Limit == 0 {
		return
	}
	c.Set("x-ratelimit-limit-"+of, strconv.FormatInt(rate.Limit, 10))
	c.Set("x-ratelimit-remaining-"+of, strconv.FormatInt(rate.Remaining, 10))
	c.Set("x-ratelimit-reset-"+of, resetText(rate.Reset))
}

// resetText writes a time as OpenAI does: 1s, 6m0s, 17ms.
func resetText(d time.Duration) string {
	return (d + time.Millisecond - 1).Truncate(time.Millisecond).String()
}
