package cluster

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/keepalive"

	"example.com/parley/messages"
)

// remoting is the wire between nodes: an actor system of its own, which has one
// actor for them. Whoever may use the wire can send any actor behind it any message,
// so the conversations are in another.
type remoting struct {
	system *actor.ActorSystem
	remote *remote.Remote
	lent   bool // others use it, too
}

const (
	// maxWire bounds one message of the transport, which is a batch of ours: as many
	// prompts of the greatest size as wireBatch allows would be more than this, and
	// do not come at once.
	maxWire = 1 << 30
	// wireBatch is how many messages share one of the transport, and wireQueue how
	// many may wait for it at first; the library's own is a million, of 16 bytes each.
	wireBatch, wireQueue = 64, 1024

	// flowWindow is how many bytes may be on their way between two nodes. Where it is named
	// gRPC does not look for a better one, for which it would send a ping behind each
	// message that comes, and wake the other node once more to answer it. At 10 ms from
	// node to node it lets 400 MB/s through.
	flowWindow = 4 << 20

	// pingEvery and pingPatience find a peer that is gone without a word. Members
	// that are removed are found sooner, by their leases.
	pingEvery, pingPatience = 10 * time.Second, 5 * time.Second

	// connectPatience is for a connection to a peer until it has answered. gRPC's own is
	// 20 s, and the system tries again only at distances of 1, 2, 4 and 8 s: a peer that
	// is back would be waited for, and so would what is to end here.
	connectPatience = 2 * time.Second

	// closePatience is how long connections may take to close.
	closePatience = time.Second
)

// listen takes the address, and serves peers from then on.
func listen(cfg Config) (r *remoting, err error) {
	host, text, err := net.SplitHostPort(cfg.Listen)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return nil, fmt.Errorf("the port of %s: %w", cfg.Listen, err)
	}
	dial, serve, err := credentialsOf(cfg.TLS)
	if err != nil {
		return nil, err
	}
	wire := remote.Configure(host, port,
		remote.WithAdvertisedHost(cfg.Advertise),
		remote.WithEndpointWriterBatchSize(wireBatch), remote.WithEndpointWriterQueueSize(wireQueue),
		remote.WithDialOptions(dial, grpc.WithInitialWindowSize(flowWindow), grpc.WithInitialConnWindowSize(flowWindow),
			grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: connectPatience}),
			grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingEvery, Timeout: pingPatience, PermitWithoutStream: true}),
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxWire), grpc.MaxCallSendMsgSize(maxWire))),
		remote.WithServerOptions(serve, grpc.InitialWindowSize(flowWindow), grpc.InitialConnWindowSize(flowWindow),
			grpc.MaxRecvMsgSize(maxWire), grpc.MaxSendMsgSize(maxWire),
			grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingEvery, Timeout: pingPatience}),
			grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: pingEvery / 2, PermitWithoutStream: true}),
			grpc.StreamInterceptor(guarded)),
	)
	wire.MaxRetryCount = 1 // a peer that cannot be reached is told of at once; what waits for it is tried elsewhere
	system := silentSystem()
	r = &remoting{system: system, remote: remote.NewRemote(system, wire)}
	return r, r.start()
}

// silentSystem logs nothing: a dead letter would be logged with its content.
func silentSystem() *actor.ActorSystem {
	return actor.NewActorSystem(
		actor.WithDeadLetterThrottleCount(0), actor.WithDeadLetterThrottleInterval(time.Millisecond),
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }),
	)
}

// start makes the library's panics errors.
func (r *remoting) start() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
			r.system.Shutdown()
		}
	}()
	r.remote.Start()
	return nil
}

// guarded keeps a malformed message of a peer from ending the process. Its stream
// ends instead.
func guarded(server any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a message of another node could not be read: %v", p)
		}
	}()
	return handler(server, stream)
}

// address is where the other nodes reach this one.
func (r *remoting) address() string { return r.system.Address() }

func (r *remoting) root() *actor.RootContext { return r.system.Root }

func (r *remoting) spawn(props *actor.Props, name string) (*actor.PID, error) {
	return r.system.Root.SpawnNamed(props, name)
}

// forget has everybody who watches an actor of a peer told that it is gone, and
// the connection to it closed.
func (r *remoting) forget(address string) {
	r.system.EventStream.Publish(&remote.EndpointTerminatedEvent{Address: address})
}

// stop ends an actor.
func (r *remoting) stop(pid *actor.PID) {
	_ = r.system.Root.StopFuture(pid).Wait() // its own time-out is the only error
}

// close lets go of the address and all connections.
func (r *remoting) close() {
	if r.lent {
		return
	}
	r.stopSoon(actor.NewPID(r.address(), "EndpointSupervisor"))
	r.remote.Shutdown(false)
	r.system.Shutdown()
}

// stopSoon ends an actor, and waits for closePatience at most: what still connects to a
// peer that says nothing ends by itself, within connectPatience and the two seconds that
// the library sleeps behind it.
func (r *remoting) stopSoon(pid *actor.PID) {
	stopped := make(chan struct{})
	go func() { // ends with the actor, or after the library's 10 s
		defer close(stopped)
		r.stop(pid)
	}()
	select {
	case <-stopped:
	case <-time.After(closePatience):
	}
}

// relayName is that of a member's relay. One of a process that ended at the same
// address is another.
func relayName(id messages.MemberID) string { return "relay-" + string(id) }

func (o owner) relay() *actor.PID { return actor.NewPID(o.address, relayName(o.member)) }

func randomHex() string {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
