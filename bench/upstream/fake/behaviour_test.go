package fake_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/bench/upstream/fake"
	"example.com/parley/messages"
)

func TestParseModel(t *testing.T) {
	t.Parallel()
	base := fake.Behaviour{Tokens: 7}
	for model, want := range map[string]fake.Behaviour{
		"gpt-4o":                                 base,
		"fakery":                                 base,
		"fake":                                   base,
		"openai/fake":                            base,
		"fake-tokens-20-delay-5ms-interval-1.5s": {Tokens: 20, Delay: 5 * time.Millisecond, Interval: 1500 * time.Millisecond},
		"claude-fake-thinking-2-tools-3-cached-4": {Tokens: 7, Thinking: 2, Tools: 3, Cached: 4},
		"fake-length":                          {Tokens: 7, Finish: messages.FinishLength},
		"fake-filter":                          {Tokens: 7, Finish: messages.FinishContentFilter},
		"fake-fault-429-retry-2-first-3":       {Tokens: 7, Fault: fake.Fault{Kind: fake.FaultStatus, Status: 429, RetryAfter: 2 * time.Second, First: 3}},
		"fake-fault-malformed-after-2-times-5": {Tokens: 7, Fault: fake.Fault{Kind: fake.FaultMalformed, After: 2, Times: 5}},
		"fake-fault-cut-every-10":              {Tokens: 7, Fault: fake.Fault{Kind: fake.FaultCut, Every: 10}},
		"fake-fault-500-fault-none":            {Tokens: 7},
		"fake-fault-500-fault-hang-tokens-1":   {Tokens: 1, Fault: fake.Fault{Kind: fake.FaultHang}},
	} {
		got, _, err := fake.ParseModel(base, model)
		if err != nil {
			t.Errorf("%s: %v", model, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", model, diff)
		}
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, terms := range []string{
		"tokens", "tokens-x", "tokens--1", "tokens-1000001", "delay-5", "delay--5ms", "delay-", "fault", "fault-mine", "fault-200", "fault-600", "hurry", "retry-soon",
	} {
		if b, err := fake.Parse(fake.Behaviour{Tokens: 7}, terms); err == nil || b != (fake.Behaviour{Tokens: 7}) {
			t.Errorf("%q was read as %+v, %v", terms, b, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("tokens-20-delay-5ms-interval-1ms")
	f.Add("fault-429-retry-2-first-3")
	f.Fuzz(func(t *testing.T, terms string) {
		b, err := fake.Parse(fake.Behaviour{}, terms)
		if err != nil {
			return
		}
		if b.Tokens < 0 || b.Delay < 0 || b.Interval < 0 || b.Fault.After < 0 || b.Fault.RetryAfter < 0 {
			t.Errorf("%q was read as %+v", terms, b)
		}
	})
}
