package conversation

import (
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"example.com/parley/messages"
)

// maxEnding is how many may wait for one turn's end that they asked for. One is
// usual; more come when a client tries again.
const maxEnding = 16

// follow answers with a view of the turn, where it runs.
func (c *Conversation) follow(ctx actor.Context, m *messages.FollowTurn) {
	c.heard++
	switch {
	case c.runs(m.Turn) && c.busy.turn != nil:
		m.Show(c.busy.turn.kept.live.look())
	case !c.runs(m.Turn) || leftRunning(c.busy.work).IsZero():
		m.NotRunning()
	case len(c.busy.looking) < maxLooking:
		c.busy.looking = append(c.busy.looking, m)
	default:
		messages.Decline(m, tooManyTurns(c.busy.ref))
	}
	c.restAgain(ctx)
}

// maxLooking is how many may wait to see a turn that is about to go on under this owner:
// it takes milliseconds.
const maxLooking = 64

// showThose answers who waits to see the turn; nil where it does not run.
func (c *Conversation) showThose(t *turn) {
	for _, m := range c.busy.looking {
		if t == nil {
			m.NotRunning()
		} else {
			m.Show(t.kept.live.look())
		}
	}
	c.busy.looking = nil
}

// cancel ends the turn that runs, or withdraws one that waits.
func (c *Conversation) cancel(ctx actor.Context, m *messages.CancelTurn) {
	c.heard++
	switch {
	case c.runs(m.Turn) && len(c.busy.ending) == maxEnding:
		m.Reply <- messages.Cancelled{Err: tooManyTurns(c.busy.ref)}
	case c.runs(m.Turn):
		c.busy.ending = append(c.busy.ending, m)
		if c.busy.turn != nil {
			c.busy.cancel(errCancelled)
		}
	case c.withdraw(m.Turn):
		m.Reply <- messages.Cancelled{Found: true}
	default:
		m.NotRunning()
	}
	c.restAgain(ctx)
}

// runs tells whether the turn is the work.
func (c *Conversation) runs(id messages.TurnID) bool {
	if c.busy == nil {
		return false
	}
	turn, isTurn := c.busy.work.(*messages.StartTurn)
	return isTurn && turn.Spec.ID == id
}

// withdraw refuses a turn that waits, and tells whether there is one.
func (c *Conversation) withdraw(id messages.TurnID) bool {
	if c.busy == nil {
		return false
	}
	for i, m := range c.busy.waiting {
		if turn, isTurn := m.(*messages.StartTurn); isTurn && turn.Spec.ID == id {
			c.busy.waiting = slices.Delete(c.busy.waiting, i, i+1)
			turn.Refuse(withdrawn())
			return true
		}
	}
	return false
}

// tellEnded answers those who asked for the end of the work.
func (c *Conversation) tellEnded(err error) {
	for _, m := range c.busy.ending {
		m.Reply <- messages.Cancelled{Found: true, Err: err}
	}
	c.busy.ending = nil
}

// restAgain tells the shard once more that there is nothing to do: it counted a
// request since.
func (c *Conversation) restAgain(ctx actor.Context) {
	if c.busy == nil {
		c.rest(ctx, c.heard)
	}
}
