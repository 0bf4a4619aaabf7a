package etcd

import (
	"context"
	"errors"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"example.com/parley/messages"
)

// Join makes m a member, with a lease of ttl, which etcd counts in whole seconds.
func (r *Registry) Join(ctx context.Context, m messages.Member, ttl time.Duration) error {
	return unavailable("Join", r.join(ctx, m, ttl))
}

func (r *Registry) join(ctx context.Context, m messages.Member, ttl time.Duration) error {
	if err := r.seed(ctx); err != nil {
		return err
	}
	value, err := text(memberValue{Address: m.Address, Version: m.Version, Joined: time.Now()})
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.self, r.ttl = m.ID, ttl
	r.mu.Unlock()
	return r.beat(ctx, m.ID, ttl, absent(r.memberKey(m.ID)), clientv3.OpPut(r.memberKey(m.ID), value))
}

// beat makes a lease, and has the member's beat on it where a condition holds, together
// with other operations.
func (r *Registry) beat(ctx context.Context, id messages.MemberID, ttl time.Duration, only condition, more ...clientv3.Op) error {
	began := time.Now()
	lease, err := r.client.Grant(ctx, int64((ttl+time.Second-1)/time.Second))
	if err != nil {
		return err
	}
	answer, err := r.client.Txn(ctx).If(only.Cmp).Then(append(more, clientv3.OpPut(r.beatKey(id), "", clientv3.WithLease(lease.ID)))...).Commit()
	switch {
	case err != nil:
		return err
	case !answer.Succeeded:
		return messages.ErrRemoved
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lease, r.since = lease.ID, began
	return nil
}

// Renew extends the member's lease to ttl from now, removes the members whose leases
// have run out, and returns those that are left. It fails with
// [messages.ErrRemoved] where it is none itself. Where it has extended the lease, and fails
// behind that, it returns the members as well.
//
// Nobody is removed by a member whose own lease has run out within the last ttl:
// after etcd was out of reach every lease has, and each of the others has as long to
// say that it is alive.
func (r *Registry) Renew(ctx context.Context, id messages.MemberID, ttl time.Duration) (members []messages.Member, err error) {
	members, err = r.renew(ctx, id, ttl)
	return members, unavailable("Renew", err)
}

func (r *Registry) renew(ctx context.Context, id messages.MemberID, ttl time.Duration) ([]messages.Member, error) {
	r.mu.Lock()
	lease := r.lease
	r.mu.Unlock()
	_, err := r.client.KeepAliveOnce(ctx, lease)
	if errors.Is(err, rpctypes.ErrLeaseNotFound) { // it has run out
		err = r.beat(ctx, id, ttl, there(r.memberKey(id)))
	}
	if err != nil {
		return nil, err
	}
	s, err := r.sweep(ctx)
	if s == nil {
		return nil, err
	}
	if _, is := s.members[id]; !is {
		return nil, messages.ErrRemoved
	}
	return s.list(ttl), err
}

// sweep removes members whose beats are gone, and tells the store of those that are
// removed. It returns what is there behind that, or, where that fails, was before.
func (r *Registry) sweep(ctx context.Context) (*state, error) {
	s, err := r.read(ctx, false)
	if err != nil {
		return nil, err
	}
	gone, err := r.removeSilent(ctx, s)
	if err != nil {
		return s, err
	}
	if err := r.release(ctx, append(gone, s.removed...)); err != nil {
		return s, err
	}
	if len(gone) == 0 {
		return s, nil
	}
	return r.read(ctx, false)
}

// removeSilent removes members whose beats are gone where this one may do so, and
// returns those that it removed.
func (r *Registry) removeSilent(ctx context.Context, s *state) (gone []messages.MemberID, err error) {
	r.mu.Lock()
	self, mayRemove := r.self, time.Since(r.since) >= r.ttl
	r.mu.Unlock()
	if !mayRemove {
		return nil, nil
	}
	for _, id := range s.silent(self) {
		removed, err := r.remove(ctx, id, absent(r.beatKey(id)), there(r.memberKey(id)), there(r.beatKey(self)), there(r.memberKey(self)))
		if err != nil {
			return gone, err
		}
		if removed {
			gone = append(gone, id)
		}
	}
	return gone, nil
}

// remove ends a membership where the conditions hold, and notes it for the store.
func (r *Registry) remove(ctx context.Context, id messages.MemberID, conditions ...condition) (removed bool, err error) {
	answer, err := r.client.Txn(ctx).If(all(conditions)...).Then(
		clientv3.OpDelete(r.memberKey(id)), clientv3.OpDelete(r.beatKey(id)), clientv3.OpPut(r.removedKey(id), "")).Commit()
	if err != nil {
		return false, err
	}
	return answer.Succeeded, nil
}

// release tells the store of members that are gone. Whoever does so may die in the
// middle of it, and another does it again.
func (r *Registry) release(ctx context.Context, gone []messages.MemberID) error {
	if len(gone) == 0 {
		return nil
	}
	if err := r.fence.CutMembers(ctx, gone); err != nil {
		return err
	}
	if err := r.fence.ReleaseMembers(ctx, gone); err != nil {
		return err
	}
	for _, id := range gone {
		if _, err := r.client.Delete(ctx, r.removedKey(id)); err != nil {
			return err
		}
	}
	return nil
}

// Retire says that a member gives its shards away and takes none.
func (r *Registry) Retire(ctx context.Context, id messages.MemberID) error {
	return unavailable("Retire", r.retire(ctx, id))
}

func (r *Registry) retire(ctx context.Context, id messages.MemberID) error {
	s, err := r.read(ctx, false)
	if err != nil {
		return err
	}
	member, is := s.members[id]
	if !is {
		return nil
	}
	member.value.Leaving = true
	value, err := text(member.value)
	if err != nil {
		return err
	}
	_, err = r.client.Txn(ctx).If(there(r.memberKey(id)).Cmp).Then(clientv3.OpPut(r.memberKey(id), value)).Commit()
	return err
}

// Leave ends a membership. What the member owns is anybody's from then on.
func (r *Registry) Leave(ctx context.Context, id messages.MemberID) error {
	_, err := r.client.Txn(ctx).Then(clientv3.OpDelete(r.memberKey(id)), clientv3.OpDelete(r.beatKey(id))).Commit()
	if err != nil {
		return unavailable("Leave", err)
	}
	return unavailable("Leave", r.fence.ReleaseMembers(ctx, []messages.MemberID{id}))
}

// AwaitChanges calls changed, without waiting for anything, when members or shards
// may have changed, until ctx ends or etcd does not tell any longer. A member whose
// beat is gone is removed at once, by whoever may.
func (r *Registry) AwaitChanges(ctx context.Context, changed func()) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	for news := range r.client.Watch(clientv3.WithRequireLeader(ctx), r.prefix, clientv3.WithPrefix(), clientv3.WithCreatedNotify()) {
		if err := news.Err(); err != nil {
			return unavailable("AwaitChanges", err)
		}
		if r.tellsOfSilence(news.Events) {
			_, _ = r.sweep(ctx) // the next heartbeat tries again
		}
		changed()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return unavailable("AwaitChanges", errors.New("the watch has ended"))
}

func (r *Registry) tellsOfSilence(events []*clientv3.Event) bool {
	beats := r.beatsAt()
	for _, e := range events {
		if e.Type == clientv3.EventTypeDelete && len(e.Kv.GetKey()) > len(beats) && string(e.Kv.GetKey()[:len(beats)]) == beats {
			return true
		}
	}
	return false
}
