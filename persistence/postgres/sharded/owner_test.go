package sharded_test

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/messages"
	"example.com/parley/persistence/postgres"
	"example.com/parley/persistence/postgres/sharded"
)

// join makes a store's node the owner of a shard.
func join(t *testing.T, s *sharded.Store, id messages.MemberID, shard messages.Shard) messages.Placement {
	t.Helper()
	if err := s.Join(t.Context(), messages.Member{ID: id, Address: "127.0.0.1:1"}, time.Minute); err != nil {
		t.Fatal(err)
	}
	_, all, err := s.Topology(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	taken, err := s.TakeShards(t.Context(), id, all[shard:shard+1])
	if err != nil || len(taken) != 1 {
		t.Fatalf("took %+v: %v", taken, err)
	}
	return taken[0]
}

func beginIn(ref messages.ConversationRef, epoch messages.Epoch, first messages.Seq) messages.TurnBegin {
	id := newID()
	item := messages.TextMessage(messages.RoleUser, "hello")
	item.ID = messages.NewItemID(item.Kind, id, 0)
	return messages.TurnBegin{Epoch: epoch, Input: []messages.Item{item}, Record: messages.TurnRecord{
		ID: id, Ref: ref, Status: messages.TurnRunning, FirstSeq: first, Inputs: 1, Created: time.Now(),
	}}
}

// Where a shard is away from home its owner's epoch is known there, too; and what it
// left at home is in nobody's way.
func TestEarlierOwnerIsRefusedAwayFromHome(t *testing.T) {
	t.Parallel()
	const shard = messages.Shard(7)
	cfg := twoDatabases(t)
	first, next := openAs(t, cfg, "first"), openAs(t, cfg, "next")
	defer first.Close()
	defer next.Close()
	ref := conversationIn(t, first, shard)
	held := join(t, first, "first", shard)
	a, err := first.Activate(t.Context(), messages.Activate{Ref: ref, Shard: held.Epoch, MaxItems: 1, MaxBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	running := beginIn(ref, a.Epoch, a.Next)
	if err := first.BeginTurn(t.Context(), running); err != nil {
		t.Fatal(err)
	}
	if _, err := next.MoveShard(t.Context(), shard, "east", sharded.MoveOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := first.SavePrefix(t.Context(), messages.TurnPrefix{Ref: ref, Epoch: a.Epoch, Turn: running.Record.ID, First: a.Next + 1}); err != nil {
		t.Errorf("the owner, once its shard has moved: %v", err)
	}

	if err := first.Leave(t.Context(), "first"); err != nil {
		t.Fatal(err)
	}
	took := join(t, next, "next", shard)
	recovered, err := next.RecoverShards(t.Context(), func(s messages.Shard) (messages.ShardEpoch, bool) { return took.Epoch, s == shard })
	if err != nil || recovered != 1 {
		t.Fatalf("recovered %d: %v", recovered, err)
	}
	for what, write := range map[string]func() error{
		"the end of a turn": func() error {
			return first.EndTurn(t.Context(), messages.TurnEnd{Epoch: a.Epoch, Record: running.Record, First: a.Next + 1})
		},
		"an activation": func() error {
			_, err := first.Activate(t.Context(), messages.Activate{Ref: ref, Shard: held.Epoch, MaxItems: 1, MaxBytes: 1})
			return err
		},
		"another conversation": func() error {
			id := newID()
			for messages.ShardOf(messages.ConversationRef{Tenant: tenant, Conversation: messages.NewConversationID(id)}) != shard {
				id = newID()
			}
			begin := beginIn(messages.ConversationRef{Tenant: tenant, Conversation: messages.NewConversationID(id)}, held.Epoch.First()+1, 1)
			begin.Create = true
			return first.BeginTurn(t.Context(), begin)
		},
	} {
		if err := write(); messages.CodeOf(err) != messages.CodeStaleEpoch {
			t.Errorf("%s by the earlier owner: %v", what, err)
		}
	}
	woken, err := next.Activate(t.Context(), messages.Activate{Ref: ref, Shard: took.Epoch, MaxItems: 1, MaxBytes: 1})
	if err != nil || woken.Epoch.Shard() != took.Epoch {
		t.Fatalf("woken as %+v: %v", woken, err)
	}
	if err := next.BeginTurn(t.Context(), beginIn(ref, woken.Epoch, woken.Next)); err != nil {
		t.Errorf("the owner: %v", err)
	}
}

// Erasures and moves exclude each other.
func TestErasureWaitsForAMoveAndReachesEveryDatabase(t *testing.T) {
	t.Parallel()
	cfg := twoDatabases(t)
	s := open(t, cfg)
	defer s.Close()
	if err := s.CreateTenant(t.Context(), messages.Tenant{ID: tenant, Name: "acme", Created: time.Now()}); err != nil {
		t.Fatal(err)
	}
	refs := make([]messages.ConversationRef, 4)
	for i, shard := range []messages.Shard{7, 7, 8, 9} {
		refs[i] = conversationIn(t, s, shard)
	}
	wanted := messages.Erasure{ID: "erasure_1", Tenant: tenant, Requested: time.Now().Truncate(time.Microsecond)}
	options := sharded.MoveOptions{}
	options.After(func(step sharded.MoveStep) {
		if step != sharded.MoveVerified {
			return
		}
		if err := s.CreateErasure(t.Context(), wanted); err != nil {
			t.Error(err)
		}
		if _, err := s.EraseSome(t.Context(), wanted.ID); messages.CodeOf(err) != messages.CodeStoreUnavailable {
			t.Errorf("erased while a shard moves: %v", err)
		}
	})
	if _, err := s.MoveShard(t.Context(), 7, "east", options); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CleanShards(t.Context(), sharded.Hurry()); err != nil {
		t.Fatal(err)
	}
	receipt := messages.Erasure{}
	for !receipt.Done() {
		var err error
		if receipt, err = s.EraseSome(t.Context(), wanted.ID); err != nil {
			t.Fatal(err)
		}
	}
	if receipt.Conversations != int64(len(refs)) {
		t.Errorf("the receipt is %+v", receipt)
	}
	for _, ref := range refs {
		if _, err := s.Conversation(t.Context(), ref); messages.CodeOf(err) != messages.CodeConversationAbsent {
			t.Errorf("%s: %v", ref.Conversation, err)
		}
	}
	if left := rowsLeft(t, cfg.URL, 8) + rowsLeft(t, cfg.Databases["east"].URL, 7); left != 0 {
		t.Errorf("%d are left", left)
	}
}

// A request's key goes to another one only where its turn did not begin, wherever that
// might be.
func TestKeyOfATurnThatMayBeginAwayFromHome(t *testing.T) {
	t.Parallel()
	cfg := twoDatabases(t)
	spread(t, cfg)
	s := open(t, cfg)
	defer s.Close()
	for _, first := range []string{"the turn", "the key"} {
		ref := conversationIn(t, s, 7) // in east
		a, err := s.Activate(t.Context(), messages.Activate{Ref: ref, MaxItems: 1, MaxBytes: 1})
		if err != nil {
			t.Fatal(err)
		}
		begin := beginIn(ref, a.Epoch, a.Next)
		begin.IdempotencyKey = first
		claim := messages.Claim{Tenant: tenant, Key: first, Request: begin.Record.ID, Deadline: time.Now().Add(time.Minute)}
		if _, err := s.ClaimKey(t.Context(), claim); err != nil {
			t.Fatal(err)
		}
		if first == "the turn" {
			if err := s.BeginTurn(t.Context(), begin); err != nil {
				t.Fatal(err)
			}
		}
		later := claim
		later.Request = newID()
		moved, err := s.MoveKey(t.Context(), later, begin.Record.ID, "")
		if err != nil || moved != (first == "the key") {
			t.Errorf("%s first: moved is %v: %v", first, moved, err)
		}
		if first == "the key" {
			if err := s.BeginTurn(t.Context(), begin); messages.CodeOf(err) != messages.CodeIdempotencyRunning {
				t.Errorf("a turn whose key is another's: %v", err)
			}
		}
	}
}

func BenchmarkTurn(b *testing.B) {
	for name, shard := range map[string]messages.Shard{"one database": -1, "home of two": 8, "away": 7} {
		b.Run(name, func(b *testing.B) {
			cfg := twoDatabases(b)
			var s interface {
				Activate(ctx context.Context, a messages.Activate) (messages.Activation, error)
				BeginTurn(ctx context.Context, t messages.TurnBegin) error
				EndTurn(ctx context.Context, t messages.TurnEnd) error
			}
			if shard < 0 {
				cfg.Databases = nil
				plain, err := postgres.Open(b.Context(), cfg, prometheus.NewRegistry())
				if err != nil {
					b.Fatal(err)
				}
				defer plain.Close()
				s = plain
			} else {
				spread(b, cfg)
				several := open(b, cfg)
				defer several.Close()
				s = several
			}
			id := newID()
			ref := messages.ConversationRef{Tenant: tenant, Conversation: messages.NewConversationID(id)}
			for shard >= 0 && messages.ShardOf(ref) != shard {
				id = newID()
				ref.Conversation = messages.NewConversationID(id)
			}
			first := messages.Seq(1)
			for b.Loop() {
				begin := beginIn(ref, 1, first)
				begin.Create = first == 1
				if err := s.BeginTurn(b.Context(), begin); err != nil {
					b.Fatal(err)
				}
				record := begin.Record
				record.Status, record.Ended = messages.TurnComplete, time.Now()
				if err := s.EndTurn(b.Context(), messages.TurnEnd{Epoch: 1, Record: record, First: first + 1, Usage: []messages.UsageRow{{Tenant: tenant, Request: record.ID, Attempt: 1}}}); err != nil {
					b.Fatal(err)
				}
				first++
			}
		})
	}
}
