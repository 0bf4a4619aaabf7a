package actors

import (
	"context"

	"example.com/parley/actors/cache"
	"example.com/parley/actors/conversation"
	"example.com/parley/messages"
)

// answers joins the cache with the conversations that ask it. Its readers are asked
// for their snapshots: no actor is in the way of a request.
type answers struct{ cache *cache.Cache }

// NewCache returns what conversations know of the cache.
func NewCache(c *cache.Cache) conversation.Cache { return answers{c} }

// Ask implements conversation.Cache.
func (a answers) Ask(ctx context.Context, spec *messages.TurnSpec, items []messages.Item) conversation.Asked {
	found := a.cache.Ask(ctx, spec, items)
	asked := conversation.Asked{Outcome: found.Outcome}
	if found.Answer != nil { // a nil of one interface is none of the other
		asked.Answer = found.Answer
	}
	if found.Flight != nil {
		asked.Flight = found.Flight
	}
	return asked
}

// CacheParts returns the cache's actors.
func CacheParts(c *cache.Cache) (parts []Part) {
	for name, props := range c.Props() {
		parts = append(parts, Part{Name: name, Props: props})
	}
	return parts
}
