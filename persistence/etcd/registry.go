// Package etcd is another place for the nodes of a cluster to meet than PostgreSQL:
// who is a member, and who owns which shard. What they write stays in PostgreSQL,
// and so does what holds their writes to the shards' epochs: each owner raises that
// before it opens a shard ([Registry.RecoverShards]).
//
//	members   a key each, for as long as it is a member
//	beats     a key each, on a lease of etcd's: gone once it was not renewed in time
//	shards    owner and epoch of each, changed by transactions that compare
//	removed   members of which the store is still to be told that they are gone
//
// etcd's own clock ends a lease, and nothing else by it: a member is removed by
// another whose own lease runs, and has run for long enough that all others had time to
// renew theirs. After an outage of etcd all beats are gone, and nobody is removed.
package etcd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"example.com/parley/messages"
)

// Config is how etcd is reached.
type Config struct {
	Endpoints []string    // URLs, or host:port
	Prefix    string      // of all keys, for clusters that share an etcd
	TLS       *tls.Config // nil for none
}

// Fence is the store, whose writes go by the shards' epochs. persistence/postgres
// implements it.
type Fence interface {
	// FencedEpochs are those that writes are held to, in the order of the shards.
	FencedEpochs(ctx context.Context) ([]messages.ShardEpoch, error)
	// RaiseShards holds writes to the epochs of those who own shards by now, where
	// they are held to earlier ones.
	RaiseShards(ctx context.Context, owned func(messages.Shard) (messages.ShardEpoch, bool)) error
	// RecoverShards ends the turns that earlier owners of shards left running.
	RecoverShards(ctx context.Context, owned func(messages.Shard) (messages.ShardEpoch, bool)) (int, error)
	// UnfinishedTurns are those that RecoverShards leaves running, since the next owner
	// of their shards is to take them up.
	UnfinishedTurns(ctx context.Context, owned func(messages.Shard) bool) ([]messages.UnfinishedTurn, error)
	// ReleaseMembers frees what members held that were removed, or have left.
	ReleaseMembers(ctx context.Context, gone []messages.MemberID) error
	// CutMembers ends the connections of members that were removed.
	CutMembers(ctx context.Context, gone []messages.MemberID) error
}

// Registry is one node's way to etcd. It implements cluster.Registry; its methods are
// safe for concurrent use.
type Registry struct {
	client *clientv3.Client
	prefix string
	fence  Fence

	mu    sync.Mutex
	self  messages.MemberID
	ttl   time.Duration
	lease clientv3.LeaseID // on which the beat is
	since time.Time        // it runs, by this process's clock
}

// The bounds of the way to etcd: a heartbeat is a second as a rule.
const (
	dialPatience = 2 * time.Second
	pingEvery    = 2 * time.Second // finds a server that is gone without a word
	pingPatience = time.Second
	// dialAgain is how long an etcd that is back waits at most to be found: far less than
	// a lease, so that nobody who is back first takes the others for dead. The
	// library's own is two minutes.
	dialAgain, dialAgainFirst = 500 * time.Millisecond, 50 * time.Millisecond
)

// Open returns a registry that has asked nobody yet. Close lets go of it.
func Open(cfg Config, fence Fence) (*Registry, error) {
	client, err := clientv3.New(clientv3.Config{
		Endpoints: cfg.Endpoints, TLS: cfg.TLS, Logger: zap.NewNop(),
		DialTimeout: dialPatience, DialKeepAliveTime: pingEvery, DialKeepAliveTimeout: pingPatience,
		DialOptions: []grpc.DialOption{grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{BaseDelay: dialAgainFirst, Multiplier: 1.6, Jitter: 0.2, MaxDelay: dialAgain}, MinConnectTimeout: dialPatience,
		})},
	})
	if err != nil {
		return nil, fmt.Errorf("reach etcd: %w", err)
	}
	return &Registry{client: client, prefix: cfg.Prefix + "/", fence: fence}, nil
}

// Close ends all that goes on with etcd.
func (r *Registry) Close() { _ = r.client.Close() } // its leases run out by themselves

func (r *Registry) membersAt() string                      { return r.prefix + "members/" }
func (r *Registry) beatsAt() string                        { return r.prefix + "beats/" }
func (r *Registry) shardsAt() string                       { return r.prefix + "shards/" }
func (r *Registry) removedAt() string                      { return r.prefix + "removed/" }
func (r *Registry) memberKey(id messages.MemberID) string  { return r.membersAt() + string(id) }
func (r *Registry) beatKey(id messages.MemberID) string    { return r.beatsAt() + string(id) }
func (r *Registry) removedKey(id messages.MemberID) string { return r.removedAt() + string(id) }
func (r *Registry) shardKey(s messages.Shard) string       { return fmt.Sprintf("%s%04d", r.shardsAt(), s) }

// unavailable is the failure of an etcd that cannot be used for now. A failure of the
// store's is passed on as it is.
func unavailable(what string, err error) error {
	if err == nil || errors.Is(err, messages.ErrRemoved) {
		return err
	}
	if _, is := errors.AsType[*messages.Failure](err); is {
		return err
	}
	return &messages.Failure{
		Code: messages.CodeStoreUnavailable, What: "etcd could not be used",
		Do: "try again in a moment; the server's log has the cause", RetryAfter: time.Second, Cause: fmt.Errorf("%s: %w", what, err),
	}
}
