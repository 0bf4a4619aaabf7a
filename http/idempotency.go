package http

import (
	"bytes"
	"context"
	"crypto/sha256"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"example.com/parley/messages"
)

// idempotencyHeader names a request whose reply is wanted once.
const idempotencyHeader = "Idempotency-Key"

const (
	maxKey = 255 // characters of an Idempotency-Key, as elsewhere

	// maxKept bounds what a stream is remembered by. One that is longer is put
	// together again from the store.
	maxKept = 1 << 20
)

// claim is a hold on an idempotency key. Once settled it does nothing more. One
// goroutine uses it at a time: the handler's, then the stream's.
type claim struct {
	server  *Server
	wanted  messages.Claim
	earlier messages.TurnID // of the request that died with the key, or whose reply was too long to keep
	died    bool            // the earlier one did
	joins   bool            // the earlier one still runs: this request is answered with its turn, and the key is its
	stored  bool            // the turn is kept, and can be put together again
	settled bool

	sent []byte // of a stream, so far
	long bool   // sent would be too long
}

// claimKey takes the key of the request, if it has one. It answers a request
// that was answered before, and says so.
func (s *Server) claimKey(c *fiber.Ctx, x *exchange) (answered bool, err error) {
	key := c.Request().Header.Peek(idempotencyHeader)
	if len(key) == 0 || x.method != fiber.MethodPost {
		return false, nil
	}
	if !isText(key, maxKey) {
		return false, invalid("Idempotency-Key", "the Idempotency-Key is too long or has other than visible ASCII characters", "send 1 to 255 of these, such as a UUID")
	}
	held := &claim{server: s, wanted: messages.Claim{
		Tenant: x.principal.Tenant, Key: string(key), Hash: requestHash(c, x.principal.Allowed), Request: x.id,
		Deadline: x.begun.Add(s.cfg.TurnTimeout + lastWord + storePatience),
	}}
	ctx, release := s.storeContext()
	defer release()
	claimed, err := s.claims.ClaimKey(ctx, held.wanted)
	if err != nil {
		held.doubt(err)
		return false, err
	}
	return s.heed(c, x, held, claimed)
}

// heed does what the state of the key asks for.
func (s *Server) heed(c *fiber.Ctx, x *exchange, held *claim, claimed messages.Claimed) (answered bool, err error) {
	switch claimed.State {
	case messages.ClaimMismatch:
		return false, keyReused()
	case messages.ClaimInFlight:
		if err := s.lookAtFirst(x, held, claimed.Request); err != nil {
			return false, err
		}
	case messages.ClaimReplay:
		c.Set("idempotent-replayed", "true")
		if len(claimed.Reply.Body) > 0 {
			repeat(c, claimed.Reply)
			return true, nil
		}
		held.earlier = claimed.Request
	case messages.ClaimResumed:
		held.earlier, held.died = claimed.Request, true
	}
	x.claim = held
	return false, nil
}

// lookAtFirst asks what became of a request that has the key and has not
// answered. Its client may have left while its turn went on: this request is
// answered with that, from its beginning. The key of one that came to nothing lapses:
// the next owner of its conversation may be about to go on with it, and the next who
// comes with the key finds out.
func (s *Server) lookAtFirst(x *exchange, held *claim, first messages.TurnID) error {
	ctx, release := s.storeContext()
	defer release()
	record, err := s.library.Turn(ctx, x.principal.Tenant, first)
	switch {
	case messages.CodeOf(err) == messages.CodeResponseAbsent:
		return keyInUse()
	case err != nil:
		return err
	case isWhole(&record):
		held.earlier = first
		return nil
	case record.Status == messages.TurnRunning:
		held.earlier, held.joins, held.settled, held.long = first, true, true, true
		return nil
	}
	if err := s.claims.LapseKey(ctx, held.wanted.Tenant, held.wanted.Key, first); err != nil {
		return err
	}
	return keyInUse()
}

// repeat sends a reply as it was sent before.
func repeat(c *fiber.Ctx, reply messages.KeptReply) {
	c.Status(reply.Status)
	c.Response().Header.SetContentType(reply.ContentType)
	c.Response().SetBodyRaw(reply.Body)
}

// requestHash tells requests under the same key apart. Those that may not use the
// same models and providers are apart: else one would be given the other's reply.
func requestHash(c *fiber.Ctx, allowed *messages.Allowed) (sum [sha256.Size]byte) {
	h := sha256.New()
	h.Write(c.Request().Header.Method())
	h.Write([]byte{0})
	h.Write(c.Request().URI().Path())
	h.Write([]byte{0})
	h.Write(c.Request().Body())
	if allowed != nil {
		for _, list := range [...][]string{allowed.Tenant.Models, allowed.Tenant.Providers, allowed.Key.Models, allowed.Key.Providers} {
			h.Write([]byte("\x00" + strings.Join(list, "\x00") + "\x00"))
		}
	}
	h.Sum(sum[:0])
	return sum
}

// creates is the id that what the request creates is named after: that of the
// first try where this is another.
func (x *exchange) creates() messages.TurnID {
	if x.claim != nil && !x.claim.earlier.IsZero() {
		return x.claim.earlier
	}
	return x.id
}

// restart moves the key to this request from one that died and came to nothing:
// who comes with the key from now on is to look at what becomes of this one. seen is
// the status that the earlier one's turn has in the store, empty where it is not
// there.
func (k *claim) restart(ctx context.Context, seen messages.TurnStatus) error {
	if !k.died {
		return nil
	}
	moved, err := k.server.claims.MoveKey(ctx, k.wanted, k.earlier, seen)
	switch {
	case err != nil:
		k.doubt(err)
		return err
	case !moved:
		k.settled = true // it is another's now
		return keyInUse()
	}
	k.earlier, k.died = messages.TurnID{}, false
	return nil
}

// expect notes whether the turn is, or is to be, kept.
func (k *claim) expect(stored bool) {
	if k != nil {
		k.stored = stored
	}
}

// waits tells whether the key's fate depends on that of a turn that is kept.
func (k *claim) waits() bool { return k != nil && k.stored }

// note remembers what is sent of a stream.
func (k *claim) note(events []byte) {
	if k == nil || k.long {
		return
	}
	if len(k.sent)+len(events) > maxKept {
		k.sent, k.long = nil, true
		return
	}
	k.sent = append(k.sent, events...)
}

// keepStream settles the claim of a stream that is whole, before its last event
// is sent. One that is too long to keep is put together again from the store,
// which an empty body stands for; where it is not stored either, the key is
// free again.
func (k *claim) keepStream() {
	switch {
	case k == nil:
	case !k.long:
		k.keep(messages.KeptReply{Status: fiber.StatusOK, ContentType: eventStream, Body: k.sent})
	case k.stored:
		k.keep(messages.KeptReply{Status: fiber.StatusOK, ContentType: eventStream})
	default:
		k.release()
	}
}

// keepWhole settles the claim of an answer in one piece.
func (k *claim) keepWhole(response *fiber.Response) {
	if k == nil {
		return
	}
	if response.StatusCode() >= fiber.StatusBadRequest {
		k.release()
		return
	}
	k.keep(messages.KeptReply{
		Status: response.StatusCode(), ContentType: string(response.Header.ContentType()), Body: bytes.Clone(response.Body()),
	})
}

func (k *claim) keep(reply messages.KeptReply) {
	k.settle("keep the reply to an idempotency key", len(reply.Body), func(ctx context.Context) error {
		return k.server.claims.KeepReply(ctx, k.wanted.Tenant, k.wanted.Key, reply)
	})
}

// release frees the key of a request that failed: it may be tried again. Of a turn
// that is kept the store knows better than whoever was told of a failure, which may
// be that of the way to the node that had it: the next try asks there first.
func (k *claim) release() {
	switch {
	case k == nil:
	case k.died: // it was not taken over from that one
		k.lapse(k.earlier)
	case k.stored:
		k.lapse(k.wanted.Request)
	default:
		k.settle("release an idempotency key", 0, func(ctx context.Context) error {
			return k.server.claims.ReleaseKey(ctx, k.wanted.Tenant, k.wanted.Key, k.wanted.Request)
		})
	}
}

// lapse has the next try find out what became of the request that holds the key.
func (k *claim) lapse(holder messages.TurnID) {
	k.settle("let an idempotency key lapse", 0, func(ctx context.Context) error {
		return k.server.claims.LapseKey(ctx, k.wanted.Tenant, k.wanted.Key, holder)
	})
}

// leave is for a client that has gone. A turn that is kept may go on without it,
// and keeps the key: whoever comes back with it must not start another.
func (k *claim) leave() {
	if k.waits() {
		k.settled = true
		return
	}
	k.release()
}

// settle is done also while the server stops. A key that could not be settled is
// tried again until its deadline, by which it is found otherwise. size is how many
// bytes do holds on to.
func (k *claim) settle(what string, size int, do func(context.Context) error) {
	if k.settled {
		return
	}
	k.settled = true
	ctx, release := context.WithTimeout(context.Background(), storePatience)
	defer release()
	if err := do(ctx); err != nil {
		k.server.unsettled.add(settlement{what: what, bytes: size, until: k.wanted.Deadline, do: do}, err)
	}
}

// doubt is for a key of which the store failed to say whether it is this request's now.
// The request goes no further; should it have the key, nobody is to wait for it.
func (k *claim) doubt(failed error) {
	wanted := k.wanted
	k.server.unsettled.add(settlement{what: "undo the claim of an idempotency key", until: wanted.Deadline, do: func(ctx context.Context) error {
		return k.server.claims.UndoClaim(ctx, wanted)
	}}, failed)
}

func keyReused() error {
	return &messages.Failure{
		Code: messages.CodeIdempotencyReuse, What: "this Idempotency-Key was used with another request",
		Do: "use a new key for a new request", Param: "Idempotency-Key", NoRetry: true,
	}
}

func keyInUse() error {
	return &messages.Failure{
		Code: messages.CodeIdempotencyRunning, What: "the first request with this Idempotency-Key still runs",
		Do: "wait for its reply", Param: "Idempotency-Key", RetryAfter: time.Second,
	}
}
