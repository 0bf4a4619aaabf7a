package persistencetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"example.com/parley/messages"
)

// Registry is where the nodes of a cluster meet, as package cluster declares it.
type Registry interface {
	Join(ctx context.Context, m messages.Member, ttl time.Duration) error
	Renew(ctx context.Context, id messages.MemberID, ttl time.Duration) ([]messages.Member, error)
	Retire(ctx context.Context, id messages.MemberID) error
	Leave(ctx context.Context, id messages.MemberID) error
	AwaitChanges(ctx context.Context, changed func()) error
	Topology(ctx context.Context) ([]messages.Member, []messages.Placement, error)
	TakeShards(ctx context.Context, id messages.MemberID, seen []messages.Placement) ([]messages.Placement, error)
	GiveShards(ctx context.Context, from, to messages.MemberID, seen []messages.Placement) ([]messages.Placement, error)
	RecoverShards(ctx context.Context, owned func(messages.Shard) (messages.ShardEpoch, bool)) (int, error)
}

// Node is what one node of a cluster has: its way to the others, and the store that
// it writes to.
type Node struct {
	Registry Registry
	Store    interface {
		Activate(ctx context.Context, a messages.Activate) (messages.Activation, error)
		BeginTurn(ctx context.Context, b messages.TurnBegin) error
		EndTurn(ctx context.Context, e messages.TurnEnd) error
		Turn(ctx context.Context, tenant messages.TenantID, id messages.TurnID) (messages.TurnRecord, error)
		ClaimKey(ctx context.Context, c messages.Claim) (messages.Claimed, error)
	}
}

// RunRegistry holds a registry to its promises. start is called once for each test, and
// returns what opens a node of a cluster that is nobody else's; lease is the shortest
// that a busy machine still renews in time.
func RunRegistry(t *testing.T, lease time.Duration, start func(t *testing.T) func(messages.MemberID) Node) {
	t.Helper()
	for name, test := range map[string]func(*meeting){
		"a member that does not renew is removed by one that does": testRemoval,
		"the first member after an outage removes nobody":          testOutage,
		"a member that leaves is none":                             testLeave,
		"a shard has one owner, and each owner an epoch":           testOwners,
		"shards of a member that is gone can be taken":             testHeirs,
		"writes of an earlier owner are refused":                   testEarlierOwner,
		"an idempotency key of a removed member can be taken up":   testKeyOfRemoved,
		"members are told of changes":                              testChanges,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(&meeting{T: t, lease: lease, open: start(t), nodes: make(map[messages.MemberID]Node)})
		})
	}
}

// meeting is one test's cluster.
type meeting struct {
	*testing.T
	lease time.Duration
	open  func(messages.MemberID) Node
	nodes map[messages.MemberID]Node
}

// join opens a node, and makes it a member whose lease can be waited for.
func (m *meeting) join(id messages.MemberID) Node {
	m.Helper()
	return m.joinFor(id, m.lease)
}

// stays is a lease that runs out in no test, however slow the machine is.
const stays = 5 * time.Minute

// joinFor opens a node, and makes it a member.
func (m *meeting) joinFor(id messages.MemberID, lease time.Duration) Node {
	m.Helper()
	n := m.open(id)
	m.nodes[id] = n
	m.must(n.Registry.Join(m.Context(), messages.Member{ID: id, Address: string(id) + ":7946", Version: "v1"}, lease))
	return n
}

func (m *meeting) must(err error) {
	m.Helper()
	if err != nil {
		m.Fatal(err)
	}
}

func (m *meeting) renew(id messages.MemberID) ([]messages.Member, error) {
	return m.nodes[id].Registry.Renew(m.Context(), id, m.lease)
}

// alive has a member renew its lease until only want are left.
func (m *meeting) alive(id messages.MemberID, want int) {
	m.Helper()
	for patience := time.Now().Add(20 * m.lease); ; time.Sleep(m.lease / 10) {
		members, err := m.renew(id)
		m.must(err)
		if len(members) == want {
			return
		}
		if time.Now().After(patience) {
			m.Fatalf("%d members are left, want %d: %+v", len(members), want, members)
		}
	}
}

// reach tries again while connections are found cut: those of a removed member are.
func reach(try func() error) error {
	err := try()
	for messages.CodeOf(err) == messages.CodeStoreUnavailable {
		err = try()
	}
	return err
}

func testRemoval(m *meeting) {
	m.join("dead")
	m.join("living")
	m.alive("living", 1)
	err := reach(func() error {
		_, err := m.renew("dead")
		return err
	})
	if !errors.Is(err, messages.ErrRemoved) {
		m.Errorf("the removed member was told %v", err)
	}
}

// After an outage every lease has run out. Whoever comes first must not take the
// others for dead.
func testOutage(m *meeting) {
	m.join("first")
	m.join("second")
	m.alive("first", 2)
	time.Sleep(2*m.lease + m.lease/2) // nobody reaches the registry
	for range 3 {
		if members, err := m.renew("first"); err != nil || len(members) != 2 {
			m.Fatalf("got %+v, %v", members, err)
		}
	}
	if _, err := m.renew("second"); err != nil {
		m.Errorf("the second one came in time, and was told %v", err)
	}
}

func testLeave(m *meeting) {
	first, second := m.joinFor("first", stays), m.joinFor("second", stays)
	m.must(second.Registry.Retire(m.Context(), "second"))
	members, _, err := first.Registry.Topology(m.Context())
	m.must(err)
	if len(members) != 2 || members[0].ID != "first" || members[0].Leaving || !members[1].Leaving || members[1].Address != "second:7946" || members[1].Version != "v1" || members[1].Lease <= 0 {
		m.Errorf("got %+v", members)
	}
	m.must(second.Registry.Leave(m.Context(), "second"))
	if members, err := m.renew("first"); err != nil || len(members) != 1 {
		m.Errorf("got %+v, %v", members, err)
	}
	err = reach(func() error {
		_, err := m.renew("second")
		return err
	})
	if !errors.Is(err, messages.ErrRemoved) {
		m.Errorf("it was told %v", err)
	}
}

func testOwners(m *meeting) {
	names := []messages.MemberID{"a", "b"}
	nodes := []Node{m.joinFor("a", stays), m.joinFor("b", stays)}
	_, seen, err := nodes[0].Registry.Topology(m.Context())
	if err != nil || len(seen) != messages.Shards {
		m.Fatalf("%d shards, %v", len(seen), err)
	}
	var taking sync.WaitGroup
	var taken [2][]messages.Placement
	for i, n := range nodes {
		taking.Go(func() {
			got, err := n.Registry.TakeShards(m.Context(), names[i], seen)
			if err != nil {
				m.Error(err)
			}
			taken[i] = got
		})
	}
	taking.Wait()
	if got := len(taken[0]) + len(taken[1]); got != messages.Shards {
		m.Fatalf("%d shards were taken, want each once", got)
	}
	has, not := 0, 1
	if len(taken[0]) == 0 {
		has, not = 1, 0
	}
	given := taken[has]
	if stolen, err := nodes[not].Registry.TakeShards(m.Context(), names[not], given); err != nil || len(stolen) != 0 {
		m.Errorf("%d shards of a living member were taken, %v", len(stolen), err)
	}
	moved, err := nodes[has].Registry.GiveShards(m.Context(), names[has], names[not], given[:3])
	if err != nil || len(moved) != 3 || moved[0].Owner != names[not] || moved[0].Epoch != 2 {
		m.Errorf("gave %+v, %v", moved, err)
	}
	if again, err := nodes[has].Registry.GiveShards(m.Context(), names[has], names[not], given[:3]); err != nil || len(again) != 0 {
		m.Errorf("gave %+v twice, %v", again, err)
	}
	m.must(nodes[not].Registry.Retire(m.Context(), names[not]))
	if moved, err := nodes[has].Registry.GiveShards(m.Context(), names[has], names[not], given[3:]); err != nil || len(moved) != 0 {
		m.Errorf("gave %+v to one that leaves, %v", moved, err)
	}
}

func testHeirs(m *meeting) {
	dead, living := m.join("dead"), m.join("living")
	_, seen, err := dead.Registry.Topology(m.Context())
	m.must(err)
	_, err = m.renew("dead") // the other one took its time to open
	m.must(err)
	taken, err := dead.Registry.TakeShards(m.Context(), "dead", seen[:100])
	if err != nil || len(taken) != 100 {
		m.Fatalf("took %d, %v", len(taken), err)
	}
	m.alive("living", 1)
	taken, err = living.Registry.TakeShards(m.Context(), "living", taken)
	if err != nil || len(taken) != 100 || taken[99].Epoch != 2 || taken[99].Owner != "living" {
		m.Errorf("took %d, %v", len(taken), err)
	}
	_, now, err := living.Registry.Topology(m.Context())
	m.must(err)
	if now[99] != taken[99] || now[100].Owner != "" {
		m.Errorf("the table says %+v and %+v", now[99], now[100])
	}
}

// moved is a conversation whose shard has another owner.
var moved = messages.ConversationRef{Tenant: tenant, Conversation: "conv_1"}

func firstTurn(epoch messages.Epoch, id byte, first messages.Seq) messages.TurnBegin {
	item := messages.TextMessage(messages.RoleUser, "hello")
	turn := messages.TurnID{id}
	item.ID = messages.NewItemID(item.Kind, turn, 0)
	return messages.TurnBegin{
		Epoch: epoch, Create: first == 1, Input: []messages.Item{item},
		Record: messages.TurnRecord{ID: turn, Ref: moved, Status: messages.TurnRunning, FirstSeq: first, Inputs: 1, Created: time.Now()},
	}
}

// owns makes a member the owner of the conversation's shard, which it opens.
func (m *meeting) owns(id messages.MemberID) (held messages.Placement, recovered int) {
	m.Helper()
	registry := m.nodes[id].Registry
	_, all, err := registry.Topology(m.Context())
	m.must(err)
	_, err = m.renew(id) // others took their time to open
	m.must(err)
	shard := messages.ShardOf(moved)
	taken, err := registry.TakeShards(m.Context(), id, all[shard:shard+1])
	if err != nil || len(taken) != 1 {
		m.Fatalf("took %+v, %v", taken, err)
	}
	recovered, err = registry.RecoverShards(m.Context(), func(s messages.Shard) (messages.ShardEpoch, bool) { return taken[0].Epoch, s == shard })
	m.must(err)
	return taken[0], recovered
}

func testEarlierOwner(m *meeting) {
	old, next := m.join("old"), m.join("next")
	held, _ := m.owns("old")
	running := firstTurn(held.Epoch.First()+1, 1, 1)
	m.must(old.Store.BeginTurn(m.Context(), running))
	m.alive("next", 1)
	took, recovered := m.owns("next")
	if recovered != 1 {
		m.Errorf("recovered %d turns", recovered)
	}
	for what, write := range map[string]func() error{
		"the end of a turn": func() error {
			return old.Store.EndTurn(m.Context(), messages.TurnEnd{Epoch: running.Epoch, Record: running.Record, First: 2})
		},
		"another turn": func() error { return old.Store.BeginTurn(m.Context(), firstTurn(running.Epoch, 2, 2)) },
		"an activation": func() error {
			_, err := old.Store.Activate(m.Context(), messages.Activate{Ref: moved, Shard: held.Epoch, MaxItems: 1, MaxBytes: 1})
			return err
		},
	} {
		if err := reach(write); messages.CodeOf(err) != messages.CodeStaleEpoch {
			m.Errorf("%s: got %v", what, err)
		}
	}
	if record, err := next.Store.Turn(m.Context(), tenant, messages.TurnID{1}); err != nil || record.Status != messages.TurnPartial || record.Reason != messages.ReasonServerRestart {
		m.Errorf("the turn that was cut off is %+v, %v", record, err)
	}
	activation, err := next.Store.Activate(m.Context(), messages.Activate{Ref: moved, Shard: took.Epoch, MaxItems: 1, MaxBytes: 1})
	if err != nil || activation.Epoch.Shard() != took.Epoch || activation.Next != 2 {
		m.Fatalf("got %+v, %v", activation, err)
	}
	if err := next.Store.BeginTurn(m.Context(), firstTurn(activation.Epoch, 3, 2)); err != nil {
		m.Errorf("the new owner: %v", err)
	}
}

func testKeyOfRemoved(m *meeting) {
	dead, living := m.join("dead"), m.join("living")
	claim := messages.Claim{Tenant: tenant, Key: "k", Request: messages.TurnID{1}, Deadline: time.Now().Add(time.Hour)}
	if _, err := dead.Store.ClaimKey(m.Context(), claim); err != nil {
		m.Fatal(err)
	}
	if claimed, err := living.Store.ClaimKey(m.Context(), claim); err != nil || claimed.State != messages.ClaimInFlight {
		m.Fatalf("while it lives: %+v, %v", claimed, err)
	}
	m.alive("living", 1)
	if claimed, err := living.Store.ClaimKey(m.Context(), claim); err != nil || claimed.State != messages.ClaimResumed {
		m.Errorf("once it is removed: %+v, %v", claimed, err)
	}
}

func testChanges(m *meeting) {
	a := m.join("a")
	ctx, stop := context.WithCancel(m.Context())
	told, ended := make(chan struct{}, 4096), make(chan error, 1)
	go func() { ended <- a.Registry.AwaitChanges(ctx, func() { told <- struct{}{} }) }() // ends with ctx
	<-told                                                                               // it listens
	m.join("b")
	select {
	case <-told:
	case <-time.After(10 * time.Second):
		m.Error("nobody was told of a member that joined")
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		m.Errorf("it ended with %v", err)
	}
}
