package shard_test

import (
	"testing"
	"testing/synctest"

	"example.com/parley/actors/shard"
	"example.com/parley/messages"
)

// clustered is a shard of a cluster's node, with what it turns away.
func clustered(t *testing.T) (s *stage, returned chan messages.Addressed) {
	t.Helper()
	returned = make(chan messages.Addressed, 64)
	return newStageBehind(t, &shard.Door{Return: func(m messages.Addressed) { returned <- m }}), returned
}

func (s *stage) close(force bool) bool {
	reply := make(chan bool, 1)
	s.system.Root.Send(s.shard, &messages.CloseShard{Force: force, Reply: reply})
	return <-reply
}

func (s *stage) open(epoch messages.ShardEpoch) {
	s.system.Root.Send(s.shard, &messages.OpenShard{Epoch: epoch})
}

func TestClosedShardTurnsRequestsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, returned := clustered(t)
		s.say(1)
		<-returned
		s.open(3)
		s.say(2)
		<-s.heard
		synctest.Wait()
		if got := s.door.Epoch(); got != 3 {
			t.Errorf("it is open under epoch %d, want 3", got)
		}
		if !s.close(false) {
			t.Error("a shard at rest did not close")
		}
		s.say(3)
		<-returned
		s.expect(t, "closed", 0, 1, 1)
	})
}

func TestShardAtWorkClosesOnlyByForce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, returned := clustered(t)
		s.busy = true
		s.open(1)
		s.say(1)
		<-s.heard
		if s.close(false) {
			t.Error("it closed over a conversation that is at work")
		}
		s.say(2)
		<-s.heard
		if !s.close(true) {
			t.Error("it withstood force")
		}
		s.say(3)
		<-returned
		s.expect(t, "closed", 0, 1, 2)
	})
}

// What was fenced must not come back with the memory that it had.
func TestShardThatOpensAgainRemembersNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _ := clustered(t)
		s.open(1)
		s.say(1)
		<-s.heard
		synctest.Wait()
		s.close(false)
		s.open(2)
		s.say(1)
		s.expect(t, "under the next epoch", 1, 2, 1)
	})
}

func TestShardStaysOpenOverARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _ := clustered(t)
		s.open(4)
		s.say(1)
		<-s.heard
		synctest.Wait()
		s.system.Root.Send(s.shard, (*messages.OpenShard)(nil)) // a panic
		s.say(1)
		<-s.heard
	})
}
