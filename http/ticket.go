package http

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// A browser cannot send a key in a header, and must not have one. The server of its
// page asks for a ticket instead, which opens one connection, soon, from that page.
const (
	ticketLife = 30 * time.Second
	ticketSize = 32      // random bytes
	maxTickets = 100_000 // that are out at a time: each costs some 200 bytes
	maxTicket  = 128     // characters of one that a client presents
)

// ticket is what one lets in.
type ticket struct {
	who     messages.Principal
	key     string // that it was asked for with; on an edge node alone, which shows it to the core
	origin  string
	expires time.Time
}

// tickets remembers those that are out, by their hash. It is safe for concurrent
// use.
type tickets struct {
	mu   sync.Mutex
	out  map[[sha256.Size]byte]ticket
	next []issued // oldest first
}

type issued struct {
	hash    [sha256.Size]byte
	expires time.Time
}

func newTickets() *tickets { return &tickets{out: make(map[[sha256.Size]byte]ticket)} }

// issue returns a new ticket's text.
func (k *tickets) issue(who messages.Principal, key, origin string, now time.Time) (text string, expires time.Time, err error) {
	random := make([]byte, ticketSize)
	_, _ = rand.Read(random) // which never fails
	text, expires = base64.RawURLEncoding.EncodeToString(random), now.Add(ticketLife)
	hash := sha256.Sum256([]byte(text))
	k.mu.Lock()
	defer k.mu.Unlock()
	k.expire(now)
	if len(k.out) == maxTickets {
		return "", expires, &messages.Failure{
			Code: messages.CodeOverloaded, What: "too many tickets are out", Do: "ask again in a moment", RetryAfter: soon,
		}
	}
	k.out[hash] = ticket{who: who, key: key, origin: origin, expires: expires}
	k.next = append(k.next, issued{hash: hash, expires: expires})
	return text, expires, nil
}

// expire forgets what nobody can use any more. The mutex is held.
func (k *tickets) expire(now time.Time) {
	old := 0
	for old < len(k.next) && now.After(k.next[old].expires) {
		delete(k.out, k.next[old].hash)
		old++
	}
	k.next = k.next[old:] // the next ones push it out of its array
}

// redeem lets in whom a ticket is for. Whoever shows one uses it up, also from the
// wrong page.
func (k *tickets) redeem(text, origin string, now time.Time) (ticket, error) {
	hash := sha256.Sum256([]byte(text))
	k.mu.Lock()
	defer k.mu.Unlock()
	found, known := k.out[hash]
	delete(k.out, hash)
	if !known || now.After(found.expires) || found.origin != origin {
		return ticket{}, &messages.Failure{
			Code: messages.CodeInvalidTicket, What: "the ticket is not valid: it was used, it is older than 30 seconds, or it is for another origin",
			Do: "ask for a new one with POST /v1/realtime-tickets, and use it at once", NoRetry: true,
		}
	}
	return found, nil
}

// ticketRequest is the body of POST /v1/realtime-tickets.
type ticketRequest struct {
	Origin string `json:"origin"`
}

// ticketReply is the answer.
type ticketReply struct {
	Object    string `json:"object"`
	Ticket    string `json:"ticket"`
	Protocol  string `json:"protocol"`
	ExpiresAt int64  `json:"expires_at"`
}

// readTicketRequest reads a body, which is one object and nothing behind it.
func readTicketRequest(body []byte) (asked ticketRequest, err error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&asked); err != nil {
		return asked, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return asked, errors.New("there is more behind the object")
	}
	return asked, nil
}

// createTicket answers POST /v1/realtime-tickets.
func (s *Server) createTicket(c *fiber.Ctx, x *exchange) error {
	asked, err := readTicketRequest(c.Request().Body())
	if err != nil || asked.Origin == "" {
		return invalid("origin", "the body names no origin", `send {"origin": "https://..."}, that of the page that will connect`)
	}
	if !s.allowsOrigin(asked.Origin) {
		return wrongOrigin()
	}
	key := ""
	if s.core != nil {
		key = PresentedKey(c)
	}
	text, expires, err := s.tickets.issue(x.principal, key, asked.Origin, x.begun)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.JSON(ticketReply{Object: "realtime.ticket", Ticket: text, Protocol: ticketPrefix + text, ExpiresAt: expires.Unix()})
}

// presentedTicket returns a copy of the ticket among the subprotocols that a
// browser offers.
func presentedTicket(c *fiber.Ctx) string {
	for name := range strings.SplitSeq(string(c.Request().Header.Peek("Sec-Websocket-Protocol")), ",") {
		if text, found := strings.CutPrefix(strings.TrimSpace(name), ticketPrefix); found && isText([]byte(text), maxTicket) {
			return text
		}
	}
	return ""
}
