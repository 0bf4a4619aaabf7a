package messages_test

import (
	"strconv"
	"testing"

	"example.com/parley/messages"
)

func TestShardsAreEvenlyFilled(t *testing.T) {
	t.Parallel()
	const conversations = 100 * messages.Shards
	var counts [messages.Shards]int
	for i := range conversations {
		counts[messages.ShardOf(messages.ConversationRef{Tenant: "acme", Conversation: messages.ConversationID("conv_" + strconv.Itoa(i))})]++
	}
	for i, n := range counts {
		if n < 50 || n > 160 { // five standard deviations of a fair draw
			t.Errorf("shard %d has %d of %d", i, n, conversations)
		}
	}
}

func TestShardOfAConversationNeverChanges(t *testing.T) {
	t.Parallel()
	for conversation, want := range map[messages.ConversationID]int{"": 836, "conv_1": 818, "conv_2": 199} {
		if got := messages.ShardOf(messages.ConversationRef{Tenant: "acme", Conversation: conversation}); got != messages.Shard(want) {
			t.Errorf("%q is in shard %d, want %d: storage is laid out by it", conversation, got, want)
		}
	}
}

func TestEpochsOfALaterOwnerComeBehindThoseOfEarlierOnes(t *testing.T) {
	t.Parallel()
	first, second := messages.ShardEpoch(1), messages.ShardEpoch(2)
	if last := second.First() - 1; last <= first.First() || last.Shard() != first {
		t.Errorf("the last activation under epoch 1 counts as under %d", last.Shard())
	}
	if next := second.First() + 1; next.Shard() != second {
		t.Errorf("the first activation under epoch 2 counts as under %d", next.Shard())
	}
	if alone := messages.Epoch(7); alone.Shard() != 0 {
		t.Errorf("an activation on a node that is alone counts as under %d", alone.Shard())
	}
}

func TestForkIsInItsParentsShard(t *testing.T) {
	t.Parallel()
	seen := make(map[messages.ConversationID]bool)
	for i := range 100 {
		id := messages.TurnID{1, 2, 3, 4, 5, 6, 0x70, byte(i), 0x80, 5, 6, 7, byte(i)}
		parent := messages.ConversationRef{Tenant: "acme", Conversation: messages.NewConversationID(messages.TurnID{byte(i)})}
		fork := messages.NewForkID(id, parent)
		if fork != messages.NewForkID(id, parent) || fork == parent.Conversation || seen[fork] || len(fork) != len(parent.Conversation) {
			t.Errorf("named %s", fork)
		}
		if got := messages.ShardOf(messages.ConversationRef{Tenant: "acme", Conversation: fork}); got != messages.ShardOf(parent) {
			t.Errorf("%s is in shard %d", fork, got)
		}
		seen[fork] = true
	}
}

func BenchmarkNewForkID(b *testing.B) {
	parent := messages.ConversationRef{Tenant: "acme", Conversation: messages.NewConversationID(messages.TurnID{1})}
	var id messages.TurnID
	for b.Loop() {
		id[15]++
		messages.NewForkID(id, parent)
	}
}
