// Package cluster makes many nodes one server: it knows who they are, gives each a
// share of the shards, and brings requests to the node that has the conversation.
//
//	lease       a member for as long as it renews its lease (lease.go)
//	placement   who is to own which shard, a pure function (placement.go)
//	shards      what this node owns: takes, opens, closes, gives (shards.go)
//	topology    who owns what, as everybody on this node reads it (topology.go)
//	relay       the actor that nodes speak through (relay.go); a request on its way out
//	            is a call (call.go), one that came in is served (served.go)
//	wire        where nodes reach each other (wire.go), the links between them (link.go),
//	            what these bring (frame.go), and who may use them (tls.go, certificates.go)
//	state       how all of it stands, for operators (state.go)
//
// docs/decisions/cluster.md has what is promised and why it holds.
//
// A [Cluster] stands between the edge of this node and its actors. It never asks
// the edge anything, and the actors only to open a shard, to close one, and to take
// a request.
package cluster
