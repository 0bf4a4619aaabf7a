package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/messages"
	"example.com/parley/persistence/persistencetest"
	"example.com/parley/persistence/postgres"
)

// lease is short, so that a test sees one run out; the pauses of a busy machine
// are shorter.
const lease = 500 * time.Millisecond

// member opens the store as a node of a cluster, and joins.
func member(t *testing.T, at string, id messages.MemberID) *postgres.Store {
	t.Helper()
	store := unjoined(t, at, id)
	join(t, store, id)
	return store
}

// unjoined opens the store as a node of a cluster.
func unjoined(t *testing.T, at string, id messages.MemberID) *postgres.Store {
	t.Helper()
	cfg := postgres.DefaultConfig()
	cfg.URL, cfg.Connections, cfg.MaxConns = at, 1, 8
	store, err := postgres.OpenMember(t.Context(), cfg, id, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	return store
}

func join(t *testing.T, store *postgres.Store, id messages.MemberID) {
	t.Helper()
	if err := store.Join(t.Context(), messages.Member{ID: id, Address: string(id) + ":7946", Version: "v1"}, lease); err != nil {
		t.Fatal(err)
	}
}

// outlive has the member renew its lease until it is the only one.
func outlive(t *testing.T, store *postgres.Store, id messages.MemberID) {
	t.Helper()
	patient, enough := context.WithTimeout(t.Context(), 20*lease)
	defer enough()
	for ; ; time.Sleep(lease / 10) {
		members, err := store.Renew(patient, id, lease)
		if err != nil {
			t.Fatal(err)
		}
		if len(members) == 1 {
			return
		}
		if patient.Err() != nil {
			t.Fatalf("%d members are left: %+v", len(members), members)
		}
	}
}

// A node whose requests have all connections must not be taken for a dead one.
func TestLeaseIsRenewedWhileAllConnectionsAreTaken(t *testing.T) {
	t.Parallel()
	store := member(t, database(t), "a")
	release, err := store.TakeAll(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	ctx, stop := context.WithTimeout(t.Context(), 20*lease)
	defer stop()
	if members, err := store.Renew(ctx, "a", lease); err != nil || len(members) != 1 {
		t.Errorf("%d members: %v", len(members), err)
	}
}

func TestRegistry(t *testing.T) {
	t.Parallel()
	persistencetest.RunRegistry(t, lease, func(t *testing.T) func(messages.MemberID) persistencetest.Node {
		at := database(t)
		return func(id messages.MemberID) persistencetest.Node {
			store := unjoined(t, at, id)
			return persistencetest.Node{Registry: store, Store: store}
		}
	})
}

// reached tries again while connections are found cut: those of a removed member are.
func reached(try func() error) error {
	err := try()
	for messages.CodeOf(err) == messages.CodeStoreUnavailable {
		err = try()
	}
	return err
}

// fenced is a conversation whose shard moves.
var fenced = messages.ConversationRef{Tenant: "acme", Conversation: "conv_1"}

func begun(epoch messages.Epoch, id byte, first messages.Seq) messages.TurnBegin {
	item := messages.TextMessage(messages.RoleUser, "hello")
	turn := messages.TurnID{id}
	item.ID = messages.NewItemID(item.Kind, turn, 0)
	return messages.TurnBegin{
		Epoch: epoch, Create: first == 1, Input: []messages.Item{item},
		Record: messages.TurnRecord{ID: turn, Ref: fenced, Status: messages.TurnRunning, FirstSeq: first, Inputs: 1, Created: time.Now()},
	}
}

// takeOne makes the member the owner of the conversation's shard, however long that
// takes. Its lease is short again behind it.
func takeOne(t *testing.T, store *postgres.Store, id messages.MemberID) messages.Placement {
	t.Helper()
	renew := func(ttl time.Duration) {
		if _, err := store.Renew(t.Context(), id, ttl); err != nil {
			t.Fatal(err)
		}
	}
	renew(time.Minute)
	defer renew(lease)
	_, all, err := store.Topology(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	shard := messages.ShardOf(fenced)
	taken, err := store.TakeShards(t.Context(), id, all[shard:shard+1])
	if err != nil || len(taken) != 1 {
		t.Fatalf("took %+v, %v", taken, err)
	}
	return taken[0]
}

func TestWritesOfAnEarlierOwnerAreRefused(t *testing.T) {
	t.Parallel()
	at := database(t)
	old, next := member(t, at, "old"), member(t, at, "next")
	held := takeOne(t, old, "old")
	running := begun(held.Epoch.First()+1, 1, 1)
	if err := old.BeginTurn(t.Context(), running); err != nil {
		t.Fatal(err)
	}
	outlive(t, next, "next")
	took := takeOne(t, next, "next")
	for what, write := range map[string]func() error{
		"the end of a turn": func() error {
			return old.EndTurn(t.Context(), messages.TurnEnd{Epoch: running.Epoch, Record: running.Record, First: 2})
		},
		"another turn": func() error { return old.BeginTurn(t.Context(), begun(running.Epoch, 2, 2)) },
		"an activation": func() error {
			_, err := old.Activate(t.Context(), messages.Activate{Ref: fenced, Shard: held.Epoch, MaxItems: 1, MaxBytes: 1})
			return err
		},
	} {
		if err := reached(write); messages.CodeOf(err) != messages.CodeStaleEpoch {
			t.Errorf("%s: got %v", what, err)
		}
	}

	recovered, err := next.RecoverShards(t.Context(), func(s messages.Shard) (messages.ShardEpoch, bool) { return took.Epoch, s == took.Shard })
	if err != nil || recovered != 1 {
		t.Fatalf("recovered %d turns, %v", recovered, err)
	}
	record, err := next.Turn(t.Context(), "acme", messages.TurnID{1})
	if err != nil || record.Status != messages.TurnPartial || record.Reason != messages.ReasonServerRestart {
		t.Errorf("the turn that was cut off is %+v, %v", record, err)
	}
	activation, err := next.Activate(t.Context(), messages.Activate{Ref: fenced, Shard: took.Epoch, MaxItems: 1, MaxBytes: 1})
	if err != nil || activation.Epoch.Shard() != took.Epoch || activation.Next != 2 {
		t.Fatalf("got %+v, %v", activation, err)
	}
	if err := next.BeginTurn(t.Context(), begun(activation.Epoch, 3, 2)); err != nil {
		t.Errorf("the new owner: %v", err)
	}
}

// A cluster that shrinks to one server goes on from what it has, and grows again.
func TestServerThatIsAloneGoesOnFromWhatAClusterLeft(t *testing.T) {
	t.Parallel()
	at := database(t)
	first := member(t, at, "first")
	held := takeOne(t, first, "first")
	if err := first.BeginTurn(t.Context(), begun(held.Epoch.First()+1, 1, 1)); err != nil {
		t.Fatal(err)
	}
	if err := first.Leave(t.Context(), "first"); err != nil {
		t.Fatal(err)
	}
	second := member(t, at, "second")
	takeOne(t, second, "second") // and wakes nobody

	alone := open(t, at)
	defer alone.Close()
	activation, err := alone.Activate(t.Context(), messages.Activate{Ref: fenced, MaxItems: 1, MaxBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := alone.BeginTurn(t.Context(), begun(activation.Epoch, 2, 2)); err != nil {
		t.Errorf("alone: %v", err)
	}
	if activation, err = second.Activate(t.Context(), messages.Activate{Ref: fenced, Shard: 2, MaxItems: 1, MaxBytes: 1}); err != nil {
		t.Fatal(err)
	}
	if err := second.BeginTurn(t.Context(), begun(activation.Epoch, 3, 3)); err != nil {
		t.Errorf("in a cluster again: %v", err)
	}
}

// A node that is frozen in the middle of a transaction holds a row. Whoever has its
// shards next must not wait for it.
func TestTransactionOfARemovedMemberHoldsNothing(t *testing.T) {
	t.Parallel()
	at := database(t)
	frozen, next := member(t, at, "frozen"), member(t, at, "next")
	held := takeOne(t, frozen, "frozen")
	if err := frozen.BeginTurn(t.Context(), begun(held.Epoch.First()+1, 1, 1)); err != nil {
		t.Fatal(err)
	}
	commit := freezeAt(t, at, "frozen", "UPDATE conversations SET epoch = epoch")
	outlive(t, next, "next")
	took := takeOne(t, next, "next")
	soon, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := next.Activate(soon, messages.Activate{Ref: fenced, Shard: took.Epoch, MaxItems: 1, MaxBytes: 1}); err != nil {
		t.Errorf("the next owner: %v", err)
	}
	if commit() == nil {
		t.Error("the transaction was committed")
	}
}

// Where it is frozen while it holds the row that the others have to remove, each of them
// would lose its own lease over that.
func TestMemberFrozenWhileItHoldsItsRowIsRemoved(t *testing.T) {
	t.Parallel()
	at := database(t)
	member(t, at, "frozen")
	next := member(t, at, "next")
	commit := freezeAt(t, at, "frozen", "UPDATE cluster_members SET expires = clock_timestamp() + interval '1 hour' WHERE id = 'frozen'")
	outlive(t, next, "next")
	if commit() == nil {
		t.Error("the lease was renewed")
	}
}

// All members find the same one expired at the same time. Those that waited for the one
// that removes it would lose their own leases.
func TestExpiredMemberIsLeftToWhoRemovesIt(t *testing.T) {
	t.Parallel()
	at := database(t)
	member(t, at, "dead")
	living := member(t, at, "living")
	commit := freezeAt(t, at, "another", "UPDATE cluster_members SET since = since WHERE id = 'dead'") // as a removal locks it
	// For the first half of these the living one is too young to remove anybody.
	for found := 0; found < 20; time.Sleep(lease / 10) {
		members, err := living.Renew(t.Context(), "living", lease)
		if err != nil || len(members) != 2 {
			t.Fatalf("%d members: %v", len(members), err)
		}
		if members[0].Lease < 0 {
			found++
		}
	}
	if err := commit(); err != nil {
		t.Fatal(err)
	}
	outlive(t, living, "living")
}

// freezeAt begins a transaction of a member's with a statement, and leaves it there.
func freezeAt(t *testing.T, at string, id messages.MemberID, statement string) (commit func() error) {
	t.Helper()
	parameters, err := pgx.ParseConfig(at)
	if err != nil {
		t.Fatal(err)
	}
	parameters.RuntimeParams["application_name"] = "parley " + string(id)
	conn, err := pgx.ConnectConfig(t.Context(), parameters)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // it is cut
	if _, err := conn.Exec(t.Context(), "BEGIN; SELECT set_config('parley.scope', 'operator', true); "+statement); err != nil {
		t.Fatal(err)
	}
	return func() error {
		_, err := conn.Exec(t.Context(), "COMMIT")
		return err
	}
}
