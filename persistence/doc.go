// Package persistence holds what is kept. It has no code of its own: its
// directories are the stores, and this is what they promise.
//
//	relational   every statement, once, in the SQL that both databases share
//	sqlite       one file, the embedded default: connections, the writer, backups
//	postgres     a pool, row-level security: for production
//	postgres/sharded   conversations in several such databases, by their shards
//	etcd               where the nodes of a cluster meet, instead of PostgreSQL
//	spool        the ledger's queue on the local disk, in front of either
//	redis        what nodes share and may lose: cached replies
//
// persistencetest is the one suite that both databases pass.
//
// # Which message becomes which row, and when it is acknowledged
//
//	TurnBegin     conversations (next_seq), turns (in_progress), items (input)   before TurnStarted, and so before any token
//	TurnPrefix    items (output so far), turns (outputs, served)                 every 250 ms or 32 chunks of a reply
//	TurnEnd       items (output), turns (final), usage_rows                      before [DONE], response.completed or the JSON reply
//	ItemsAppend   conversations (next_seq), items                                before the reply
//	UsageRow      the spool at once, usage_rows from there                       before the end of a turn that is not kept
//	CacheDrop     cache_denials                                                  before the reply
//	Erasure       erasures                                                       before anything is taken away
//	PriceVersion  prices                                                         before the reply
//	AuditChange   audit_log, in the transaction of what it says was changed      before the reply
//	KeyUse        keys (used), in batches                                        never waited for
//	Claim         idempotency_keys                                               before the request is carried out
//
// A method returns when its transaction is committed: PostgreSQL with
// synchronous_commit on, SQLite in WAL mode with synchronous=FULL.
//
// # Order and fencing
//
// An item's place is a number, dense within its conversation and taken in the
// transaction that writes the item. Order is that number, never a timestamp.
// Activating a conversation raises its epoch; every write names the epoch that
// it acts under, and one with an older epoch changes nothing and fails with
// conversation_moved. A write holds its conversation's row until it is
// committed, so that nothing comes between its check and its commit.
//
// Nodes of a cluster own shards of the conversations, each under an epoch that rises
// with every owner and is the upper half of the epochs of its conversations. A write
// fails likewise once its shard has another owner; see docs/decisions/cluster.md.
//
// Where conversations are in several databases a write fails, too, in one that its
// shard has left, and is carried out in the one where it is; see
// docs/decisions/sharded-storage.md.
//
// A tombstone keeps its place: an item that was erased, the input of a turn that
// failed, and what a prefix had that the turn's end has not.
//
// # Forks
//
// A fork has no copies: its items begin behind its parent's place, and those of
// the parent up to there come first, through any number of generations. What is
// erased in the parent is erased in its forks. A conversation that is dropped
// while forks of it are left keeps the items that they begin with, out of
// anybody's reach but theirs; it is removed with the last of them. No new fork
// is made of it.
//
// # Exactly once
//
// What a request creates is named after the request: a turn, the items that it
// appends, a conversation. Writing it again is noticed by its name. Usage rows
// are unique by (tenant, request, attempt).
//
// An idempotency key is kept for 24 hours, then it may be taken again. It is held
// by the request that claimed it first until that is answered, fails, or dies: at
// its deadline, or when RecoverTurns says that its process is dead, one later
// request is told to go on in its place.
//
// # After a crash
//
// A turn that was running ends as incomplete, for the reason server_restart,
// with the prefix that was stored: at most 250 ms or 32 chunks (of a long reply, an
// eighth of it, which a model that says so much in 250 ms has) shorter than what
// was shown, and not shorter at all with stream.show_after_commit. RecoverTurns
// does so for all at a start, which is why one server at a time works on a
// database; Activate does so for the conversation that it wakes. A turn that was kept
// with its terms is left running instead, for whoever has its conversation next
// (UnfinishedTurns): until its deadline, for three owners at most. An attempt in
// flight is settled from its reservation as interrupted.
//
// # Tenants
//
// Every statement names its tenant, and another tenant's name is answered like
// one that does not exist. PostgreSQL knows for whom a transaction is, and shows
// it nothing else. What belongs to no tenant (keys by their id, totals of all,
// recovery, sweeping) says that it is the operator's.
//
// # When the database fails
//
// storage_full when its disk is, while reading goes on; store_unavailable, which
// may be tried again, for all else. A write whose outcome is unknown may be
// repeated: see above.
//
// # Not promised
//
// Loss of the only disk, asynchronous replicas, a power cut on a disk that lies.
package persistence
