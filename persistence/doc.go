// Package persistence holds what is kept. It has no code of its own: its
// directories are the stores, and this is what they promise.
//
// # Which message becomes which row, and when it is acknowledged
//
//	TurnBegin     conversations (next_seq), turns (in_progress), items (input)   before TurnStarted, and so before any token
//	TurnPrefix    items (output so far), turns (outputs, served)                 every 250 ms or 32 chunks of a reply
//	TurnEnd       items (output), turns (final), usage_rows                      before [DONE], response.completed or the JSON reply
//	ItemsAppend   conversations (next_seq), items                                before the reply
//	UsageRow      the spool at once, usage_rows from there                       before the end of a turn that is not kept
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
// conversation_moved. A tombstone keeps its place.
//
// # Exactly once
//
// What a request creates is named after the request: a turn, the items that it
// appends, a conversation. Writing it again is noticed by its name. Usage rows
// are unique by (tenant, request, attempt).
//
// # After a crash
//
// A turn that was running ends as incomplete, for the reason server_restart,
// with the prefix that was stored: at most 250 ms or 32 chunks shorter than what
// was shown, and not shorter at all with stream.show_after_commit. An attempt in
// flight is settled from its reservation as interrupted.
//
// # Not promised
//
// Loss of the only disk, asynchronous replicas, a power cut on a disk that lies.
package persistence
