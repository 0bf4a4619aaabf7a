package http_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"example.com/parley/messages"
)

// keys knows a handful.
type keys struct{}

func (keys) Authenticate(_ context.Context, presented string) (messages.Principal, error) {
	switch presented {
	case memberKey:
		return messages.Principal{Tenant: "acme", Key: "member", Role: messages.KeyMember}, nil
	case otherKey:
		return messages.Principal{Tenant: "other", Key: "other", Role: messages.KeyMember}, nil
	case routerKey:
		return messages.Principal{Tenant: "acme", Key: "router", Role: messages.KeyMember, MayRoute: true}, nil
	case batchKey:
		return messages.Principal{Tenant: "acme", Key: "batch", Role: messages.KeyMember, Class: "batch"}, nil
	case readerKey:
		return messages.Principal{Tenant: "acme", Key: "reader", Role: messages.KeyReadOnly}, nil
	case embedKey:
		return messages.Principal{
			Tenant: "acme", Key: "embed", Role: messages.KeyMember,
			Allowed: messages.Narrow(messages.Allowance{Models: []string{"de*"}}, messages.Allowance{}),
		}, nil
	case chatKey:
		return messages.Principal{
			Tenant: "acme", Key: "chat", Role: messages.KeyMember, Scopes: messages.ScopeChat,
			Allowed: messages.Narrow(messages.Allowance{}, messages.Allowance{Models: []string{"de*"}}),
		}, nil
	case adminKey:
		return messages.Principal{Key: "admin", Role: messages.KeyAdmin}, nil
	default:
		return messages.Principal{}, &messages.Failure{Code: messages.CodeInvalidKey, What: "the key is not valid", Do: "send another"}
	}
}

func (k keys) Recall(presented string) (who messages.Principal, known bool) {
	who, err := k.Authenticate(context.Background(), presented)
	return who, err == nil && presented == memberKey // the others were not seen lately
}

// standing says of every key that it holds, until it was revoked.
type standing struct{ revoked *atomic.Bool }

func (k standing) Current(_ context.Context, key messages.KeyID) (messages.Principal, error) {
	if k.revoked.Load() {
		return messages.Principal{}, &messages.Failure{Code: messages.CodeInvalidKey, What: "the key is not valid", Do: "send another"}
	}
	return messages.Principal{Tenant: "acme", Key: key, Role: messages.KeyMember}, nil
}

// tries refuses an address after three.
type tries struct {
	mu     sync.Mutex
	failed []string
}

func (t *tries) Allowed(address string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, a := range t.failed {
		if a == address {
			n++
		}
	}
	if n < 3 {
		return nil
	}
	return &messages.Failure{Code: messages.CodeTooManyTries, What: "too many", Do: "wait", RetryAfter: time.Minute}
}

func (t *tries) Failed(address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed = append(t.failed, address)
}

// catalogue has two models.
type catalogue struct{}

func (catalogue) Models(allowed *messages.Allowed) []messages.ModelCard {
	cards := []messages.ModelCard{{Name: "demo", OwnedBy: "parley"}, {Name: "openai/gpt-5", OwnedBy: "openai"}}
	return slices.DeleteFunc(cards, func(c messages.ModelCard) bool { return !allowed.Model(c.Name) })
}

func (c catalogue) Model(name string, allowed *messages.Allowed) (messages.ModelCard, error) {
	if !allowed.Model(name) {
		return messages.ModelCard{}, &messages.Failure{Code: messages.CodePermission, What: "not for this key", Do: "take another"}
	}
	for _, card := range c.Models(nil) {
		if card.Name == name {
			return card, nil
		}
	}
	return messages.ModelCard{}, &messages.Failure{Code: messages.CodeModelNotFound, What: "no such model", Do: "take another"}
}

// library keeps everything in memory.
type library struct {
	mu            sync.Mutex
	conversations map[messages.ConversationRef]messages.Conversation
	items         map[messages.ConversationRef][]messages.StoredItem
	turns         map[messages.TurnID]messages.TurnRecord
	requests      map[messages.TurnID]messages.ConversationID // that created
	failing       error
	live          map[messages.TurnID]*liveTurn // those that run
	asked         []messages.Page
}

func newLibrary() *library {
	return &library{
		conversations: map[messages.ConversationRef]messages.Conversation{},
		items:         map[messages.ConversationRef][]messages.StoredItem{},
		turns:         map[messages.TurnID]messages.TurnRecord{},
		requests:      map[messages.TurnID]messages.ConversationID{},
		live:          map[messages.TurnID]*liveTurn{},
	}
}

func absent(code messages.Code) error {
	return &messages.Failure{Code: code, What: "there is none", Do: "name another"}
}

// put keeps a turn as an actor would have.
func (l *library) put(r messages.TurnRecord, items ...messages.Item) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turns[r.ID] = r
	if _, known := l.conversations[r.Ref]; !known {
		l.conversations[r.Ref] = messages.Conversation{Ref: r.Ref, Private: r.Private, Created: r.Created}
	}
	for i, item := range items {
		if item.ID == "" {
			item.ID = messages.NewItemID(item.Kind, r.ID, i)
		}
		l.items[r.Ref] = append(l.items[r.Ref], messages.StoredItem{
			Item: item, Seq: r.FirstSeq + messages.Seq(i), Turn: r.ID, Output: i >= r.Inputs, Created: r.Created,
		})
	}
}

func (l *library) CreateConversation(_ context.Context, c messages.Conversation, request messages.TurnID, items []messages.Item) (messages.Conversation, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if first, done := l.requests[request]; done {
		return l.conversations[messages.ConversationRef{Tenant: c.Ref.Tenant, Conversation: first}], l.failing
	}
	l.requests[request] = c.Ref.Conversation
	l.conversations[c.Ref] = c
	l.append(c.Ref, request, items)
	return c, l.failing
}

func (l *library) append(ref messages.ConversationRef, request messages.TurnID, items []messages.Item) (added []messages.StoredItem) {
	for i, item := range items {
		item.ID = messages.NewItemID(item.Kind, request, i)
		added = append(added, messages.StoredItem{Item: item, Seq: messages.Seq(len(l.items[ref]) + i + 1), Turn: request, Created: time.Unix(1, 0)})
	}
	l.items[ref] = append(l.items[ref], added...)
	return added
}

func (l *library) Conversation(_ context.Context, ref messages.ConversationRef) (messages.Conversation, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, known := l.conversations[ref]
	if !known {
		return c, absent(messages.CodeConversationAbsent)
	}
	return c, l.failing
}

func (l *library) Conversations(_ context.Context, tenant messages.TenantID, p messages.Page) (found []messages.Conversation, more bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, p)
	for ref, c := range l.conversations {
		if ref.Tenant == tenant && !c.Private {
			found = append(found, c)
		}
	}
	return found, false, l.failing
}

func (l *library) UpdateConversation(_ context.Context, ref messages.ConversationRef, metadata map[string]string) (messages.Conversation, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, known := l.conversations[ref]
	if !known {
		return c, absent(messages.CodeConversationAbsent)
	}
	c.Metadata = metadata
	l.conversations[ref] = c
	return c, l.failing
}

func (l *library) Items(_ context.Context, ref messages.ConversationRef, p messages.Page) (found []messages.StoredItem, more bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, p)
	if _, known := l.conversations[ref]; !known {
		return nil, false, absent(messages.CodeConversationAbsent)
	}
	found = slices.Clone(l.items[ref])
	if !p.Asc {
		slices.Reverse(found)
	}
	return found[:min(len(found), p.Limit)], len(found) > p.Limit, l.failing
}

func (l *library) Item(_ context.Context, ref messages.ConversationRef, id messages.ItemID) (messages.StoredItem, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.conversations[ref]; !known {
		return messages.StoredItem{}, absent(messages.CodeConversationAbsent)
	}
	for _, item := range l.items[ref] {
		if item.ID == id {
			return item, l.failing
		}
	}
	return messages.StoredItem{}, absent(messages.CodeItemAbsent)
}

// fail has the store be away, or come back.
func (l *library) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failing = err
}

func (l *library) Turn(_ context.Context, tenant messages.TenantID, id messages.TurnID) (messages.TurnRecord, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, known := l.turns[id]
	if !known || r.Ref.Tenant != tenant {
		return messages.TurnRecord{}, absent(messages.CodeResponseAbsent)
	}
	return r, l.failing
}

func (l *library) TurnItems(_ context.Context, tenant messages.TenantID, id messages.TurnID) (found []messages.StoredItem, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, item := range l.items[l.turns[id].Ref] {
		if item.Turn == id && l.turns[id].Ref.Tenant == tenant {
			found = append(found, item)
		}
	}
	return found, l.failing
}

func blamed(err error, param string) error {
	f := *messages.AsFailure(err)
	f.Param = param
	return &f
}

// scripted is the actors' side: turns as the test says, edits on the library.
type scripted struct {
	conversations
	*library
	cancelled chan messages.TurnID // nil where nobody wants to know
}

// Send finds the turn's conversation first, as the actor does.
func (s scripted) Send(m *messages.StartTurn) error {
	if m.Spec.Conversation != "" && !m.Spec.Create {
		found, err := s.Conversation(m.Client, m.Spec.Ref())
		if err != nil {
			m.Refuse(blamed(err, "conversation"))
			return nil
		}
		m.Spec.Private = found.Private
	}
	return s.conversations.Send(m)
}

func (s scripted) AddItems(m *messages.AddItems) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, item := range s.items[m.Ref] {
		if item.Turn == m.Request { // done before
			m.Reply <- messages.Edited{Items: []messages.StoredItem{item}}
			return nil
		}
	}
	m.Reply <- messages.Edited{Items: s.append(m.Ref, m.Request, m.Items)}
	return nil
}

func (s scripted) EraseItem(m *messages.EraseItem) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := slices.DeleteFunc(slices.Clone(s.items[m.Ref]), func(i messages.StoredItem) bool { return i.ID == m.Item })
	if len(kept) == len(s.items[m.Ref]) {
		m.Reply <- messages.Edited{Err: absent(messages.CodeItemAbsent)}
		return nil
	}
	s.items[m.Ref] = kept
	m.Reply <- messages.Edited{}
	return nil
}

func (s scripted) EraseTurn(m *messages.EraseTurn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.turns, m.Turn)
	m.Reply <- messages.Edited{}
	return nil
}

func (s scripted) DropConversation(m *messages.DropConversation) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.library.conversations, m.Ref)
	m.Reply <- messages.Edited{}
	return nil
}

// claims keeps idempotency keys in memory.
type claims struct {
	mu      sync.Mutex
	held    map[string]messages.Claim
	replies map[string]messages.KeptReply
	lapsed  map[string]bool
	dead    bool // those that are held belong to a process that died
	away    bool // nothing can be settled
	mute    bool // a key is given, and the one who asked for it is not told
}

// loseAnswers has claims be carried out and fail all the same, or not any more.
func (c *claims) loseAnswers(mute bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mute = mute
}

// goAway has nothing be settled from now on, or all again.
func (c *claims) goAway(away bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away = away
}

func (c *claims) reachable() error {
	if c.away {
		return errors.New("the store is away")
	}
	return nil
}

func newClaims() *claims {
	return &claims{held: map[string]messages.Claim{}, replies: map[string]messages.KeptReply{}, lapsed: map[string]bool{}}
}

func (c *claims) ClaimKey(_ context.Context, claim messages.Claim) (messages.Claimed, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := string(claim.Tenant) + "/" + claim.Key
	first, taken := c.held[name]
	claimed := messages.Claimed{Request: first.Request}
	switch kept, answered := c.replies[name]; {
	case !taken:
		c.held[name] = claim
		claimed.Request = claim.Request
	case first.Hash != claim.Hash:
		claimed.State = messages.ClaimMismatch
	case answered:
		claimed.State, claimed.Reply = messages.ClaimReplay, kept
	case c.dead || c.lapsed[name]:
		claimed.State = messages.ClaimResumed
		delete(c.lapsed, name)
		first.Deadline = claim.Deadline
		c.held[name] = first
	default:
		claimed.State = messages.ClaimInFlight
	}
	if c.mute {
		return messages.Claimed{}, errors.New("the connection broke")
	}
	return claimed, nil
}

func (c *claims) KeepReply(_ context.Context, tenant messages.TenantID, key string, reply messages.KeptReply) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.reachable(); err != nil {
		return err
	}
	c.replies[string(tenant)+"/"+key] = reply
	return nil
}

func (c *claims) ReleaseKey(_ context.Context, tenant messages.TenantID, key string, held messages.TurnID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.reachable(); err != nil {
		return err
	}
	if name := string(tenant) + "/" + key; c.held[name].Request == held {
		delete(c.held, name)
	}
	return nil
}

func (c *claims) UndoClaim(_ context.Context, claim messages.Claim) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.reachable(); err != nil {
		return err
	}
	switch name := string(claim.Tenant) + "/" + claim.Key; {
	case c.held[name].Request == claim.Request:
		delete(c.held, name)
	case c.held[name].Deadline.Equal(claim.Deadline):
		c.lapsed[name] = true
	}
	return nil
}

func (c *claims) LapseKey(_ context.Context, tenant messages.TenantID, key string, held messages.TurnID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.reachable(); err != nil {
		return err
	}
	if name := string(tenant) + "/" + key; c.held[name].Request == held {
		c.lapsed[name] = true
	}
	return nil
}

func (c *claims) MoveKey(_ context.Context, claim messages.Claim, from messages.TurnID, _ messages.TurnStatus) (moved bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := string(claim.Tenant) + "/" + claim.Key
	if c.held[name].Request != from {
		return false, nil
	}
	c.held[name] = claim
	return true, nil
}

// has tells whether a request holds the key k1 that is not known to have failed.
func (c *claims) has() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, held := c.held["acme/k1"]
	return held && !c.lapsed["acme/k1"]
}

// holder is the request that has the key k1.
func (c *claims) holder() messages.TurnID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held["acme/k1"].Request
}

// die forgets the reply to the key k1, as when its process died before it was kept.
func (c *claims) die(request messages.TurnID) {
	const name = "acme/k1"
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.replies, name)
	claim := c.held[name]
	claim.Request = request
	c.held[name], c.dead = claim, true
}
