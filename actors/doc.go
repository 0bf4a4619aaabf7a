// Package actors starts the supervision tree and is the way into it.
//
//	parley                      one root; its children are siblings and fail alone
//	├── tenants                 keys, from memory; asks the store when they change
//	├── limits                  what each tenant, key, model and address uses, as counters that requests change
//	├── provider-<name> ...     breaker, in-flight count and latency, as a snapshot; an operator may add and replace them
//	├── outliers                compares the providers, and tells theirs who does worse
//	├── router                  routes and round-robin, as a snapshot
//	├── cache-0 ... cache-7     replies that are kept, a shard of the tenants each, as snapshots
//	├── admission               the queue in front of the turns
//	├── turns-0 ... turns-63    turns that are kept nowhere, many at a time each
//	├── sessions-0 ... -15      parents of the sessions, by turns
//	│   └── session ...         one a WebSocket connection: says what its lanes do next
//	└── shard-0 ... shard-1023  parents of the conversations, by hash
//	    └── conversation ...    those that have something to do; one piece of work at a time
//
// What restarts what: an actor that panics is restarted by its parent, three
// times within ten seconds; after that the parent stops it. A conversation that
// was stopped is found in the store with its next message. A child of the root
// that was stopped is missing: a metric says so, and the server is not ready.
//
// A restart stops the children of the restarted actor, so the router and the
// providers are siblings, and others go on by their last snapshots while one of
// them restarts. A shard's restart loses its conversations' memory and nothing
// else: whoever waited for them gets a failure that says to try again. A session
// that panics is stopped with its connection, whose client connects again.
package actors
