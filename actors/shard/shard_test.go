package shard_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"example.com/parley/actors/shard"
	"example.com/parley/messages"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ref = messages.ConversationRef{Tenant: "acme", Conversation: "conv_1"}

// stage is one shard whose conversations write down what they hear.
type stage struct {
	system  *actor.ActorSystem
	shard   *actor.PID
	metrics *shard.Metrics
	heard   chan any
	spawned atomic.Int64
	met     atomic.Int64 // by the conversation that heard something last
	busy    bool         // conversations are never done
	forget  bool         // they remember nothing
	door    *shard.Door  // nil on a node that is alone
}

// child plays a conversation. It remembers how many requests it has met.
type child struct {
	stage *stage
	heard uint64 // since it was spawned
	met   int
}

func (c *child) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *messages.Resume:
		c.met = m.Memory.(int)
	case *messages.MayStop:
		c.rest(ctx, m.Sent)
	case *messages.AddItems:
		if m.Items == nil {
			panic("a fault in Receive")
		}
		c.hear(ctx, m)
	case *messages.StartTurn:
		c.hear(ctx, m)
	}
}

func (c *child) hear(ctx actor.Context, m any) {
	c.heard, c.met = c.heard+1, c.met+1
	c.stage.heard <- m
	c.stage.met.Store(int64(c.met))
	c.rest(ctx, c.heard)
}

func (c *child) rest(ctx actor.Context, sent uint64) {
	ready := &messages.ReadyToStop{Sent: sent}
	if !c.stage.forget {
		ready.Memory = c.met
	}
	if !c.stage.busy {
		ctx.Request(ctx.Parent(), ready)
	}
}

func newStage(t *testing.T) *stage {
	t.Helper()
	return newStageBehind(t, nil)
}

// newStageBehind is a stage on a node of a cluster, where door is not nil.
func newStageBehind(t *testing.T, door *shard.Door) *stage {
	t.Helper()
	s := &stage{
		door:    door,
		metrics: shard.NewMetrics(prometheus.NewRegistry()), heard: make(chan any, 256),
		system: actor.NewActorSystem(actor.WithDeadLetterThrottleCount(0),
			actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) })),
	}
	props := actor.PropsFromProducer(func() actor.Actor {
		s.spawned.Add(1)
		return &child{stage: s}
	})
	supervision := actor.NewOneForOneStrategy(3, 10*time.Second, func(any) actor.Directive { return actor.RestartDirective })
	s.shard = s.system.Root.Spawn(shard.Props(shard.Config{IdleAfter: time.Minute}, props, s.metrics, supervision, s.door))
	t.Cleanup(func() {
		synctest.Wait() // what comes too late for the shard is logged by protoactor, from a goroutine that lingers
		_ = s.system.Root.StopFuture(s.shard).Wait()
		s.system.Shutdown()
	})
	return s
}

func (s *stage) say(n int) {
	s.system.Root.Send(s.shard, &messages.AddItems{Ref: ref, Items: make([]messages.Item, n)})
}

func (s *stage) sweep() { s.system.Root.Send(s.shard, &shard.Sweep{Now: time.Now()}) }

// expect waits until nothing happens any more, and compares what is counted.
func (s *stage) expect(t *testing.T, when string, awake, woken, met int) {
	t.Helper()
	synctest.Wait()
	if got := testutil.ToFloat64(s.metrics.Awake); got != float64(awake) {
		t.Errorf("%s: %v are awake, want %d", when, got, awake)
	}
	if got := testutil.ToFloat64(s.metrics.Woken); got != float64(woken) {
		t.Errorf("%s: %v were woken, want %d", when, got, woken)
	}
	if got := s.met.Load(); got != int64(met) {
		t.Errorf("%s: the conversation remembers %d messages, want %d", when, got, met)
	}
}

func TestMessagesReachTheirConversationInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		for n := range 10 {
			s.say(n + 1)
		}
		for n := range 10 {
			if got := (<-s.heard).(*messages.AddItems); len(got.Items) != n+1 {
				t.Errorf("message %d came as %d", n+1, len(got.Items))
			}
		}
		s.expect(t, "at the end", 1, 1, 10)
	})
}

func TestIdleConversationSleepsAndWakes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.say(1)
		s.sweep()
		s.expect(t, "before it was idle for long", 1, 1, 1)
		time.Sleep(time.Minute)
		s.sweep()
		s.expect(t, "after a minute", 0, 1, 1)
		s.say(2)
		s.expect(t, "when it is talked to again", 1, 2, 1)
	})
}

func TestConversationHasAnActorOnlyWhileItIsAtWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		for n := range 3 {
			s.say(1)
			s.expect(t, "after a message", 1, 1, n+1)
		}
		if got := s.spawned.Load(); got != 3 {
			t.Errorf("%d actors were spawned for 3 messages, each after the other's end", got)
		}
	})
}

func TestConversationThatRemembersNothingSleeps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.forget = true
		s.say(1)
		s.expect(t, "after a message", 0, 1, 1)
	})
}

// A conversation that was restarted has lost count of what it was sent.
func TestRestartedConversationIsAskedWhetherItMayStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.system.Root.Send(s.shard, &messages.AddItems{Ref: ref})
		s.say(1)
		time.Sleep(time.Minute)
		s.sweep()
		s.expect(t, "when it was asked", 1, 1, 1)
		s.say(1)
		s.expect(t, "with its next message", 1, 1, 2)
		if got := s.spawned.Load(); got != 3 {
			t.Errorf("%d actors were made, want the first, the restarted and the next", got)
		}
	})
}

func TestBusyConversationStaysAwake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.busy = true
		s.say(1)
		<-s.heard
		time.Sleep(time.Hour)
		s.sweep()
		s.expect(t, "after an hour", 1, 1, 1)
	})
}

// What is sent while a conversation goes to sleep is neither lost nor
// reordered, whenever it comes.
func TestNothingIsLostWhileAConversationGoesToSleep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		const messagesSent = 200
		go func() {
			for n := range messagesSent {
				s.say(n + 1)
				if n%3 == 0 {
					time.Sleep(time.Minute)
					s.sweep()
					if n%2 == 0 {
						synctest.Wait() // asleep; else the next message meets it on its way
					}
				}
			}
		}()
		for n := range messagesSent {
			if got := (<-s.heard).(*messages.AddItems); len(got.Items) != n+1 {
				t.Fatalf("message %d came as %d", n+1, len(got.Items))
			}
		}
		if got := s.spawned.Load(); got < 10 {
			t.Errorf("it slept %d times only", got-1)
		}
	})
}

func TestConversationThatFailsTooOftenIsFoundAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		for range 4 {
			s.system.Root.Send(s.shard, &messages.AddItems{Ref: ref})
		}
		synctest.Wait()
		if got := testutil.ToFloat64(s.metrics.GivenUp); got != 1 {
			t.Errorf("%v given up, want 1", got)
		}
		s.say(1)
		<-s.heard
	})
}

func TestTurnsAndEditsAreRoutedAlike(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.system.Root.Send(s.shard, messages.NewStartTurn(context.Background(),
			messages.TurnSpec{Tenant: ref.Tenant, Conversation: ref.Conversation}))
		<-s.heard
		s.say(1)
		<-s.heard
		other := ref
		other.Tenant = "rival"
		s.system.Root.Send(s.shard, &messages.AddItems{Ref: other, Items: make([]messages.Item, 1)})
		<-s.heard
		s.expect(t, "another tenant's conversation of the same name", 2, 2, 1)
	})
}

func TestNobodyIsWokenToSayThatATurnDoesNotRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		ask := func(when string) {
			follow, cancel := messages.NewFollowTurn(ref, messages.TurnID{1}), messages.NewCancelTurn(ref, messages.TurnID{1})
			s.system.Root.Send(s.shard, follow)
			s.system.Root.Send(s.shard, cancel)
			if got := <-follow.Reply; got.View != nil || got.Err != nil {
				t.Errorf("%s: got %+v", when, got)
			}
			if got := <-cancel.Reply; got.Found || got.Err != nil {
				t.Errorf("%s: got %+v", when, got)
			}
		}
		ask("in the store")
		s.expect(t, "nobody was woken", 0, 0, 0)
		s.say(1)
		<-s.heard
		synctest.Wait()
		ask("at rest")
		s.expect(t, "it rests", 1, 1, 1)
		if got := s.spawned.Load(); got != 1 {
			t.Errorf("%d actors were spawned, want 1", got)
		}
	})
}
