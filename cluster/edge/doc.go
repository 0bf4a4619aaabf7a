// Package edge has servers near users answer what the core has cached for them: both
// sides of it. An edge node reaches neither PostgreSQL nor Redis, is no member of the
// cluster, and dials the core's nodes; nobody dials it.
//
//	hub     the core's side: what edge nodes ask for, and who they are (hub.go)
//	feed    what was cached and dropped lately, in order (feed.go)
//	node    the edge's side: keeps what it knows up to date (node.go), keys.go, marks
//	place   which of the core's nodes is followed (place.go)
//	peers   the core's nodes as an edge node sees them, and how it asks them (peer.go)
//	carry   requests on their way to the core (carry.go)
//	wire    what both say to each other (wire.go)
//	gate    one address of the core for both of it: that, and clients' requests (gate.go)
//
// docs/decisions/edge.md has what is promised and why it holds.
package edge
