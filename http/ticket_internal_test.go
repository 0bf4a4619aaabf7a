package http

import (
	"testing"
	"time"

	"example.com/parley/messages"
)

const page = "https://chat.example.com"

func TestATicketLetsInOnceAndSoonAndFromItsPage(t *testing.T) {
	t.Parallel()
	begin := time.Unix(1_800_000_000, 0)
	for name, test := range map[string]struct {
		origin string
		after  time.Duration
		used   int
		lets   bool
	}{
		"at once":           {origin: page, lets: true},
		"at its last":       {origin: page, after: ticketLife, lets: true},
		"too late":          {origin: page, after: ticketLife + 1},
		"a second time":     {origin: page, used: 1},
		"from another page": {origin: "https://chat.example.org"},
		"from no page":      {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newTickets()
			text, expires, err := k.issue(messages.Principal{Tenant: "acme"}, "", page, begin)
			if err != nil || !expires.Equal(begin.Add(ticketLife)) {
				t.Fatalf("issued until %s: %v", expires, err)
			}
			for range test.used {
				_, _ = k.redeem(text, test.origin, begin)
			}
			let, err := k.redeem(text, test.origin, begin.Add(test.after))
			if test.lets != (err == nil) || test.lets != (let.who.Tenant == "acme") {
				t.Errorf("%+v, %v", let, err)
			}
			if err != nil && messages.CodeOf(err) != messages.CodeInvalidTicket {
				t.Errorf("refused with %v", err)
			}
			if _, err := k.redeem(text, page, begin); err == nil {
				t.Error("it is good for another")
			}
		})
	}
}

func TestTicketsThatNobodyUsesAreForgotten(t *testing.T) {
	t.Parallel()
	k, now := newTickets(), time.Unix(1_800_000_000, 0)
	for range maxTickets {
		if _, _, err := k.issue(messages.Principal{}, "", page, now); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := k.issue(messages.Principal{}, "", page, now); messages.CodeOf(err) != messages.CodeOverloaded {
		t.Errorf("one too many: %v", err)
	}
	if _, _, err := k.issue(messages.Principal{}, "", page, now.Add(ticketLife+1)); err != nil || len(k.out) != 1 || len(k.next) != 1 {
		t.Errorf("%d are out: %v", len(k.out), err)
	}
}
