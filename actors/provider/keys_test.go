package provider

import (
	"net/http"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/messages"
)

func TestCallsGoRoundTheKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "one", "two", "three")
		for range 4 {
			if err := b.call(); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([]int{0, 1, 2, 0}, b.upstream.keys); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
	})
}

func TestKeyThatIsNoUseIsLeftAlone(t *testing.T) {
	t.Parallel()
	limited := &messages.Failure{Code: messages.CodeProviderLimited, RetryAfter: 20 * time.Second}
	for name, tt := range map[string]struct {
		refusal error
		away    time.Duration
	}{
		"limited for a time":     {limited, 20 * time.Second},
		"limited without a time": {&messages.Failure{Code: messages.CodeProviderLimited}, limitedFor},
		"without money":          {&messages.Failure{Code: messages.CodeProviderQuota, RetryAfter: time.Minute}, time.Minute},
		"refused":                {&messages.Failure{Code: messages.CodeProviderKey}, refusedFor},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, "one", "two")
				b.upstream.set(func(s *scripted) { s.refuse = map[int]error{0: tt.refusal} })
				for range 4 {
					if err := b.call(); err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
				}
				if diff := cmp.Diff([]int{0, 1, 1, 1, 1}, b.upstream.keys); diff != "" {
					t.Errorf("keys (-want +got):\n%s", diff)
				}
				if parked := b.handle.Snapshot().Parked; len(parked) != 1 || time.Until(parked[Place{Model: "m", Key: 1}]) != tt.away {
					t.Errorf("parked: %v", parked)
				}
				time.Sleep(tt.away)
				b.upstream.set(func(s *scripted) { s.refuse, s.keys = nil, nil })
				for range 2 {
					if err := b.call(); err != nil {
						t.Fatal(err)
					}
				}
				if !slices.Contains(b.upstream.keys, 0) {
					t.Errorf("the key is not used again: %v", b.upstream.keys)
				}
			})
		})
	}
}

func TestCallersAreToldWhenTheFirstKeyIsFree(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "one", "two")
		b.upstream.set(func(s *scripted) {
			s.refuse = map[int]error{
				0: &messages.Failure{Code: messages.CodeProviderLimited, RetryAfter: 20 * time.Second},
				1: &messages.Failure{Code: messages.CodeProviderLimited, RetryAfter: 10 * time.Second},
			}
		})
		if err := b.call(); messages.CodeOf(err) != messages.CodeProviderLimited {
			t.Fatalf("got %v", err)
		}
		synctest.Wait()
		if len(b.upstream.keys) != 2 {
			t.Errorf("keys %v were tried", b.upstream.keys)
		}
		if refusal := b.handle.Refusal("m"); refusal == nil || refusal.RetryAfter != 10*time.Second {
			t.Errorf("refusal %v", refusal)
		}
		if b.handle.Refusal("another") != nil {
			t.Error("another model is refused too")
		}
	})
}

func TestEachKeyIsSentAndNoneIsShown(t *testing.T) {
	t.Parallel()
	s := Settings{Kind: KindOpenAI, APIKey: "first-secret", APIKeys: []string{"second-secret"}}
	sent := make([]string, 0, 2)
	for _, key := range s.keys() {
		sent = append(sent, dialectOf(&s).headers(key)["Authorization"])
	}
	if diff := cmp.Diff([]string{"Bearer first-secret", "Bearer second-secret"}, sent); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	f := s.hideAll(&messages.Failure{Code: messages.CodeProviderKey, What: "no such keys: first-secret, second-secret", Status: http.StatusUnauthorized})
	if f.What != "no such keys: [redacted], [redacted]" {
		t.Errorf("shown: %s", f.What)
	}
}

func TestCallsOfAConversationStayWithAKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "one", "two", "three")
		used := make(map[int]bool)
		for n := range 20 {
			alike := messages.AffinityOf("acme", strconv.Itoa(n))
			b.upstream.set(func(s *scripted) { s.keys = nil })
			for range 3 {
				answer, err := b.handle.Open(t.Context(), "m", &messages.Call{Affinity: alike})
				if err != nil {
					t.Fatal(err)
				}
				_ = answer.Close()
			}
			if keys := slices.Compact(b.upstream.keys); len(keys) != 1 {
				t.Fatalf("the calls of one conversation used %v", b.upstream.keys)
			}
			used[b.upstream.keys[0]] = true
		}
		if len(used) != 3 {
			t.Errorf("twenty conversations used %v", used)
		}
	})
}
