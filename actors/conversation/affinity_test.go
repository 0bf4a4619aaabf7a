package conversation_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"

	"example.com/parley/messages"
)

func TestTurnsOfAConversationAreAlike(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, hello()...)
		w.journal.exists = true
		pid := w.conversation()
		for range 2 {
			m := w.turn("hi")
			w.system.Root.Send(pid, m)
			read(m)
		}
		if first, second := w.models.calls[0].Affinity, w.models.calls[1].Affinity; first == 0 || first != second {
			t.Errorf("affinities %x and %x", first, second)
		}
	})
}

func TestTurnsThatAreKeptNowhereAreAlikeWhereTheClientSaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, hello()...)
		pool := w.pool()
		ask := func(tenant messages.TenantID, key string) messages.Affinity {
			m := w.stateless("hi")
			m.Spec.Tenant = tenant
			if key != "" {
				value, _ := json.Marshal(key)
				m.Spec.Options.Extra = []messages.Field{{Name: "seed", Value: json.RawMessage("1")}, {Name: "prompt_cache_key", Value: value}}
			}
			pool.Send(m)
			<-m.Reply
			read(m)
			return w.models.calls[len(w.models.calls)-1].Affinity
		}
		named := ask("acme", "k")
		if got := ask("acme", ""); got != 0 {
			t.Errorf("a turn that says nothing has the affinity %x", got)
		}
		if got := ask("acme", "k"); got != named || got == 0 {
			t.Errorf("the same name has %x and %x", named, got)
		}
		if ask("acme", "l") == named || ask("rival", "k") == named {
			t.Error("other names and tenants have the same")
		}
	})
}
