package messages

import (
	"context"
	"time"
)

// ActorKind says what kind of somebody changed something.
type ActorKind string

// The kinds.
const (
	ActorServer  ActorKind = "server"  // the server itself, such as at its first start
	ActorKey     ActorKind = "key"     // whoever presented an admin key
	ActorCommand ActorKind = "command" // a person at the store itself, with the command line
)

// Actor is on whose behalf something is changed, and from where.
type Actor struct {
	Kind    ActorKind
	Name    string // the key's id, or the account of the operating system
	Address string // of the client; empty on the machine itself
	Request string // the request's id, as the log has it; empty for no request
}

type actorKey struct{}

// WithActor returns a context for what is done on the actor's behalf. Whatever
// is written to the audit log under it names the actor.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorOf returns the actor of a context: where none is named the server itself.
func ActorOf(ctx context.Context) Actor {
	if a, named := ctx.Value(actorKey{}).(Actor); named {
		return a
	}
	return Actor{Kind: ActorServer}
}

// AuditChange is a change that is to be written to the audit log.
type AuditChange struct {
	// Action is what was done to what kind of thing, as "tenant.create".
	Action string
	Object string   // the id of what was changed
	Tenant TenantID // whose it is; empty for what is nobody's
	// Before and After are written as JSON; nil for what there was not, or is
	// not any more. No secret and no content of a tenant may be among them.
	Before, After any
}

// AuditEntry is a line of the audit log. It is never changed and never removed.
type AuditEntry struct {
	ID            int64 // grows from entry to entry, with gaps
	At            time.Time
	Actor         Actor
	Action        string
	Object        string
	Tenant        TenantID
	Before, After string // JSON, or empty
}

// AuditPage asks for a part of the audit log, the newest entries first.
type AuditPage struct {
	After  int64    // the last entry of the page before; 0 for the newest
	Limit  int      // at least 1
	Tenant TenantID // only of what is this tenant's; empty for all
	Action string   // only this; empty for all
	Object string   // only of the thing with this id; empty for all
}
