package cache_test

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"example.com/parley/actors/cache/embed"
	"example.com/parley/messages"
)

// second is a second level as the nodes of a test see it. It belongs into a bubble.
type second struct {
	records map[messages.CacheName][]byte
	ttl     time.Duration
	drops   []messages.CacheDrop
}

func (s *second) Get(_ context.Context, name messages.CacheName) []byte { return s.records[name] }

func (s *second) Put(name messages.CacheName, record []byte, ttl time.Duration) {
	s.records[name], s.ttl = record, ttl
}

func (s *second) Empty(_ context.Context, tenant messages.TenantID) error {
	for name := range s.records {
		if name.Tenant == tenant {
			delete(s.records, name)
		}
	}
	return nil
}

func (s *second) Drop(d messages.CacheDrop) {
	s.drops = append(s.drops, d)
	delete(s.records, d.CacheName)
}

// only is the one record that there is.
func (s *second) only(t *testing.T) (messages.CacheName, []byte) {
	t.Helper()
	if len(s.records) != 1 {
		t.Fatalf("there are %d records", len(s.records))
	}
	for name, record := range s.records {
		return name, record
	}
	panic("unreachable")
}

// nodes are two caches over one second level.
func nodes(t *testing.T) (a, b *world, shared *second) {
	t.Helper()
	shared = &second{records: make(map[messages.CacheName][]byte)}
	return newNode(t, static(t), shared), newNode(t, static(t), shared), shared
}

const (
	chisel  = "What is the best way to sharpen a chisel?"
	chisel2 = "How do I sharpen a chisel?"
)

func TestNodesLearnFromEachOther(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b, shared := nodes(t)
		a.learn(question("acme", chisel), "With a stone.")
		if shared.ttl != time.Hour {
			t.Errorf("a record is kept for %s", shared.ttl)
		}
		name, record := shared.only(t)
		if b.cache.Knows(name) {
			t.Error("a node knows what it was not told")
		}
		b.cache.Learn(name, record)
		synctest.Wait()
		if !b.cache.Knows(name) {
			t.Fatal("a node does not know what it was told")
		}
		b.wants(question("acme", chisel), messages.CacheExact)
		b.wants(question("acme", chisel2), messages.CacheSemantic)
		b.wants(question("rival", chisel), messages.CacheMiss)
		if _, text := b.found(question("acme", chisel)); text != "With a stone." {
			t.Errorf("it said %q", text)
		}
		wait(time.Hour + time.Second) // it expires with the first one
		b.wants(question("acme", chisel), messages.CacheMiss)
	})
}

func TestMissAsksTheSecondLevel(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b, _ := nodes(t)
		a.learn(question("acme", chisel), "With a stone.")
		b.wants(question("acme", chisel2), messages.CacheMiss)
		b.wants(question("acme", chisel), messages.CacheExact)
		synctest.Wait()
		b.wants(question("acme", chisel2), messages.CacheSemantic) // it has learnt
	})
}

func TestDropReachesAllNodes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b, shared := nodes(t)
		a.learn(question("acme", chisel), "With a stone.")
		b.cache.Learn(shared.only(t))
		synctest.Wait()
		hit := b.ask(question("acme", chisel2))
		if err := b.cache.Drop(t.Context(), "acme", hit.Outcome.Entry); err != nil {
			t.Fatal(err)
		}
		if len(shared.drops) != 1 || len(shared.records) != 0 {
			t.Fatalf("dropped %d, kept %d", len(shared.drops), len(shared.records))
		}
		a.cache.Forget(shared.drops[0])
		synctest.Wait()
		a.wants(question("acme", chisel), messages.CacheMiss)
		a.learn(question("acme", chisel), "With a stone.") // and the pair stays apart
		a.wants(question("acme", chisel2), messages.CacheMiss)

		wait(2 * time.Minute)
		a.learn(question("acme", chisel, func(s *messages.TurnSpec) { s.Cache.NoCache = true }), "With a wheel.")
		a.cache.Forget(shared.drops[0]) // as with every connection
		synctest.Wait()
		a.wants(question("acme", chisel), messages.CacheExact)
	})
}

func TestDropOfWhatOnlyOthersHave(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b, shared := nodes(t)
		a.learn(question("acme", chisel), "With a stone.")
		hit := a.ask(question("acme", chisel))
		if err := b.cache.Drop(t.Context(), "acme", hit.Outcome.Entry); err != nil || len(shared.drops) != 1 {
			t.Errorf("%v, and %d drops", err, len(shared.drops))
		}
		if err := b.cache.Drop(t.Context(), "acme", hit.Outcome.Entry); messages.CodeOf(err) != messages.CodeCacheEntryAbsent {
			t.Errorf("a second time: %v", err)
		}
	})
}

// TestForeignRecordIsAMiss of whatever is wrong with it. What the seal around a
// record lets through may be of another name, or version.
func TestForeignRecordIsAMiss(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b, shared := nodes(t)
		a.learn(question("acme", chisel), "With a stone.")
		name, record := shared.only(t)
		wrong := 0
		refuses := func(name messages.CacheName, record []byte) {
			b.cache.Learn(name, record)
			if wrong++; b.counted("chatbot_cache_damaged_total") != wrong {
				t.Errorf("%d bytes as %v were taken in", len(record), name)
			}
		}
		for cut := range record {
			refuses(name, record[:cut])
		}
		refuses(name, append(bytes.Clone(record), 0))
		refuses(messages.CacheName{Tenant: "rival", Entry: name.Entry}, record)
		refuses(messages.CacheName{Tenant: "acme", Entry: name.Entry + 1}, record)
		refuses(name, append([]byte{2}, record[1:]...))
		synctest.Wait()
		if stats := b.cache.Stats("acme"); stats.Entries != 0 {
			t.Errorf("%d are kept", stats.Entries)
		}
		shared.records[name] = record[:len(record)-1]
		b.wants(question("acme", chisel), messages.CacheMiss)
	})
}

// TestChangedRecordBreaksNothing where there is no seal that would tell it.
func TestChangedRecordBreaksNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b, shared := nodes(t)
		a.learn(question("acme", chisel), "With a stone.")
		name, record := shared.only(t)
		for i := range record {
			changed := bytes.Clone(record)
			changed[i] ^= 0x55
			b.cache.Learn(name, changed)
		}
		synctest.Wait()
		b.wants(question("rival", chisel), messages.CacheMiss)
		b.found(question("acme", chisel2))
	})
}

func TestVectorsOfAnotherEmbedderAreNotCompared(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, _, shared := nodes(t)
		a.learn(question("acme", chisel), "With a stone.")
		other := newNode(t, embed.Hashed{}, shared)
		other.cache.Learn(shared.only(t))
		synctest.Wait()
		other.wants(question("acme", chisel2), messages.CacheMiss)
		other.wants(question("acme", chisel), messages.CacheExact)
		other.wants(question("acme", "hi, "+chisel), messages.CacheLexical)
	})
}

func TestOlderRecordDoesNotReplaceANewerOne(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b, shared := nodes(t)
		a.learn(question("acme", chisel), "An old one.")
		name, old := shared.only(t)
		wait(time.Minute)
		b.cache.Learn(name, old)
		synctest.Wait()
		renew := question("acme", chisel, func(s *messages.TurnSpec) { s.Cache.NoCache = true })
		b.learn(renew, "A new one.")
		b.cache.Learn(name, old)
		synctest.Wait()
		if _, text := b.found(question("acme", chisel)); text != "A new one." {
			t.Errorf("it said %q", text)
		}
		a.cache.Learn(shared.only(t))
		synctest.Wait()
		if _, text := a.found(question("acme", chisel)); text != "A new one." {
			t.Errorf("another node said %q", text)
		}
	})
}
