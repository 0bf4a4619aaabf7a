package cache_test

import (
	"context"
	"maps"
	"testing"
	"time"

	"example.com/parley/messages"
)

func TestTenantsRepliesAreForgottenAndNobodyElses(t *testing.T) {
	bubble(t, func(t *testing.T) {
		shared := &second{records: make(map[messages.CacheName][]byte)}
		w := newNode(t, static(t), shared)
		for _, tenant := range []messages.TenantID{"acme", "rival"} {
			w.learn(question(tenant, "What is your return policy?"), "Thirty days.")
			w.learn(question(tenant, "Where are you?"), "Here.")
		}
		wait(time.Second)
		if err := w.cache.Empty(t.Context(), "acme"); err != nil {
			t.Fatal(err)
		}
		w.wants(question("acme", "What is your return policy?"), messages.CacheMiss)
		w.wants(question("rival", "What is your return policy?"), messages.CacheExact)
		if stats := w.cache.Stats("acme"); stats.Entries != 0 || stats.Bytes != 0 {
			t.Errorf("acme has %+v", stats)
		}
		for name := range shared.records {
			if name.Tenant == "acme" {
				t.Errorf("the nodes share %+v", name)
			}
		}
		if len(shared.records) != 2 {
			t.Errorf("the nodes share %d", len(shared.records))
		}
		if err := w.cache.Empty(t.Context(), "nobody"); err != nil {
			t.Errorf("of a tenant without replies: %v", err)
		}
		w.learn(question("acme", "Where are you?"), "There.")
		w.wants(question("acme", "Where are you?"), messages.CacheExact)
		over, stop := context.WithCancel(t.Context())
		stop()
		_ = w.cache.Empty(over, "acme") // whichever comes first: it returns
	})
}

func TestWhatWasAskedBeforeATenantsRepliesWereForgottenIsNotKept(t *testing.T) {
	bubble(t, func(t *testing.T) {
		shared := &second{records: make(map[messages.CacheName][]byte)}
		w := newNode(t, static(t), shared)
		w.learn(question("acme", "Where are you?"), "Here.")
		before := maps.Clone(shared.records)
		running := w.ask(question("acme", "What is your return policy?"))
		wait(time.Second)
		if err := w.cache.Empty(t.Context(), "acme"); err != nil {
			t.Fatal(err)
		}
		say(running.Flight, "Thirty days.")
		for name, record := range before { // another node has not heard yet
			w.cache.Learn(name, record)
		}
		wait(time.Second)
		w.wants(question("acme", "What is your return policy?"), messages.CacheMiss)
		w.wants(question("acme", "Where are you?"), messages.CacheMiss)
		if len(shared.records) != 0 {
			t.Errorf("the nodes share %v", shared.records)
		}
	})
}
