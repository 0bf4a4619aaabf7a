package messages

import (
	"errors"
	"time"
)

// MemberID names a node of a cluster for as long as its process lives. A process
// that starts again is another member.
type MemberID string

// Member is a node of a cluster. It is one for as long as it renews its lease.
type Member struct {
	ID      MemberID
	Address string // host:port where the other nodes reach it
	Version string // of its binary
	Leaving bool   // it gives its shards away, and takes none
	Joined  time.Time
	Lease   time.Duration // what is left of it; below 0 where it has run out and nobody has said so yet
}

// Placement says who owns a shard. Epoch rises with every owner.
type Placement struct {
	Shard Shard
	Owner MemberID // empty, or no member any more: nobody does
	Epoch ShardEpoch
}

// ErrRemoved is for a member that is none any more: others have its shards. There
// is no way back, but for a process that starts again.
var ErrRemoved = errors.New("the other nodes of the cluster have removed this one, since it did not renew its lease in time")

// ClusterState is how the nodes share the conversations, at one moment.
type ClusterState struct {
	Self    MemberID // of the node that was asked; empty for one that is alone, or for nobody
	Members []MemberShare
	Unowned int        // shards that no member owns, and some is about to take
	Moving  int        // shards that are to have another owner than they have
	Edges   []EdgeNode // that Self heard of lately; no members

	Databases []DatabaseShare // home first; none where there is one
}

// DatabaseShare is a database, and how many shards of the conversations are in it.
type DatabaseShare struct {
	Name   string
	Shards int
	Moving int // of them are being copied to another
	Left   int // shards that have moved, and whose old rows are still there
}

// MemberShare is a member, and how many shards it owns.
type MemberShare struct {
	Member
	Shards int
}
