package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"example.com/parley/bench/program"
)

// fault is one that is injected. inject does it, and returns once it is over but for
// what the cluster has to do itself.
type fault struct {
	name   string
	cuts   bool          // it takes the network apart
	named  bool          // it is injected where it is named alone
	lasts  bool          // within bounds the longest time without an answer while it lasts, and behind it
	within time.Duration // in which everything is to be writable again, from its beginning; 0 for no bound
	inject func(ctx context.Context, d *injection) error
}

// injection is what a fault works with.
type injection struct {
	*site
	crew   *crew
	hold   time.Duration
	random *rand.Rand
}

// victim is one of the nodes that run.
func (d *injection) victim() *node { return d.nodes[d.random.IntN(d.usual)] }

// others are the nodes that run, but for one.
func (d *injection) others(but *node) (hosts []*host) {
	for _, n := range d.up() {
		if n != but {
			hosts = append(hosts, n.host)
		}
	}
	return hosts
}

func (d *injection) store() []*host { return []*host{d.network.hosts[storeHost]} }

// Bounds: within which a conversation is to be writable somewhere else.
const (
	afterKill   = 5 * time.Second
	afterFreeze = 8 * time.Second
	freezeFor   = 12 * time.Second
)

func faults() []fault {
	return []fault{
		{name: "kill", within: afterKill, inject: func(ctx context.Context, d *injection) error {
			d.victim().kill(d.hold)
			return program.Pause(ctx, d.hold)
		}},
		{name: "freeze", within: afterFreeze, inject: func(ctx context.Context, d *injection) error {
			victim := d.victim()
			if err := victim.freeze(); err != nil {
				return err
			}
			return errors.Join(program.Pause(ctx, max(d.hold, freezeFor)), victim.thaw())
		}},
		{name: "partition_minority", cuts: true, within: afterFreeze, inject: func(ctx context.Context, d *injection) error {
			victim := d.victim()
			return d.parted(ctx, []*host{victim.host}, append(d.others(victim), d.store()...))
		}},
		{name: "partition_majority", cuts: true, within: afterFreeze, inject: func(ctx context.Context, d *injection) error {
			left := d.victim()
			return d.parted(ctx, d.others(left), append(d.store(), left.host))
		}},
		{name: "partition_peers", cuts: true, inject: func(ctx context.Context, d *injection) error {
			victim := d.victim()
			return d.parted(ctx, []*host{victim.host}, d.others(victim))
		}},
		{name: "partition_one_way", cuts: true, inject: func(ctx context.Context, d *injection) error {
			victim := d.victim()
			err := d.network.cut(ctx, victim.host, d.others(victim)...)
			return errors.Join(err, program.Pause(ctx, d.hold), d.network.heal(ctx))
		}},
		{name: "postgres_restart", inject: func(ctx context.Context, d *injection) error {
			d.postgres.Kill()
			return errors.Join(program.Pause(ctx, time.Second), d.postgres.Start(ctx))
		}},
		{name: "redis_loss", within: time.Second, inject: func(ctx context.Context, d *injection) error {
			d.redis.Kill()
			return errors.Join(program.Pause(ctx, d.hold), d.redis.Start(ctx))
		}},
		{name: "rolling_restart", inject: func(ctx context.Context, d *injection) error {
			for _, n := range d.nodes[:d.usual] {
				if err := n.restart(); err != nil {
					return err
				}
				if _, err := d.settled(ctx, readyWithin); err != nil {
					return err
				}
			}
			return nil
		}},
		{name: "scale", inject: func(ctx context.Context, d *injection) error {
			for _, n := range d.nodes[d.usual:] {
				n.want(true)
			}
			if _, err := d.settled(ctx, readyWithin); err != nil {
				return err
			}
			for _, n := range d.nodes[d.usual:] {
				if err := n.leave(); err != nil {
					return err
				}
			}
			return nil
		}},
		{name: movePart, named: true, lasts: true, within: afterMove, inject: moveShards},
	}
}

// parted has two groups not reach each other for a while.
func (d *injection) parted(ctx context.Context, here, there []*host) error {
	err := d.network.part(ctx, here, there)
	return errors.Join(err, program.Pause(ctx, d.hold+afterKill), d.network.heal(ctx))
}

func faultNames() (names []string) {
	for _, f := range faults() {
		names = append(names, f.name)
	}
	return names
}
